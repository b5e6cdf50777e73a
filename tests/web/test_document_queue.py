"""The queue of documents: turns, fairness between clients, and limits."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gateway.web.document_queue import EXPENSIVE, MOST_PAUSED, DocumentQueue, QueueFull


class Scenario:
    """A queue with one turn that nobody ends by himself. `order` has the clients in the order of their turns."""

    def __init__(self, *, at_once: int = 1, waiting: int = 100, waiting_per_client: int = 100) -> None:
        self.queue = DocumentQueue(at_once=at_once, waiting=waiting, waiting_per_client=waiting_per_client)
        self.order: list[str] = []
        self._tasks: list[asyncio.Task[bool]] = []

    async def send(self, client: str) -> "asyncio.Future[None]":
        """Sends a document of the client. Completing the returned future disconnects the client."""
        gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def begin() -> bool:
            has_turn = await self.queue.take_turn(client, gone)
            if has_turn:
                self.order.append(client)
            return has_turn

        task = asyncio.create_task(begin())
        self._tasks.append(task)
        await self.settle()
        if task.done():
            task.result()
        return gone

    async def end_turns(self) -> None:
        """Ends turns in the order in which they began, until no document waits."""
        ended = 0
        while ended < len(self.order):
            self.queue.end_turn(self.order[ended])
            ended += 1
            await self.settle()

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def cancel(self, number: int) -> None:
        self._tasks[number].cancel()
        await self.settle()


def play(scenario: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await scenario()

    asyncio.run(main())


def test_a1_turns_go_round_between_clients() -> None:
    async def scenario() -> None:
        playing = Scenario()
        for client in ("busy", "busy", "busy", "busy", "other", "third", "other"):
            await playing.send(client)
        await playing.end_turns()
        assert playing.order == ["busy", "other", "third", "busy", "other", "busy", "busy"]

    play(scenario)


def test_a1_at_most_two_documents_have_a_turn() -> None:
    async def scenario() -> None:
        playing = Scenario(at_once=2)
        for client in "abcd":
            await playing.send(client)
        assert (playing.order, playing.queue.waiting) == (["a", "b"], 2)
        playing.queue.end_turn("a")
        await playing.settle()
        assert (playing.order, playing.queue.waiting) == (["a", "b", "c"], 1)

    play(scenario)


def test_a1_paused_turn_lets_another_document_begin() -> None:
    async def scenario() -> None:
        playing = Scenario()
        for client in "abc":
            await playing.send(client)
        playing.queue.pause_turn()
        await playing.settle()
        assert (playing.order, playing.queue.waiting) == (["a", "b"], 1)
        playing.queue.resume_turn()
        playing.queue.end_turn("a")
        await playing.settle()
        assert playing.order == ["a", "b"], "b still has the only turn"
        playing.queue.end_turn("b")
        await playing.settle()
        assert playing.order == ["a", "b", "c"]

    play(scenario)


def test_a1_paused_turns_are_bounded() -> None:
    async def scenario() -> None:
        playing = Scenario()
        for number in range(MOST_PAUSED + 3):
            await playing.send(f"client {number}")
        for _ in range(MOST_PAUSED + 1):
            playing.queue.pause_turn()
            await playing.settle()
        assert (len(playing.order), playing.queue.waiting) == (MOST_PAUSED + 1, 2)

    play(scenario)


def test_a1_client_without_a_turn_comes_before_one_that_has_one() -> None:
    async def scenario() -> None:
        playing = Scenario(at_once=2)
        for client in ("busy", "busy", "busy", "other"):
            await playing.send(client)
        playing.queue.end_turn("busy")
        await playing.settle()
        assert playing.order == ["busy", "busy", "other"]

    play(scenario)


def test_a1_client_with_expensive_documents_leaves_a_turn_to_others() -> None:
    async def scenario() -> None:
        playing = Scenario(at_once=2)
        for _ in range(4):
            await playing.send("busy")
        playing.queue.end_turn("busy", EXPENSIVE)
        await playing.settle()
        assert (playing.order, playing.queue.waiting) == (["busy"] * 2, 2)
        await playing.send("other")  # it need not wait
        assert playing.order == ["busy", "busy", "other"]
        playing.queue.end_turn("other")
        playing.queue.end_turn("busy", 0)  # now its documents are cheap
        await playing.settle()
        assert playing.order == ["busy", "busy", "other", "busy", "busy"]

    play(scenario)


def test_a1_client_with_expensive_documents_uses_the_only_turn() -> None:
    async def scenario() -> None:
        playing = Scenario(at_once=1)
        await playing.send("busy")
        await playing.send("busy")
        playing.queue.end_turn("busy", EXPENSIVE)
        await playing.settle()
        assert playing.order == ["busy", "busy"]

    play(scenario)


def test_a1_documents_of_one_client_are_bounded_and_do_not_exclude_others() -> None:
    async def scenario() -> None:
        playing = Scenario(waiting_per_client=2)
        for _ in range(3):
            await playing.send("busy")
        with pytest.raises(QueueFull) as full:
            await playing.send("busy")
        assert full.value.by_client
        await playing.send("other")
        assert playing.queue.waiting == 3

    play(scenario)


def test_a1_waiting_documents_are_bounded_in_total() -> None:
    async def scenario() -> None:
        playing = Scenario(waiting=2)
        for client in "abc":
            await playing.send(client)
        with pytest.raises(QueueFull) as full:
            await playing.send("d")
        assert not full.value.by_client

    play(scenario)


def test_a1_document_leaves_the_queue_when_its_client_disconnects() -> None:
    async def scenario() -> None:
        playing = Scenario(waiting_per_client=1)
        await playing.send("a")
        gone = await playing.send("b")
        gone.set_result(None)
        await playing.settle()
        assert playing.queue.waiting == 0
        await playing.send("b")  # its place is free
        await playing.end_turns()
        assert (playing.order, playing.queue.is_free_for("a")) == (["a", "b"], True)

    play(scenario)


def test_a1_cancelled_request_loses_no_turn() -> None:
    async def scenario() -> None:
        playing = Scenario()
        for client in "abc":
            await playing.send(client)
        await playing.cancel(1)
        await playing.end_turns()
        assert (playing.order, playing.queue.is_free_for("a")) == (["a", "c"], True)

    play(scenario)


def test_a1_turn_that_comes_with_a_cancellation_is_passed_on() -> None:
    async def scenario() -> None:
        playing = Scenario()
        for client in "abc":
            await playing.send(client)
        playing.queue.end_turn("a")  # the turn of b
        await playing.cancel(1)  # before b has continued
        assert (playing.order, playing.queue.waiting) == (["a", "c"], 0)

    play(scenario)
