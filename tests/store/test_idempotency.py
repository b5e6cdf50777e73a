"""Idempotency records: only one unit of work can claim a key, until the record expires."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from gateway.domain.decisions.idempotency import KEPT_FOR, differing
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


INPUT = {"decisionId": "dec_1", "note": "The guest left in a hurry.", "amount": {"amount": "30.00", "currency": "CNY"}}


def call(unit: UnitOfWork, document: dict[str, Any], key: str = "key-1") -> IdempotencyRow:
    cast = make_cast(unit)
    stored = unit.idempotency.mac_input(cast.client, "decisionReportBreach", key, document)
    row = record(cast, key=key).model_copy(update={"mutation": "decisionReportBreach", "input": stored})
    assert unit.idempotency.claim(row, NOON)
    found = unit.idempotency.find(cast.partner, cast.client, "decisionReportBreach", key, NOON)
    assert found is not None
    return found


def test_c4_a_record_holds_no_value_of_the_input(database: Database) -> None:
    with writing(database) as unit:
        call(unit, {**INPUT, "evidence": ["https://files.example/photo"]})
    with reading(database) as unit:
        stored = str(unit.connection.execute(text("SELECT CAST(input AS TEXT) FROM idempotency_records")).scalar_one())
    assert "decisionId" in stored
    assert not [word for word in ("hurry", "30.00", "CNY", "dec_1", "files.example") if word in stored]


@pytest.mark.parametrize(
    ("changed", "paths"),
    [
        pytest.param({}, (), id="C4-equal"),
        pytest.param({"note": "Other words"}, (("note",),), id="C4-text"),
        pytest.param({"note": None}, (("note",),), id="C4-absent"),
        pytest.param({"amount": {"amount": "31.00", "currency": "CNY"}}, (("amount", "amount"),), id="C4-nested"),
        pytest.param({"amount": "30.00"}, (("amount",),), id="C4-leaf-for-document"),
        pytest.param({"evidence": ["https://a.example"]}, (("evidence",),), id="C4-list"),
        pytest.param({"extra": None}, (), id="C4-null-is-absent"),
    ],
)
def test_c4_differing_paths_are_those_of_the_inputs(
    database: Database, changed: dict[str, Any], paths: tuple[tuple[str, ...], ...]
) -> None:
    with writing(database) as unit:
        row = call(unit, INPUT)
        assert (
            unit.idempotency.find_differing(row, {**INPUT, **changed})
            == paths
            == differing(INPUT, {**INPUT, **changed})
        )


@pytest.mark.parametrize("form", [None, "hmac-sha256-128"])
def test_c4_a_record_from_before_is_compared_until_it_expires(database: Database, form: str | None) -> None:
    with writing(database) as unit:
        row = record(make_cast(unit))
        stored = unit.idempotency.mac_input(row.client_id, row.mutation, row.key, INPUT, form) if form else INPUT
        row = row.model_copy(update={"input": stored})
        assert unit.idempotency.claim(row, NOON)
        assert unit.idempotency.find_differing(row, INPUT) == ()
        assert unit.idempotency.find_differing(row, {**INPUT, "note": "x"}) == (("note",),)


def test_c4_equal_values_of_two_calls_have_different_macs(database: Database) -> None:
    with writing(database) as unit:
        first, second = (call(unit, INPUT, key).input for key in ("key-1", "key-2"))
    assert isinstance(first, list)
    assert first != second
    assert first[1]["note"] != first[1]["decisionId"]
