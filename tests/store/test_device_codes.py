"""Device codes in the store, on both databases."""

from datetime import timedelta

import pytest

from gateway.store.database import Database
from gateway.store.oauth.device_codes import DeviceCodeRow
from gateway.store.unit import UnitOfWork
from tests.support.clock import NOON
from tests.support.factories import make_cast
from tests.support.race import race_writes
from tests.support.units import writing

pytestmark = pytest.mark.postgresql

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
    with writing(database) as unit:
        return make_cast(unit).client


def insert_code(database: Database, client_id: str) -> None:
    with writing(database) as unit:
        assert unit.device_codes.insert(code(client_id))


def test_user_codes_are_unique(database: Database, client_id: str) -> None:
    with writing(database) as unit:
        assert unit.device_codes.insert(code(client_id, 1, "same"))
        assert not unit.device_codes.insert(code(client_id, 2, "same"))
        assert unit.device_codes.insert(code(client_id, 2, "other"))
        loaded = unit.device_codes.load_by_user_code("same")
        assert loaded is not None
        assert (loaded.digest, loaded.parameters) == ("d1", {"complete": {}})
        assert unit.device_codes.load_by_user_code("third") is None


def test_only_one_of_concurrent_inserts_gets_a_user_code(database: Database, client_id: str) -> None:
    results = race_writes(database, lambda unit, n: unit.device_codes.insert(code(client_id, n, "same")))
    assert sorted(results) == [False] * 7 + [True]


def test_only_one_of_concurrent_decisions_succeeds(database: Database, client_id: str) -> None:
    insert_code(database, client_id)
    results = race_writes(database, lambda unit, _: unit.device_codes.decide("d1", NOON, "usr_1"))
    assert sorted(results) == [False] * 7 + [True]


def test_an_expired_code_cannot_be_decided(database: Database, client_id: str) -> None:
    insert_code(database, client_id)
    with writing(database) as unit:
        assert not unit.device_codes.decide("d1", NOON + LIFE, "usr_1")
        assert unit.device_codes.decide("d1", NOON + LIFE - timedelta(microseconds=1), "usr_1")


def test_only_an_allowed_code_can_be_used(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        unit.device_codes.insert(code(cast.client))
        assert not unit.device_codes.use("d1", NOON)
        unit.device_codes.decide("d1", NOON, "usr_1")
        assert not unit.device_codes.use("d1", NOON)
        unit.device_codes.attach_consent("d1", cast.consent.id)
    results = race_writes(database, lambda unit, _: unit.device_codes.use("d1", NOON))
    assert sorted(results) == [False] * 7 + [True]


def test_lock_returns_the_newest_row(database: Database, client_id: str) -> None:
    insert_code(database, client_id)

    def poll(unit: UnitOfWork, number: int) -> int:
        unit.device_codes.load_by_user_code("u1")  # an older state
        row = unit.device_codes.lock("d1")
        assert row is not None
        interval = row.interval_seconds
        unit.device_codes.record_early_poll("d1", NOON, interval + 5)
        return interval

    assert sorted(race_writes(database, poll)) == [5 * n for n in range(1, 9)]
