"""The check of the books finds each thing that is not as the others say, and nothing where all agree."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from gateway.domain.event import Topic
from gateway.domain.money import Money
from gateway.store import books, decisions, exposures, outbox
from gateway.store.database import Database, Session
from gateway.store.decisions import DecisionRow
from gateway.store.exposures import ExposureRow
from gateway.store.idempotency import IdempotencyRow
from tests.support.clock import NOON
from tests.support.factories import Cast, make_cast, make_decision
from tests.support.logs import Logs

LINE = Money(1_000_000, "CNY")


def promised(session: Session) -> tuple[Cast, DecisionRow]:
    """A decision that takes up 3,000 yuan, written as services write it."""
    cast = make_cast(session)
    row = decisions.load(session, make_decision(session, cast.consent, due_minor=300_000, requested_minor=300_000))
    assert row is not None
    decisions.put(row, decisions.standing_of(row))
    session.flush()
    assert exposures.reserve(session, cast.user, Money(300_000, "CNY"), LINE)
    return cast, row


def faults(database: Database) -> list[str]:
    with database.read() as session:
        return list(books.faults(session))


def test_books_that_agree(database: Database) -> None:
    with database.write() as session:
        promised(session)
        promised(session)
    assert faults(database) == []


Change = Callable[[Session, Cast, DecisionRow], object]


def _line(session: Session, cast: Cast, row: DecisionRow) -> None:
    session.get_one(ExposureRow, (cast.user, "CNY")).held_minor = 299_999


def _no_line(session: Session, cast: Cast, row: DecisionRow) -> None:
    session.delete(session.get_one(ExposureRow, (cast.user, "CNY")))


def _held(session: Session, cast: Cast, row: DecisionRow) -> None:
    row.settled_minor = 100_000


def _waking(session: Session, cast: Cast, row: DecisionRow) -> None:
    row.wakes_at = NOON + timedelta(days=400)


def _message(session: Session, cast: Cast, row: DecisionRow) -> None:
    public = {"decision": row.id, "topic": Topic.DECISION_EXPIRED, "from": None, "to": "EXPIRED", "business_at": ""}
    outbox.enqueue(session, outbox.of_event("evt_alone", cast.merchant, public, "order", NOON))


def _entry(session: Session, cast: Cast, row: DecisionRow) -> None:
    Logs().decide(session, cast)


def _key(session: Session, cast: Cast, row: DecisionRow) -> None:
    session.add(
        IdempotencyRow(
            partner_id=cast.partner,
            client_id=cast.client,
            mutation="decisionRequest",
            key="k",
            input={},
            decision_id="dec_gone",
            expires_at=NOON,
        )
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param(_line, "the line in CNY says 299999, the promises 300000", id="line"),
        pytest.param(_no_line, "promises of 300000 in CNY stand on no line", id="no-line"),
        pytest.param(_held, "what it commits, what it holds", id="held"),
        pytest.param(_waking, "when it wakes", id="waking"),
        pytest.param(_message, "an event that is not logged", id="message"),
        pytest.param(_entry, "no message tells of it", id="entry"),
        pytest.param(_key, "dec_gone: an idempotency record", id="key"),
    ],
)
def test_each_disagreement_is_told(database: Database, change: Change, told: str) -> None:
    with database.write() as session:
        change(session, *promised(session))
    found = faults(database)
    assert [told in fault for fault in found].count(True) == 1
    assert len(found) == (2 if change is _entry else 1)  # the decision of that entry was not written by a service


def test_many_decisions_are_read_in_parts(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(books, "BATCH", 2)
    with database.write() as session:
        for _ in range(5):
            promised(session)
        session.execute(text("UPDATE decisions SET wakes_at = NULL"))
    assert len(faults(database)) == 5
