"""The GraphQL endpoint under load: turns, clients that disconnect, a full queue, and other requests meanwhile."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing
from typing import Any

import pytest
from anyio import CapacityLimiter, to_thread

from gateway.domain.identity.principal import Principal
from gateway.kit.deadline import DeadlineExceeded, Deadlines
from gateway.settings import Settings
from gateway.web.document_queue import DocumentQueue
from gateway.web.graphql import GraphQLEndpoint
from gateway.web.worker_threads import share_threads
from tests.fixtures.settings import sandbox_settings
from tests.support.clock import MovableClock
from tests.support.graphql_world import REQUEST_ID, GraphQLWorld

ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 500000000) SELECT count(*) FROM n"
BODY = json.dumps({"query": "{ viewer { appName } }"}).encode()


@pytest.fixture
def world(settings: Settings, sqlite_url: str, clock: MovableClock) -> Iterator[GraphQLWorld]:
    with closing(GraphQLWorld(settings.model_copy(update={"database_url": sqlite_url}), clock)) as made:
        yield made


class Clients:
    """Sends documents to an endpoint. Each keeps its turn until `release` is called."""

    def __init__(self, world: GraphQLWorld, queue: DocumentQueue) -> None:
        self._endpoint, self._principal = world.endpoint(queue), world.user()
        self._released = threading.Event()
        self.queue, self.begun = queue, 0

    def send(self, client_id: str | None = "cli_1") -> "Exchange":
        """Sends a document of this client; None is a client whose token has not been checked yet."""
        return Exchange(self._endpoint, _Blocking(self, client_id))

    def release(self) -> None:
        self._released.set()

    def check(self) -> Principal:
        self.begun += 1
        assert self._released.wait(20)
        return self._principal


class _Blocking:
    """The token check of a request. It blocks its thread."""

    def __init__(self, clients: Clients, client_id: str | None) -> None:
        self._clients, self.client_id = clients, client_id

    def __call__(self) -> Principal:
        principal = self._clients.check()
        self.client_id = principal.client_id
        return principal


class Exchange:
    """One request to the endpoint as an ASGI server runs it."""

    def __init__(self, endpoint: GraphQLEndpoint, authenticate: Callable[[], Principal]) -> None:
        self._gone = asyncio.Event()
        self.sent: list[Any] = []
        self._messages = [{"type": "http.request", "body": BODY, "more_body": False}]
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]
        state = {"authenticate": authenticate, "request_id": REQUEST_ID}
        scope = {"type": "http", "method": "POST", "path": "/graphql", "headers": headers, "state": state}
        self.task = asyncio.create_task(endpoint(scope, self._receive, self._send))

    def disconnect(self) -> None:
        self._gone.set()

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def body(self) -> Any:
        return json.loads(self.sent[1]["body"])

    @property
    def retry_after(self) -> str:
        return str(dict(self.sent[0]["headers"])[b"retry-after"].decode())

    async def _receive(self) -> Any:
        if self._messages:
            return self._messages.pop()
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        self.sent.append(message)


@asynccontextmanager
async def sending(world: GraphQLWorld, **limits: int) -> AsyncIterator[Clients]:
    """Clients of a queue with these limits. Their documents are released at the end of the block."""
    limits = {"at_once": 2, "waiting": 100, "waiting_per_client": 100, **limits}
    clients = Clients(world, DocumentQueue(**limits))
    try:
        yield clients
    finally:
        clients.release()


async def until(condition: Callable[[], bool]) -> None:
    """Lets the other tasks run until the condition holds. Fails after 20 seconds."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.001)


def run(scenario: Awaitable[None]) -> None:
    async def main() -> None:
        await scenario

    asyncio.run(main())


def test_a1_two_documents_are_executed_at_once_and_the_others_follow(world: GraphQLWorld) -> None:
    async def scenario() -> None:
        async with sending(world) as clients:
            exchanges = [clients.send() for _ in range(6)]
            await until(lambda: clients.queue.waiting == 4 and clients.begun == 2)
            clients.release()
            await asyncio.gather(*(each.task for each in exchanges))
            assert [each.status for each in exchanges] == [200] * 6
            assert clients.begun == 6

    run(scenario())


def test_a1_waiting_document_of_a_disconnected_client_is_not_executed(world: GraphQLWorld) -> None:
    async def scenario() -> None:
        async with sending(world) as clients:
            executed = [clients.send() for _ in range(2)]
            await until(lambda: clients.begun == 2)
            waiting = [clients.send() for _ in range(3)]
            await until(lambda: clients.queue.waiting == 3)
            for each in waiting:
                each.disconnect()
            await asyncio.gather(*(each.task for each in waiting))
            clients.release()
            await asyncio.gather(*(each.task for each in executed))
            assert (clients.begun, [each.sent for each in waiting]) == (2, [[], [], []])

    run(scenario())


