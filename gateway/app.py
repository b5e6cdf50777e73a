"""The application: routes and middleware around a container."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.bootstrap import prepare_to_serve
from gateway.kit.logging import get_announcer, get_logger
from gateway.oauth.token_check import TokenCheck
from gateway.services.container import Container
from gateway.setting_names import unread_variables
from gateway.web import graphql
from gateway.web.graphql import GraphQLEndpoint
from gateway.web.health import health_routes
from gateway.web.middleware import middleware
from gateway.web.routes import routes
from gateway.web.site.site import build_site
from schema.build import build_schema
from schema.engine import Engine

_log = get_logger(__name__)


def create_app(container: Container) -> Starlette:
    """The ASGI application. It closes the container when it shuts down. Raises SettingsError for a deployment that
    cannot be served, see `prepare_to_serve`."""
    prepare_to_serve(container)
    settings = container.settings
    _log_unread_variables()
    _log_adapters(container)
    site = build_site(container)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        # As many threads as connections: a thread that has started never waits for a connection.
        anyio.to_thread.current_default_thread_limiter().total_tokens = settings.worker_threads
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_run_scheduler, container)
            yield
            tasks.cancel_scope.cancel()  # a run that has begun is waited for
        container.close()

    return Starlette(
        routes=routes(site, [*_graphql_routes(container), *health_routes(container.database.ping)]),
        middleware=middleware(settings, container.ids, site.errors),
        exception_handlers=site.errors.handlers(),
        lifespan=lifespan,
    )


def _log_unread_variables() -> None:
    """Logs a warning for each GATEWAY_ variable of the environment that is no setting, by name, without its value."""
    for sentence in unread_variables():
        _log.warning("variable_not_read", message=sentence)


def _log_adapters(container: Container) -> None:
    """Logs the code and the policy of each adapter; in live at any level: it is asked for long after the start."""
    log = _log if container.settings.sandbox else get_announcer(__name__)
    for about in container.registry.describe():
        log.info(
            "adapter_loaded",
            adapter=about.key,
            distribution=about.distribution,
            version=about.version,
            policy_version=about.policy_version,
            policy_hash=about.policy_hash,
        )


async def _run_scheduler(container: Container) -> None:
    """Applies due transitions of decisions and upholds unanswered disputes for as long as the server runs. Several
    servers may do so at once."""
    while True:
        await anyio.sleep(container.settings.clock_interval.total_seconds())
        try:
            await anyio.to_thread.run_sync(container.scheduler.apply_due)
            await anyio.to_thread.run_sync(container.disputes.uphold_unanswered)
        except Exception as error:  # noqa: BLE001  # the database may be away: it is tried again
            _log.error("clock_failed", error=type(error).__name__)


def _graphql_routes(container: Container) -> list[BaseRoute]:
    """The API behind its token check, at its path and at its dated alias, and its schema for anybody."""
    built = build_schema(container.registry, sandbox=container.settings.sandbox)
    guarded = TokenCheck(GraphQLEndpoint(Engine(built, container)), container)

    async def sdl(_: Request) -> Response:
        return PlainTextResponse(built.sdl, headers={"Cache-Control": "public, max-age=300"})

    return [*(Route(path, guarded) for path in (graphql.PATH, graphql.DATED_PATH)), Route("/schema.graphql", sdl)]
