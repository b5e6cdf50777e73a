"""GET /docs/errors: each error code with its meaning and remedy. For engineers, in English only.

Every user error of the GraphQL API links to its code on this page. The code is the fragment of the link.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.domain.error_catalogue import ERRORS
from gateway.web.site.site import Site

ERROR_CODES = "/docs/errors"


def routes(site: Site) -> list[Route]:
    """GET /docs/errors."""

    async def show(request: Request) -> Response:
        return site.renderer.page(request, "pages/error_codes/error_codes.html", errors=list(ERRORS.values()))

    return [Route(ERROR_CODES, show)]