def test_a1_document_whose_deadline_is_over_leaves_the_queue(world: GraphQLWorld) -> None:
    async def scenario() -> None:
        async with sending(world) as clients:
            executed = [clients.send() for _ in range(2)]
            await until(lambda: clients.begun == 2)
            with Deadlines(0.05).running():
                waiting = clients.send()
            await waiting.task
            code = waiting.body["errors"][0]["extensions"]["code"]
            assert (waiting.status, code, waiting.retry_after) == (503, "DEADLINE_EXCEEDED", "5")
            clients.release()
            await asyncio.gather(*(each.task for each in executed))
            assert clients.begun == 2

    run(scenario())


def test_a1_waiting_documents_are_answered_when_the_server_ends(world: GraphQLWorld) -> None:
    async def scenario() -> None:
        deadlines = Deadlines(60)
        async with sending(world) as clients:
            executed = [clients.send() for _ in range(2)]
            await until(lambda: clients.begun == 2)
            with deadlines.running():
                waiting = clients.send()
                await until(lambda: clients.queue.waiting == 1)
                deadlines.cancel_all()
                await waiting.task
            assert waiting.status == 503
            clients.release()
            await asyncio.gather(*(each.task for each in executed))

    run(scenario())


def test_a1_running_document_of_a_disconnected_client_is_ended(world: GraphQLWorld) -> None:
    begun, ended = threading.Event(), threading.Event()

    class Endless:
        """A token check that runs a statement without an end."""

        client_id = "cli_1"

        def __call__(self) -> Principal:
            begun.set()
            try:
                world.database.read(lambda unit: unit.connection.exec_driver_sql(ENDLESS))
            except DeadlineExceeded:
                ended.set()
                raise
            return world.user()

    async def scenario() -> None:
        queue = DocumentQueue(at_once=2, waiting=1, waiting_per_client=1)
        with Deadlines(60).running():
            exchange = Exchange(world.endpoint(queue), Endless())
        await until(begun.is_set)
        exchange.disconnect()
        with pytest.raises(DeadlineExceeded):
            await exchange.task
        assert ended.is_set()
        await until(lambda: queue.is_free_for("cli_1"))

    run(scenario())


def test_a1_client_whose_part_of_the_queue_is_full_gets_429(world: GraphQLWorld) -> None:
    async def scenario() -> None:
        async with sending(world, waiting_per_client=1) as clients:
            for _ in range(3):
                clients.send()
            await until(lambda: clients.queue.waiting == 1)
            refused = clients.send()
            await refused.task
            code = refused.body["errors"][0]["extensions"]["code"]
            assert (refused.status, code, refused.retry_after) == (429, "THROTTLED", "1")
            assert "data" not in refused.body
            clients.send("cli_2")
            await until(lambda: clients.queue.waiting == 2)

    run(scenario())


def test_a1_full_queue_is_503(world: GraphQLWorld) -> None:
    async def scenario() -> None:
        async with sending(world, waiting=1) as clients:
            for number in range(3):
                clients.send(f"cli_{number}")
            await until(lambda: clients.queue.waiting == 1)
            refused = clients.send("cli_other")
            await refused.task
            code = refused.body["errors"][0]["extensions"]["code"]
            assert (refused.status, code, refused.retry_after) == (503, "UNAVAILABLE", "1")

    run(scenario())


def test_a1_token_of_unknown_client_is_checked_before_it_waits(world: GraphQLWorld) -> None:
    async def scenario() -> None:
        async with sending(world) as clients:
            known = [clients.send() for _ in range(2)]
            await until(lambda: clients.begun == 2)
            unknown = clients.send(None)
            await until(lambda: clients.begun == 3)
            assert clients.queue.waiting == 0
            clients.release()
            await asyncio.gather(*(each.task for each in (*known, unknown)))
            assert (unknown.status, clients.begun) == (200, 4)

    run(scenario())


def test_a1_token_checks_and_logins_leave_threads_for_other_requests() -> None:
    async def scenario() -> None:
        settings = sandbox_settings(worker_threads=6)
        threads, released = share_threads(settings), threading.Event()
        others = CapacityLimiter(threads.others)
        hogs = [
            asyncio.create_task(to_thread.run_sync(released.wait, 20, limiter=limiter))
            for limiter in (threads.token_checks, threads.logins)
            for _ in range(20)
        ]
        await until(lambda: threads.token_checks.available_tokens == threads.logins.available_tokens == 0)
        try:
            async with asyncio.timeout(10):
                assert await to_thread.run_sync(str, "a page", limiter=others) == "a page"
        finally:
            released.set()
            await asyncio.gather(*hogs)

    run(scenario())
