"""The ASGI application of a site: its routes, middleware and error handlers."""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute
from starlette.types import Lifespan

from gateway.web.middleware import RequestMiddleware
from gateway.web.routes import routes
from gateway.web.site.site import Site


def build_application(
    site: Site, api: Sequence[BaseRoute] = (), lifespan: Lifespan[Starlette] | None = None
) -> Starlette:
    """The application. `api` holds the GraphQL endpoint, the health checks and the pages of the environment."""
    container = site.container
    of_requests = Middleware(
        RequestMiddleware,
        ids=container.ids,
        errors=site.errors,
        deadlines=container.deadlines,
        https=container.settings.issuer.startswith("https"),
    )
    application = Starlette(
        routes=routes(site, api),
        middleware=[of_requests],
        exception_handlers=site.errors.handlers(),
        lifespan=lifespan,
    )
    # Starlette would redirect /login/ to /login at the address in the Host header, which anybody can choose.
    application.router.redirect_slashes = False
    return application
