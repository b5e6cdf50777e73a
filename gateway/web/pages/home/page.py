"""GET /: what this service is, and where persons, engineers of partners and operators go."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.web.site.redirects import HOME
from gateway.web.site.site import Site


def routes(site: Site) -> list[Route]:
    """GET /."""

    async def show(request: Request) -> Response:
        return site.renderer.page(request, "pages/home/home.html", issuer=site.container.settings.issuer)

    return [Route(HOME, show)]
