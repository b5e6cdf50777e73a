"""The key set of this server (RFC 7517, RFC 8414 section 2): its signing keys, and those that were retired recently."""

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway.kit.crypto import base64url
from gateway.services.container import Container

# The older name of Ed25519 (RFC 9864). Every library knows it, and `crv` has the exact algorithm.
_ALGORITHM = "EdDSA"
_KEPT_FOR = "public, max-age=60"


class KeySetEndpoint:
    """Returns the key set. No authentication is needed."""

    def __init__(self, container: Container) -> None:
        self._container = container

    async def show(self, _: Request) -> Response:
        document = await run_in_threadpool(self._document)
        return JSONResponse(document, headers={"Cache-Control": _KEPT_FOR})

    def _document(self) -> dict[str, Any]:
        life = self._container.settings.retired_key_life
        rows = self._container.database.read(lambda unit: unit.keys.list_published(unit.wall - life))
        return {"keys": [_jwk(row.kid, row.public) for row in rows]}


def _jwk(kid: str, public: bytes) -> dict[str, Any]:
    """A public Ed25519 key (RFC 8037 section 2); `kid` is its RFC 7638 thumbprint."""
    named = {"use": "sig", "alg": _ALGORITHM, "kid": kid}
    return {"kty": "OKP", "crv": "Ed25519", "x": base64url(public), **named}
