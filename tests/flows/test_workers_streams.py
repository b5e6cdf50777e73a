"""`gateway sandbox listen --forward` against several workers: each event arrives once and in order, also if a worker is
killed and if the server is started again."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.event_streams import Listener, merchant_of, write_events
from tests.support.partner_time import until
from tests.support.processes import send
from tests.support.webhook_world import Receiver
from tests.support.workers import Workers, seeded_workers

pytestmark = pytest.mark.slow
LISTENERS = 4


@pytest.fixture
def server(empty_postgresql_url: str, valkey_url: str, tmp_path: Path) -> Iterator[Workers]:
    """A server of two workers with the demo partner."""
    with seeded_workers(empty_postgresql_url, tmp_path / "state", valkey_url) as workers:
        yield workers


@pytest.fixture
def listeners(server: Workers, tmp_path: Path) -> Iterator[list[tuple[Listener, Receiver]]]:
    """Commands that listen for the demo's hotel, each with a receiver. Enough of them, so that each worker has some."""
    file = str(server.folder / "credentials.json")
    with ExitStack() as stack:
        pairs = []
        for number in range(LISTENERS):
            folder = tmp_path / str(number)
            folder.mkdir()
            receiver = stack.enter_context(Receiver())
            options = ["--credentials", file, "--merchant", "hotel", "--forward", receiver.url()]
            pairs.append((stack.enter_context(Listener(folder, *options)), receiver))
        yield pairs


def kill(server: Workers, worker: int) -> None:
    """Kills a worker, and returns when there is another one."""
    send(worker, signal.SIGKILL)
    until(lambda: server.workers, lambda pids: len(pids) == 2 and worker not in pids)


def wait_for(receiver: Receiver, events: list[str]) -> None:
    """Returns when the receiver has these events, and fails if it gets others or another order."""
    until(lambda: receiver.events, lambda received: len(received) >= len(events))
    assert receiver.events == events


def test_each_event_is_forwarded_once(server: Workers, listeners: list[tuple[Listener, Receiver]]) -> None:
    merchant_id, _ = merchant_of(server, "hotel")
    written = write_events(server.database_url, merchant_id, 20)
    for _, receiver in listeners:
        wait_for(receiver, written)

    for worker in server.workers:
        kill(server, worker)
        written += write_events(server.database_url, merchant_id, 20)
    for listener, receiver in listeners:
        wait_for(receiver, written)
        assert "The connection was lost. Connecting again." in listener.notes

    server.stop()
    written += write_events(server.database_url, merchant_id, 20)
    server.start()
    for listener, receiver in listeners:
        wait_for(receiver, written)
        assert "The sandbox has ended the stream. Connecting again." in listener.notes
    written += write_events(server.database_url, merchant_id, 20)
    for listener, receiver in listeners:
        wait_for(receiver, written)
        assert listener.interrupt() == 130
