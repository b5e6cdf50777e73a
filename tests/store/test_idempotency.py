"""Idempotency records: one unit of work has a key, until it is older than it is kept."""

from datetime import timedelta

from gateway.domain.idempotency import KEPT_FOR
from gateway.store import idempotency
from gateway.store.database import Database, Session
from gateway.store.idempotency import IdempotencyRow
from tests.support.clock import NOON
from tests.support.factories import Cast, make_cast
from tests.support.race import race_writes


def record(cast: Cast, decision: str = "dec_1", key: str = "key-1") -> IdempotencyRow:
    return IdempotencyRow(
        partner_id=cast.partner,
        client_id=cast.client,
        mutation="decisionRequest",
        key=key,
        consent_id=cast.consent.id,
        input={"ask": {"days": 3}, "note": "押金"},
        decision_id=decision,
        expires_at=NOON + KEPT_FOR,
    )


def find(session: Session, cast: Cast, now: object = NOON, key: str = "key-1") -> IdempotencyRow | None:
    return idempotency.find(session, cast.partner, cast.client, "decisionRequest", key, now)  # type: ignore[arg-type]


def test_a_first_use_is_found_with_its_input(database: Database) -> None:
    with database.write() as session:
        cast = make_cast(session)
        assert find(session, cast) is None
        assert idempotency.claim(session, record(cast), NOON)
    with database.read() as session:
        found = find(session, cast)
        assert found is not None
        assert (found.input, found.decision_id) == ({"ask": {"days": 3}, "note": "押金"}, "dec_1")
        assert find(session, cast, key="key-2") is None


def test_one_of_many_claims_a_key(database: Database) -> None:
    with database.write() as session:
        cast = make_cast(session)
    won = race_writes(database, lambda session, n: idempotency.claim(session, record(cast, f"dec_{n}"), NOON))
    assert sorted(won) == [False] * 7 + [True]
    with database.read() as session:
        found = find(session, cast)
        assert found is not None
        assert found.decision_id == f"dec_{won.index(True)}"


def test_a_claim_that_is_rolled_back_frees_the_key(database: Database) -> None:
    with database.write() as session:
        cast = make_cast(session)
    with database.read() as session:  # a unit that ends without a commit
        assert find(session, cast) is None
    with database.write() as session:
        idempotency.claim(session, record(cast), NOON)
        session.rollback()
    with database.write() as session:
        assert idempotency.claim(session, record(cast), NOON)


def test_a_record_past_its_time_gives_way_to_one_of_many(database: Database) -> None:
    with database.write() as session:
        cast = make_cast(session)
        idempotency.claim(session, record(cast), NOON)
    later = NOON + KEPT_FOR
    with database.read() as session:
        assert find(session, cast, later - timedelta(microseconds=1)) is not None
        assert find(session, cast, later) is None

    def claim(session: Session, number: int) -> bool:
        fresh = record(cast, f"dec_{number}")
        fresh.expires_at = later + KEPT_FOR
        return idempotency.claim(session, fresh, later)

    assert sorted(race_writes(database, claim)) == [False] * 7 + [True]
