"""The ASGI application: routes and middleware over a container."""

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from math import inf

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from gateway.domain import api_version
from gateway.kit.deadline import CANCELLED
from gateway.kit.logging import get_announcer, get_logger
from gateway.kit.outage import Outage, outage_log
from gateway.oauth.token_check import TokenCheck
from gateway.services.container import Container
from gateway.services.sandbox.request_log_writer import RequestLogWriter
from gateway.setting_names import unread_variables
from gateway.settings import Settings
from gateway.sources.remote.source import RemoteSource
from gateway.startup import prepare_to_serve
from gateway.store.outages import code_member
from gateway.web.application import build_application
from gateway.web.document_queue import DocumentQueue
from gateway.web.event_stream import endpoint as event_stream
from gateway.web.graphql import GraphQLEndpoint
from gateway.web.health import NotReady, Readiness, Steps
from gateway.web.metrics import CountRequests, Metrics
from gateway.web.pages.partner_callback import page as partner_callback
from gateway.web.pages.partners import page as partners
from gateway.web.request_log import LogRequests
from gateway.web.site.notices import make_letter_writer
from gateway.web.site.site import build_site
from migrations import revisions
from schema.build import BuiltSchema, build_schema
from schema.engine import Engine
from schema.guard import read_limits
from schema.redaction.exchanges import Describer

RENEW_EVERY = 10
"""Seconds between two runs of the checks of readiness, well below the time after which a process has expired."""

SET_GAUGES_EVERY = 1
"""Seconds between two updates of the gauges among the metrics."""

CHECKPOINT_INTERVAL = timedelta(seconds=1)
"""The time between two checkpoints of a log that grows."""

REMINDER_INTERVAL = timedelta(minutes=1)
"""The time between two searches for consents that end soon and obligations that are due soon."""

SENDING_INTERVAL = timedelta(seconds=2)
"""The time between two searches for notices to send."""

COPY_INTERVAL = timedelta(seconds=0.25)
"""The time between two copies of SQLite's write-ahead log to the database file."""

_log = get_logger(__name__)


def create_app(container: Container, metrics: Metrics | None = None) -> Starlette:
    """The ASGI application of the deployment, which counts in `metrics`. It closes the container at shutdown. Raises
    SettingsError for a deployment that cannot be served, see `prepare_to_serve`."""
    prepare_to_serve(container)
    _log_unread_variables()
    _log_adapters(container)
    site, readiness, settings = build_site(container), _readiness(container), container.settings
    metrics = metrics or Metrics()
    container.database.observe_commits(metrics.count_commit)
    if isinstance(container.source, RemoteSource):
        container.source.observe(metrics.count_score)
    built = build_schema(container.registry, sandbox=settings.sandbox)
    engine, queue = Engine(built, container, metrics.count_execution), _document_queue(settings)
    engine.compile_trusted()

    writer = _request_log(container, built, metrics) if settings.sandbox else None
    send_notices = partial(container.tasks.send_notices, make_letter_writer(settings.issuer))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = site.threads.others
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_repeat, container, "scheduler", container.tasks.apply_due, settings.clock_interval)
            tasks.start_soon(_repeat, container, "purge", partial(_purge, container), settings.purge_interval)
            tasks.start_soon(_repeat, container, "checkpoint", container.tasks.sign_checkpoints, CHECKPOINT_INTERVAL)
            tasks.start_soon(_repeat, container, "reminders", container.tasks.write_reminders, REMINDER_INTERVAL)
            tasks.start_soon(_repeat, container, "notices", send_notices, SENDING_INTERVAL)
            if container.database.sqlite:
                tasks.start_soon(_repeat, container, "copy", container.database.copy_committed, COPY_INTERVAL)
            tasks.start_soon(_run_checks, readiness)
            tasks.start_soon(_set_gauges, metrics, engine, queue)
            async with _delivering(container, metrics), _logging(writer):
                yield
            tasks.cancel_scope.cancel()  # waits for a run that has started
        queue.close()
        await anyio.to_thread.run_sync(run_or_log, "checkpoint", container.tasks.sign_checkpoints)
        container.close()

    of_sandbox: list[BaseRoute] = []
    if settings.sandbox:
        of_sandbox = [*partners.routes(site), *partner_callback.routes(site), *event_stream.routes(container)]
    endpoint = GraphQLEndpoint(
        engine,
        queue,
        site.threads,
        metrics,
        largest_body=settings.query_maximum_body,
        faults=container.sandbox.faults if container.environment.faults else None,
    )
    guarded: ASGIApp = TokenCheck(endpoint, container)
    if writer is not None:
        guarded = LogRequests(guarded, writer.put, container.clock)
    api = [*_graphql_routes(guarded, built), *readiness.routes(), *of_sandbox]
    application = build_application(site, api, lifespan)
    application.add_middleware(CountRequests, metrics=metrics)
    return application


