"""The application: routes and middleware around an assembled gateway."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.bootstrap import Gateway
from gateway.domain.principal import Principal
from gateway.kit.logging import get_announcer, get_logger
from gateway.oauth.server import Parts
from gateway.oauth.token_check import TokenCheck
from gateway.services.reading import Reading
from gateway.settings import Environment
from gateway.web import graphql, routes
from gateway.web.graphql import GraphQLEndpoint, Surroundings
from gateway.web.health import health_routes
from schema.build import build_schema
from schema.engine import Engine

_log = get_logger(__name__)


def create_app(gateway: Gateway) -> Starlette:
    """The ASGI application. It closes the gateway when it shuts down. Raises SettingsError for a deployment with
    clients that it would not serve."""
    gateway.make_servable()
    settings = gateway.settings
    _tell_adapters(gateway)
    parts = Parts(
        database=gateway.database,
        settings=settings,
        realm=gateway.realm,
        clock=gateway.clock,
        ids=gateway.ids,
        consents=gateway.consents,
        proofs=gateway.proofs,
        user_codes=gateway.user_codes,
        replays=gateway.replays,
        limits=gateway.limits,
        client_keys=gateway.client_keys,
    )
    disputes = gateway.services.disputes
    site = routes.build_site(parts, gateway.accounts, gateway.accesses, gateway.logins, gateway.step_up, disputes)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        # As many threads as connections: a thread that has started never waits for a connection.
        anyio.to_thread.current_default_thread_limiter().total_tokens = settings.worker_threads
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_keep_time, gateway)
            yield
            tasks.cancel_scope.cancel()  # a look under way is waited for
        gateway.close()

    return Starlette(
        routes=routes.routes(parts, site, [*_graphql(gateway, parts), *health_routes(gateway.database.ping)]),
        middleware=routes.middleware(settings, gateway.ids, site),
        exception_handlers=routes.exception_handlers(site),
        lifespan=lifespan,
    )


def _tell_adapters(gateway: Gateway) -> None:
    """Logs whose code decides, and by which policy; live at any level: it is asked for long after the start."""
    log = _log if gateway.settings.sandbox else get_announcer(__name__)
    for about in gateway.registry.about():
        log.info(
            "adapter_loaded",
            adapter=about.key,
            distribution=about.distribution,
            version=about.version,
            policy_version=about.policy_version,
            policy_hash=about.policy_hash,
        )


async def _keep_time(gateway: Gateway) -> None:
    """Lets time do its work on decisions and disputes, for as long as the server runs. Several may do so at once."""
    while True:
        await anyio.sleep(gateway.settings.clock_interval.total_seconds())
        try:
            await anyio.to_thread.run_sync(gateway.decision_clock.tick)
            await anyio.to_thread.run_sync(gateway.services.disputes.tick)
        except Exception as error:  # noqa: BLE001  # the database may be away: it is tried again
            _log.error("clock_failed", error=type(error).__name__)


def _graphql(gateway: Gateway, parts: Parts) -> list[BaseRoute]:
    """The API behind its token check, at its path and at its dated alias, and its schema for anybody."""
    settings = gateway.settings

    def reading_for(principal: Principal) -> Reading:
        return Reading(gateway.database, principal, gateway.clock, gateway.accesses)

    built = build_schema(gateway.registry, sandbox=settings.environment is Environment.SANDBOX)
    endpoint = GraphQLEndpoint(
        Engine(built),
        Surroundings(gateway.services, reading_for, settings.environment, settings.issuer, gateway.rule_name),
    )
    guarded = TokenCheck(endpoint, parts)

    async def sdl(_: Request) -> Response:
        return PlainTextResponse(built.sdl, headers={"Cache-Control": "public, max-age=300"})

    return [*(Route(path, guarded) for path in (graphql.PATH, graphql.DATED_PATH)), Route("/schema.graphql", sdl)]
