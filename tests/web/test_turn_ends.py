"""The end of a turn: when its request is cancelled, when its document is suspended, when the server has ended."""

import asyncio
import threading

import pytest

from gateway.domain.identity.principal import Principal
from gateway.kit.switching import Signal, new_signal
from gateway.web.document_queue import DocumentQueue
from tests.support.graphql_world import GraphQLWorld
from tests.web.test_graphql_queue import Exchange, run, sending, until, world

__all__ = ["world"]


class SharedCommit:
    """The token check of a request. It waits as for a shared commit, until `release` is called."""

    client_id = "cli_1"

    def __init__(self, principal: Principal) -> None:
        self._principal = principal
        self._signal: Signal | None = None
        self.ended = threading.Event()

    @property
    def has_begun(self) -> bool:
        return self._signal is not None

    def release(self) -> None:
        assert self._signal is not None
        self._signal.notify()

    def __call__(self) -> Principal:
        signal = self._signal = new_signal()
        signal.wait()
        self.ended.set()
        return self._principal


async def cancel(exchange: Exchange) -> None:
    exchange.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await exchange.task


def test_a1_turn_of_a_cancelled_request_ends_with_its_thread(world: GraphQLWorld) -> None:
    async def scenario() -> None:
        async with sending(world, at_once=1) as clients:
            cancelled = clients.send("cli_1")
            await until(lambda: clients.begun == 1)
            following = clients.send("cli_2")
            await until(lambda: clients.queue.waiting == 1)
            await cancel(cancelled)
            assert clients.queue.waiting == 1, "the thread is not free yet"
            clients.release()
            await following.task
            assert following.status == 200
            await until(lambda: clients.queue.is_free_for("cli_1"))

    run(scenario())


def test_a1_turn_of_a_request_that_is_cancelled_while_its_document_is_suspended_ends_once(world: GraphQLWorld) -> None:
    async def scenario() -> None:
        commit = SharedCommit(world.user())
        async with sending(world, at_once=1) as clients:
            suspended = Exchange(world.endpoint(clients.queue), commit)
            await until(lambda: commit.has_begun)
            exchanges = [clients.send(f"cli_{number}") for number in range(2, 5)]
            await until(lambda: clients.queue.waiting == 2)
            await cancel(suspended)
            await asyncio.sleep(0.05)  # longer than another turn needs to begin
            assert (clients.begun, clients.queue.waiting) == (1, 2)
            commit.release()
            clients.release()
            await asyncio.gather(*(each.task for each in exchanges))
            await until(commit.ended.is_set)
            await until(lambda: clients.queue.is_free_for("cli_1"))

    run(scenario())


def test_a1_turns_are_counted_after_cancellations_and_disconnections(world: GraphQLWorld) -> None:
    async def scenario() -> None:
        async with sending(world, at_once=2) as clients:
            exchanges = [clients.send(f"cli_{number % 5}") for number in range(40)]
            await until(lambda: clients.begun == 2 and clients.queue.waiting == 38)
            for each in exchanges[::3]:
                await cancel(each)
            for each in exchanges[1::7]:
                each.disconnect()
            clients.release()
            await asyncio.gather(*(each.task for each in exchanges), return_exceptions=True)
            await until(lambda: clients.queue.is_free_for("cli_1"))
            assert clients.queue.waiting == 0
            following = [clients.send(f"cli_{number}") for number in range(2)]
            await asyncio.gather(*(each.task for each in following))

    run(scenario())


def test_a1_thread_goes_on_when_the_event_loop_is_closed(world: GraphQLWorld) -> None:
    queue, commit = DocumentQueue(at_once=1, waiting=1, waiting_per_client=1), SharedCommit(world.user())
    exchanges = []

    async def scenario() -> None:
        exchanges.append(Exchange(world.endpoint(queue), commit))
        await until(lambda: commit.has_begun)

    run(scenario())  # the loop is closed while the document waits
    commit.release()
    assert commit.ended.wait(5)
