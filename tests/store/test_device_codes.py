"""Device codes in the store, on both databases."""

from datetime import timedelta

import pytest

from gateway.store import device_codes
from gateway.store.database import Database, Session
from gateway.store.device_codes import KEPT, SWEEP, DeviceCodeRow
from tests.support.clock import NOON
from tests.support.factories import make_cast
from tests.support.race import race_writes

LIFE = timedelta(minutes=10)


def code(client_id: str, number: int = 1, user_code: str = "u1") -> DeviceCodeRow:
    return DeviceCodeRow(
        digest=f"d{number}",
        user_code_mac=user_code,
        client_id=client_id,
        parameters={"complete": {}},
        interval_seconds=5,
        expires_at=NOON + LIFE,
    )


@pytest.fixture
def client_id(database: Database) -> str:
    with database.write() as session:
        return make_cast(session).client


def stored(database: Database, client_id: str) -> None:
    with database.write() as session:
        assert device_codes.insert(session, code(client_id))


def test_user_codes_are_unique(database: Database, client_id: str) -> None:
    with database.write() as session:
        assert device_codes.insert(session, code(client_id, 1, "same"))
        assert not device_codes.insert(session, code(client_id, 2, "same"))
        assert device_codes.insert(session, code(client_id, 2, "other"))
        found = device_codes.by_user_code(session, "same")
        assert found is not None
        assert (found.digest, found.parameters) == ("d1", {"complete": {}})
        assert device_codes.by_user_code(session, "third") is None


def test_one_of_eight_gets_a_user_code(database: Database, client_id: str) -> None:
    answers = race_writes(database, lambda session, n: device_codes.insert(session, code(client_id, n, "same")))
    assert sorted(answers) == [False] * 7 + [True]


def test_one_decision_wins(database: Database, client_id: str) -> None:
    stored(database, client_id)
    answers = race_writes(database, lambda session, _: device_codes.decide(session, "d1", NOON))
    assert sorted(answers) == [False] * 7 + [True]


def test_an_expired_code_cannot_be_decided(database: Database, client_id: str) -> None:
    stored(database, client_id)
    with database.write() as session:
        assert not device_codes.decide(session, "d1", NOON + LIFE)
        assert device_codes.decide(session, "d1", NOON + LIFE - timedelta(microseconds=1))


def test_only_an_allowed_code_can_be_used(database: Database) -> None:
    with database.write() as session:
        cast = make_cast(session)
        device_codes.insert(session, code(cast.client))
        assert not device_codes.use(session, "d1", NOON)
        device_codes.decide(session, "d1", NOON)
        assert not device_codes.use(session, "d1", NOON)
        device_codes.attach(session, "d1", cast.consent.id)
    answers = race_writes(database, lambda session, _: device_codes.use(session, "d1", NOON))
    assert sorted(answers) == [False] * 7 + [True]


def test_a_locked_row_is_read_anew(database: Database, client_id: str) -> None:
    stored(database, client_id)

    def poll(session: Session, number: int) -> int:
        device_codes.by_user_code(session, "u1")  # now the session knows an older state
        row = device_codes.locked(session, "d1")
        assert row is not None
        found = row.interval_seconds
        device_codes.slowed(session, "d1", NOON, found + 5)
        return found

    assert sorted(race_writes(database, poll)) == [5 * n for n in range(1, 9)]


def test_old_rows_go_in_batches(database: Database, client_id: str) -> None:
    with database.write() as session:
        for number in range(SWEEP + 5):
            device_codes.insert(session, code(client_id, number, f"u{number}"))
        device_codes.purge(session, NOON + LIFE + KEPT)
        assert left(session) == SWEEP + 5
        device_codes.purge(session, NOON + LIFE + KEPT + timedelta(seconds=1))
        assert left(session) == 5
        device_codes.purge(session, NOON + LIFE + KEPT + timedelta(seconds=1))
        assert left(session) == 0


def left(session: Session) -> int:
    return sum(device_codes.by_user_code(session, f"u{number}") is not None for number in range(SWEEP + 5))
