"""A Starlette endpoint with the same checks, statements and JSON, but without GraphQL. With --group, requests that wait
share a commit."""

import answers
import orjson
import serving
import store
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

options = serving.arguments("--group")
units = store.Group(options.database) if options.group else store.Each(options.database)


async def graphql(request: Request) -> Response:
    """Answers one of the measured requests."""
    content = orjson.loads(await request.body())
    authorization = request.headers.get("authorization", "")
    run = units.run if answers.writes(content) else units.read
    try:
        answer = await run(lambda connection: answers.answer(connection, authorization, content))
    except store.Unauthorized:
        return Response(status_code=401)
    return Response(orjson.dumps(answer), media_type="application/json")


serving.serve(Starlette(routes=[Route("/graphql", graphql, methods=["POST"])]), options.port)
