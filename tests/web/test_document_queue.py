"""The queue of documents: turns, fairness between clients, and limits."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from gateway.kit.switching import MOST_SUSPENDED, new_signal
from gateway.web.document_queue import EXPENSIVE, Document, DocumentQueue, QueueFull
from tests.support.http_server import wait_until


class Scenario:
    """A queue whose documents keep their thread until the test ends their turns. `order` has the clients in the order
    of their turns."""

    def __init__(self, queue: DocumentQueue) -> None:
        self.queue, self.order = queue, list[str]()
        self._ends = dict[int, Callable[[], None]]()  # of the turns that have not ended

    def send(self, client: str, *, is_expensive: bool = False) -> Document:
        """Sends a document and waits until it has its turn, unless all threads are busy. An expensive one uses the
        processor at its end."""
        is_free, turns = self.queue.is_free_for(client), len(self.order)
        end = threading.Event()

        def run() -> None:
            self._ends[len(self.order)] = end.set
            self.order.append(client)
            assert end.wait(20)
            began = time.thread_time()
            while is_expensive and time.thread_time() < began + EXPENSIVE:
                pass

        document = self.queue.put(client, run)
        if is_free:
            wait_until(lambda: len(self.order) > turns)
        return document

    def send_and_suspend(self, client: str) -> None:
        """Sends a document that lets its thread go, as if it waited for a commit."""

        def run() -> None:
            signal = new_signal()
            self._ends[len(self.order)] = signal.notify
            self.order.append(client)
            signal.wait()

        self.queue.put(client, run)

    def end(self, number: int, *, another_begins: bool = True) -> None:
        """Ends the turn with this number, and waits until a document that waits has its turn."""
        waiting, turns = self.queue.waiting, len(self.order)
        if end := self._ends.pop(number, None):
            end()
            if waiting and another_begins:
                wait_until(lambda: len(self.order) > turns)

    def end_all(self) -> None:
        """Ends turns in the order in which they began, until no document waits."""
        ended = 0
        while ended < len(self.order):
            self.end(ended)
            ended += 1


@contextmanager
def playing(*, at_once: int = 1, waiting: int = 100, waiting_per_client: int = 100) -> Iterator[Scenario]:
    queue = DocumentQueue(at_once=at_once, waiting=waiting, waiting_per_client=waiting_per_client)
    scenario = Scenario(queue)
    try:
        yield scenario
    finally:
        scenario.end_all()
        queue.close()


def test_a1_turns_go_round_between_clients() -> None:
    with playing() as scenario:
        for client in ("busy", "busy", "busy", "busy", "other", "third", "other"):
            scenario.send(client)
        scenario.end_all()
        assert scenario.order == ["busy", "other", "third", "busy", "other", "busy", "busy"]


def test_a1_at_most_two_documents_have_a_thread() -> None:
    with playing(at_once=2) as scenario:
        for client in "abcd":
            scenario.send(client)
        assert (scenario.order, scenario.queue.waiting) == (["a", "b"], 2)
        scenario.end(0)
        assert (scenario.order, scenario.queue.waiting) == (["a", "b", "c"], 1)


def test_a1_suspended_document_lets_another_begin() -> None:
    with playing() as scenario:
        scenario.send_and_suspend("a")
        wait_until(lambda: scenario.queue.is_free_for("b"))
        scenario.send("b")
        scenario.send("c")
        assert (scenario.order, scenario.queue.waiting) == (["a", "b"], 1)
        scenario.end(1)
        assert scenario.order == ["a", "b", "c"]


def test_a1_suspended_documents_are_bounded() -> None:
    with playing() as scenario:
        for number in range(MOST_SUSPENDED + 3):
            scenario.send_and_suspend(f"client {number}")
        wait_until(lambda: len(scenario.order) == MOST_SUSPENDED)
        assert not scenario.queue.is_free_for("another")
        assert scenario.queue.waiting == 3


def test_a1_client_without_a_turn_comes_before_one_that_has_one() -> None:
    with playing(at_once=2) as scenario:
        for client in ("busy", "busy", "busy", "other"):
            scenario.send(client)
        scenario.end(0)
        assert scenario.order == ["busy", "busy", "other"]


def test_a1_client_with_expensive_documents_leaves_a_thread_to_others() -> None:
    with playing(at_once=2) as scenario:
        scenario.send("busy")
        scenario.send("busy", is_expensive=True)
        scenario.end(1)
        wait_until(lambda: scenario.queue.is_free_for("other"))
        scenario.send("busy")
        assert (scenario.order, scenario.queue.waiting) == (["busy"] * 2, 1)
        scenario.send("other")  # it need not wait
        wait_until(lambda: len(scenario.order) == 3)
        assert scenario.queue.waiting == 1
        scenario.end(0)  # a cheap one
        assert scenario.order == ["busy", "busy", "other", "busy"]


def test_a1_client_with_expensive_documents_uses_the_only_thread() -> None:
    with playing() as scenario:
        scenario.send("busy", is_expensive=True)
        scenario.send("busy")
        scenario.end(0)
        assert scenario.order == ["busy", "busy"]


def test_a1_expensive_documents_do_not_begin_while_others_wait_for_a_commit_on_their_thread() -> None:
    with playing() as scenario:
        scenario.send_and_suspend("busy")
        wait_until(lambda: scenario.queue.is_free_for("busy"))
        scenario.send("busy", is_expensive=True)
        scenario.send("busy")
        scenario.send("other")
        scenario.end(1)
        assert scenario.order == ["busy", "busy", "other"]
        scenario.end(2, another_begins=False)
        scenario.end(0)
        assert scenario.order == ["busy", "busy", "other", "busy"]


def test_a1_expensive_document_begins_on_a_thread_on_which_none_waits() -> None:
    with playing(at_once=3) as scenario:
        scenario.send("busy")
        scenario.send("busy", is_expensive=True)
        scenario.end(1)
        wait_until(lambda: scenario.queue.is_free_for("other"))
        scenario.send_and_suspend("other")  # on the thread of the expensive document
        wait_until(lambda: len(scenario.order) == 3 and scenario.queue.is_free_for("busy"))
        scenario.send("busy")
        assert scenario.order == ["busy", "busy", "other", "busy"]


def test_a1_documents_of_one_client_are_bounded_and_do_not_exclude_others() -> None:
    with playing(waiting_per_client=2) as scenario:
        for _ in range(3):
            scenario.send("busy")
        with pytest.raises(QueueFull) as full:
            scenario.send("busy")
        assert full.value.by_client
        scenario.send("other")
        assert scenario.queue.waiting == 3


def test_a1_waiting_documents_are_bounded_in_total() -> None:
    with playing(waiting=2) as scenario:
        for client in "abc":
            scenario.send(client)
        with pytest.raises(QueueFull) as full:
            scenario.send("d")
        assert not full.value.by_client


def test_a1_document_leaves_the_queue_when_its_client_disconnects() -> None:
    with playing(waiting_per_client=1) as scenario:
        scenario.send("a")
        gone = scenario.send("b")
        assert scenario.queue.remove(gone)
        assert not scenario.queue.remove(gone)
        assert scenario.queue.waiting == 0
        scenario.send("b")  # its place is free
        scenario.end_all()
        assert scenario.order == ["a", "b"]


def test_a1_document_is_refused_if_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with playing() as scenario:
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", fail)
            with pytest.raises(QueueFull):
                scenario.send("a")
        assert scenario.queue.waiting == 0
        scenario.send("a")
        assert scenario.order == ["a"]


def test_document_after_the_end_is_refused() -> None:
    with playing() as scenario:
        scenario.send("a")
        scenario.end_all()
        scenario.queue.close()
        with pytest.raises(QueueFull) as full:
            scenario.send("a")
        assert not full.value.by_client
        assert scenario.queue.waiting == 0


def test_a1_document_that_has_its_turn_cannot_leave() -> None:
    with playing() as scenario:
        assert not scenario.queue.remove(scenario.send("a"))
