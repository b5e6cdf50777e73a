"""Lines of trust: never passed, whoever comes at once, and never left wrong."""

import pytest
from sqlmodel import select

from gateway.domain.money import Money
from gateway.store import exposures
from gateway.store.database import Database, Session
from gateway.store.exposures import ExposureRow
from tests.support.factories import make_cast
from tests.support.race import race_writes

LINE = Money(1_000, "CNY")


@pytest.fixture
def user(database: Database) -> str:
    with database.write() as session:
        return make_cast(session).user


def held(database: Database) -> dict[str, int]:
    with database.read() as session:
        return {row.currency: row.held_minor for row in session.exec(select(ExposureRow))}


def test_a_line_is_taken_up_to_its_end_and_no_further(database: Database, user: str) -> None:
    with database.write() as session:
        assert exposures.reserve(session, user, Money(600, "CNY"), LINE)
        assert not exposures.reserve(session, user, Money(401, "CNY"), LINE)
        assert exposures.reserve(session, user, Money(400, "CNY"), LINE)
        assert not exposures.reserve(session, user, Money(1, "CNY"), LINE)
        assert exposures.reserve(session, user, Money(1, "EUR"), Money(1, "EUR")), "each currency has a line of its own"
    assert held(database) == {"CNY": 1_000, "EUR": 1}


def test_a_lower_line_blocks_what_is_new_and_takes_nothing(database: Database, user: str) -> None:
    with database.write() as session:
        assert exposures.reserve(session, user, Money(900, "CNY"), LINE)
        assert not exposures.reserve(session, user, Money(1, "CNY"), Money(500, "CNY"))
        assert not exposures.reserve(session, user, Money(1, "CNY"), Money.zero("CNY"))
    assert held(database) == {"CNY": 900}


def test_what_is_given_back_can_be_taken_again(database: Database, user: str) -> None:
    with database.write() as session:
        assert exposures.reserve(session, user, LINE, LINE)
        exposures.release(session, user, Money(300, "CNY"))
        assert exposures.reserve(session, user, Money(300, "CNY"), LINE)
    assert held(database) == {"CNY": 1_000}


def test_more_than_is_held_cannot_be_given_back(database: Database, user: str) -> None:
    with database.write() as session:
        assert exposures.reserve(session, user, Money(10, "CNY"), LINE)
    with pytest.raises(RuntimeError), database.write() as session:
        exposures.release(session, user, Money(11, "CNY"))
    with pytest.raises(RuntimeError), database.write() as session:
        exposures.release(session, user, Money(1, "EUR"))
    assert held(database) == {"CNY": 10}


def test_of_many_at_once_as_many_get_in_as_there_is_room(database: Database, user: str) -> None:
    def reserve(session: Session, _: int) -> bool:
        return exposures.reserve(session, user, Money(300, "CNY"), LINE)

    assert sorted(race_writes(database, reserve)) == [False] * 5 + [True] * 3
    assert held(database) == {"CNY": 900}
