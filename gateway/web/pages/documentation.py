"""The page that every user error links to: what each code means and what to do. For engineers, in English."""

from starlette.requests import Request
from starlette.responses import Response

from gateway.domain.error_catalogue import ERRORS
from gateway.web.rendering import Renderer

ERROR_CODES = "/docs/errors"


class ErrorCodesPage:
    """GET /docs/errors; each code is a fragment of the address."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    async def show(self, request: Request) -> Response:
        return self._renderer.page(request, "error_codes.html", errors=list(ERRORS.values()))
