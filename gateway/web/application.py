"""The ASGI application of a site: its routes, middleware and error handlers."""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.routing import BaseRoute
from starlette.types import Lifespan

from gateway.web.middleware import middleware
from gateway.web.routes import routes
from gateway.web.site.site import Site


def build_application(
    site: Site, api: Sequence[BaseRoute] = (), lifespan: Lifespan[Starlette] | None = None
) -> Starlette:
    """The application. `api` holds the GraphQL endpoint, the health checks and the pages of the environment."""
    application = Starlette(
        routes=routes(site, api),
        middleware=middleware(site.container, site.errors),
        exception_handlers=site.errors.handlers(),
        lifespan=lifespan,
    )
    # Starlette would redirect /login/ to /login at the address in the Host header, which anybody can choose.
    application.router.redirect_slashes = False
    return application
