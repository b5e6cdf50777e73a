"""GET / of a sandbox: what this is, and where a partner goes first."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.web.own_forms import CSRF_FIELD
from gateway.web.site.redirects import HOME
from gateway.web.site.site import Site


def routes(site: Site) -> list[Route]:
    """GET /."""

    async def show(request: Request) -> Response:
        return site.renderer.page(
            request,
            "pages/partners/landing/landing.html",
            session=await site.partner_sessions.current(request),
            issuer=site.container.settings.issuer,
            csrf_field=CSRF_FIELD,
        )

    return [Route(HOME, show)]
