"""An ASGI function with the same checks, statements and JSON, but without framework and GraphQL. With --group, requests
that wait share a commit."""

from typing import Any

import answers
import orjson
import serving
import store

options = serving.arguments("--group")
units = store.Group(options.database) if options.group else store.Each(options.database)


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answers one of the measured requests."""
    authorization = next((value.decode() for name, value in scope["headers"] if name == b"authorization"), "")
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    content = orjson.loads(body)
    run = units.run if answers.writes(content) else units.read
    try:
        answer = await run(lambda connection: answers.answer(connection, authorization, content))
        status, body = 200, orjson.dumps(answer)
    except store.Unauthorized:
        status, body = 401, b""
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


serving.serve(application, options.port)
