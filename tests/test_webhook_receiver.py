"""docs/examples/webhook_receiver.py: events are applied once, in order, and only if they are signed."""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from gateway.domain.events import Topic
from gateway.kit.clock import WallTime
from gateway.kit.webhook_signatures import sign
from gateway.services.webhooks.certification.samples import Sample
from gateway.services.webhooks.certification.session import Session
from tests.support.receiver_contract import ReceiverContract, applied
from tests.support.webhook_receiver import (
    EXAMPLE,
    SECRET,
    MakeReceiver,
    ReceiverProcess,
    example,
    serving,
    session_with,
)

DAY = 86_400


def process(folder: Path, *secrets: str) -> ReceiverProcess:
    command = [sys.executable, str(EXAMPLE), str(folder / "receiver.db"), "--port", "0"]
    return ReceiverProcess(command, secrets)


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReceiverProcess]:
    with process(tmp_path_factory.mktemp("receiver"), SECRET) as receiver:
        yield receiver


@pytest.fixture
def make_receiver(tmp_path: Path) -> MakeReceiver:
    return partial(process, tmp_path)


class TestPythonReceiver(ReceiverContract):
    """The receiver as a process."""


class MovableTime:
    """The clock of a receiver, in seconds since 1970."""

    def __init__(self) -> None:
        self.days_ahead = 0

    def __call__(self) -> float:
        return example.time.time() + self.days_ahead * DAY  # type: ignore[no-any-return]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "receiver.db"


def stored_ids(database: Path) -> set[str]:
    with closing(sqlite3.connect(database)) as connection:
        return {event_id for (event_id,) in connection.execute("SELECT id FROM events")}


def headers_of(session: Session, sample: Sample, at: float) -> dict[str, str]:
    """The headers of a delivery at this time."""
    return dict(sign([session.secret], sample.id, WallTime(datetime.fromtimestamp(at, UTC)), sample.body))


def test_ids_are_kept_for_30_days(database: Path) -> None:
    time = MovableTime()
    receiver, session = example.Receiver(database, [SECRET], time), session_with("http://127.0.0.1/webhooks")
    first, second, third = (session.samples.event(Topic.DECISION_APPROVED) for _ in range(3))
    for days, event, kept in ((0, first, {first}), (29, second, {first, second}), (31, third, {second, third})):
        time.days_ahead = days
        receiver.receive(headers_of(session, event, time()), event.body)
        assert stored_ids(database) == {each.id for each in kept}
    receiver.receive(headers_of(session, first, time()), first.body)
    assert receiver.effects() == {each.id: 1 for each in (first, second, third)}, "its sequence is not new"


class Full(example.Receiver):  # type: ignore[misc]
    """A receiver whose disk is full after the event was applied and before the commit."""

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        with super().transaction() as connection:
            yield connection
            raise sqlite3.OperationalError("database or disk is full")


def test_event_that_cannot_be_stored_is_not_confirmed(database: Path) -> None:
    with serving(Full(database, [SECRET])) as url:
        session = session_with(url)
        event = session.samples.event(Topic.DECISION_APPROVED)
        assert session.deliver(event).status == 503
        assert applied(session, event) == 0
    with serving(example.Receiver(database, [SECRET])) as url:
        session = session_with(url)
        assert session.deliver(event).status == 204
        assert applied(session, event) == 1