@asynccontextmanager
async def _delivering(container: Container, metrics: Metrics) -> AsyncIterator[None]:
    """Delivers webhooks on threads of their own, if the settings say so. At the end, attempts have a moment to end."""
    if not container.settings.deliver_webhooks:
        yield
        return
    container.deliveries.observer = metrics.count_webhook
    thread = threading.Thread(target=container.deliveries.run, name="webhooks", daemon=True)
    thread.start()
    try:
        yield
    finally:
        container.deliveries.stop()
        await anyio.to_thread.run_sync(thread.join)


def _request_log(container: Container, built: BuiltSchema, metrics: Metrics) -> RequestLogWriter:
    """The writer of the request log of a sandbox."""
    describer = Describer(built.schema, read_limits(container.settings))
    writer = RequestLogWriter(container.database, container.ids, describer.describe)
    writer.observer = metrics.count_logged
    return writer


@asynccontextmanager
async def _logging(writer: RequestLogWriter | None) -> AsyncIterator[None]:
    """Writes the request log on a thread of its own, if there is one. At the end, what waits is written."""
    if writer is None:
        yield
        return
    thread = threading.Thread(target=writer.run, name="request log", daemon=True)
    thread.start()
    try:
        yield
    finally:
        writer.stop()
        await anyio.to_thread.run_sync(thread.join)


def _readiness(container: Container) -> Readiness:
    """Whether the database can be written and has the revision of this code, and whether Valkey remembers."""

    def require_revision() -> None:
        if not revisions.can_serve(container.processes.load_revision()):
            raise NotReady("OTHER_REVISION")

    database: Steps = [
        ("database", container.processes.renew),
        ("database", container.database.require_disk_space),
        ("revision", require_revision),
    ]
    return Readiness([database, [("valkey", container.replays.check)]])


async def _run_checks(readiness: Readiness) -> None:
    """Runs the checks of readiness at intervals, until it is cancelled. They renew the row of this process, and learn
    when used proofs were lost."""
    while True:
        await readiness.failures()
        await anyio.sleep(RENEW_EVERY)


def _log_unread_variables() -> None:
    """Logs a warning for each GATEWAY_ variable of the environment that is not a setting: its name, not its value."""
    for sentence in unread_variables():
        _log.warning("variable_not_read", message=sentence)


def _log_adapters(container: Container) -> None:
    """Logs version and policy of each adapter. In live this is logged at every log level, because it is needed long
    after the start."""
    log = _log if container.settings.sandbox else get_announcer(__name__)
    for adapter in container.registry.describe():
        log.info(
            "adapter_loaded",
            adapter=adapter.key,
            distribution=adapter.distribution,
            version=adapter.version,
            policy_version=adapter.policy_version,
            policy_hash=adapter.policy_hash,
        )


def _purge(container: Container) -> None:
    """Deletes expired rows, and logs how many."""
    deleted = container.tasks.purge()
    if deleted:
        _log.info("purged", **deleted)


async def _repeat(container: Container, name: str, run: Callable[[], object], interval: timedelta) -> None:
    """Runs a task of the deployment in a thread, at intervals, until it is cancelled. An error in one run is logged and
    does not end the task."""
    while True:
        await anyio.sleep(interval.total_seconds())
        with container.deadlines.running(inf):  # ended only when the server ends
            await anyio.to_thread.run_sync(run_or_log, name, run)


def run_or_log(name: str, run: Callable[[], object]) -> None:
    """Runs a task once. Logs an error in it, but not that it was cancelled because the server ends."""
    try:
        run()
    except Outage as outage:
        if outage.code != CANCELLED:
            outage_log.report(outage, name)
    except Exception as error:  # noqa: BLE001  # its type is not known, and the next run may succeed
        _log.error("task_failed", task=name, error=type(error).__name__, **code_member(error))


async def _set_gauges(metrics: Metrics, engine: Engine, queue: DocumentQueue) -> None:
    """Sets the gauges at intervals, until it is cancelled."""
    texts, trusted = engine.executor.operations, engine.executor.trusted_operations
    while True:
        metrics.set_gauges(texts=(len(texts), texts.size), trusted=(len(trusted), trusted.size), waiting=queue.waiting)
        await anyio.sleep(SET_GAUGES_EVERY)


def _document_queue(settings: Settings) -> DocumentQueue:
    return DocumentQueue(
        at_once=settings.documents_at_once,
        waiting=settings.documents_waiting,
        waiting_per_client=settings.documents_waiting_per_client,
    )


def _graphql_routes(guarded: ASGIApp, built: BuiltSchema) -> list[BaseRoute]:
    """The routes of the GraphQL API behind its token check, at both of its paths, and of its public schema."""

    async def sdl(_: Request) -> Response:
        return PlainTextResponse(built.sdl, headers={"Cache-Control": "public, max-age=300"})

    return [*(Route(path, guarded) for path in api_version.PATHS), Route("/schema.graphql", sdl)]
