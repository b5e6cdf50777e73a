"""Idempotency records: only one unit of work can claim a key, until the record expires."""

from datetime import timedelta

import pytest

from gateway.domain.decisions.idempotency import KEPT_FOR
from gateway.kit.clock import WallTime
from gateway.store.database import Database
from gateway.store.decisions.idempotency import IdempotencyRow
from gateway.store.unit import UnitOfWork
from tests.support.clock import NOON
from tests.support.factories import Cast, make_cast
from tests.support.race import race_writes
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql

LATER = WallTime(NOON + KEPT_FOR)


def record(cast: Cast, decision: str = "dec_1", key: str = "key-1", made_at: WallTime = NOON) -> IdempotencyRow:
    return IdempotencyRow(
        partner_id=cast.partner,
        client_id=cast.client,
        mutation="decisionRequest",
        key=key,
        consent_id=cast.consent.id,
        input={"ask": {"days": 3}, "note": "押金"},
        decision_id=decision,
        expires_at=WallTime(made_at + KEPT_FOR),
    )


def find(unit: UnitOfWork, cast: Cast, now: WallTime = NOON, key: str = "key-1") -> IdempotencyRow | None:
    return unit.idempotency.find(cast.partner, cast.client, "decisionRequest", key, now)


def test_record_of_the_first_use_has_its_input(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        assert find(unit, cast) is None
        assert unit.idempotency.claim(record(cast), NOON)
    with reading(database) as unit:
        row = find(unit, cast)
        assert row is not None
        assert (row.input, row.decision_id) == ({"ask": {"days": 3}, "note": "押金"}, "dec_1")
        assert find(unit, cast, key="key-2") is None


def test_only_one_of_concurrent_claims_succeeds(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
    won = race_writes(database, lambda unit, n: unit.idempotency.claim(record(cast, f"dec_{n}"), NOON))
    assert sorted(won) == [False] * 7 + [True]
    with reading(database) as unit:
        row = find(unit, cast)
        assert row is not None
        assert row.decision_id == f"dec_{won.index(True)}"


def test_rolled_back_claim_releases_the_key(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)

    def claim_and_fail(unit: UnitOfWork) -> None:
        assert unit.idempotency.claim(record(cast), NOON)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        database.write(claim_and_fail)
    with writing(database) as unit:
        assert unit.idempotency.claim(record(cast), NOON)


def test_expired_record_is_replaced_by_one_of_concurrent_claims(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        unit.idempotency.claim(record(cast), NOON)
    with reading(database) as unit:
        assert find(unit, cast, WallTime(LATER - timedelta(microseconds=1))) is not None
        assert find(unit, cast, LATER) is None

    def claim(unit: UnitOfWork, number: int) -> bool:
        return unit.idempotency.claim(record(cast, f"dec_{number}", made_at=LATER), LATER)

    assert sorted(race_writes(database, claim)) == [False] * 7 + [True]
