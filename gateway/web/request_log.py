"""Hands the GraphQL requests of a sandbox to its request log, after their responses."""

import time
from collections.abc import Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.kit.clock import WallClock
from gateway.oauth.token_check import Authentication
from gateway.services.sandbox.request_log_writer import Exchange


class LogRequests:
    """ASGI middleware around the token check of the GraphQL API of a sandbox. `put` gets each request with a token and
    its response. It keeps references to their bytes only, so that a request takes no longer. A live deployment does
    not have it."""

    def __init__(self, app: ASGIApp, put: Callable[[Exchange], None], clock: WallClock) -> None:
        self._app, self._put, self._clock = app, put, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, received_at, status = time.perf_counter(), self._clock(), 0
        sent, answered = list[bytes](), list[bytes]()

        async def receive_and_keep() -> Message:
            message = await receive()
            if content := message.get("body"):
                sent.append(content)
            return message

        async def send_and_keep(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                answered.append(message.get("body", b""))
            await send(message)

        state: dict[str, Any] = scope.setdefault("state", {})
        try:
            await self._app(scope, receive_and_keep, send_and_keep)
        except Exception as error:
            status = error.status_code if isinstance(error, HTTPException) else 500
            raise
        finally:
            authentication: Authentication | None = state.get("authenticate")
            if authentication is not None and status:  # else there is no token, or the client has disconnected
                self._put(
                    Exchange(
                        received_at=received_at,
                        seconds=time.perf_counter() - began,
                        request_id=str(state.get("request_id", "")),
                        client_id=authentication.client_id,
                        token_digest=authentication.token_digest,
                        scheme=authentication.scheme,
                        status=status,
                        body=sent[0] if len(sent) == 1 else b"".join(sent),
                        response=answered[0] if len(answered) == 1 else b"".join(answered),
                    )
                )
