"""The records that are read for a score give the same score as all records of the person."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.money import Money
from gateway.domain.scoring.evaluation import Evaluation, evaluate
from gateway.domain.scoring.record import BehaviourRecord, Dimension, RecordKind
from gateway.kit.clock import BusinessTime
from gateway.store.scoring.records import new_record_row
from tests.support.demo_world import DemoWorld
from tests.support.records import CARDS, record
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql
KINDS = (RecordKind.KEPT, RecordKind.KEPT, RecordKind.KEPT_WITH_DEPOSIT, RecordKind.LATE)


def store(world: DemoWorld, name: str, records: Sequence[BehaviourRecord]) -> str:
    """A new person with these records. Returns the id."""
    with writing(world.database) as unit:
        user = world.accounts.register(unit, username=f"{name}@demo", password_hash="x", display_name=name).id
        unit.behaviour_records.insert_all(
            [
                new_record_row(replace(each, id=f"{name}-{number}"), user, source=name, reference=f"{number}")
                for number, each in enumerate(records)
            ]
        )
    return user


def evaluate_stored(world: DemoWorld, user: str, now: BusinessTime) -> Evaluation:
    with reading(world.database) as unit:
        known = world.source.load_behaviour(unit, user, now)
    return evaluate(CARDS.at(now), known.records, now, known.shared)


def kept(at: BusinessTime, yuan: int, partner: str = "busy") -> BehaviourRecord:
    return record(at=at, partner=partner, amount=Money(yuan * 100, "CNY"))


def test_three_kept_records_of_one_partner_and_month_are_enough_for_a_score(world: DemoWorld) -> None:
    begin = BusinessTime(world.now - timedelta(days=40))
    user = store(world, "thrice", [kept(begin, 100) for _ in range(3)])
    measurement = world.source.measure(user, world.now)
    assert (measurement.score, measurement.reasons[0] == "TOO_FEW_RECORDS") == (410, False)


def test_larger_kept_records_do_not_hide_the_oldest_one(world: DemoWorld) -> None:
    """A kept obligation never takes a score away."""
    first = BusinessTime(world.now - timedelta(days=40))
    last = BusinessTime(first.replace(day=28))
    now = BusinessTime(last + timedelta(days=20))
    few = [kept(first, 1), kept(last, 100, "a"), kept(last, 100, "b")]
    more = [*few, *(kept(last, 500) for _ in range(2))]
    assert evaluate_stored(world, store(world, "few", few), now).score is not None
    assert evaluate_stored(world, store(world, "more", more), now).score is not None


@pytest.mark.parametrize("seed", range(15))
def test_score_of_stored_records_is_that_of_all_records(world: DemoWorld, seed: int) -> None:
    generator = random.Random(seed)
    records = []
    for _ in range(generator.randint(1, 40)):
        at = BusinessTime(world.now - timedelta(hours=generator.randint(0, 24 * 70)))
        one = record(
            generator.choice(KINDS),
            at=at,
            partner=generator.choice("ab"),
            dimension=generator.choice((Dimension.FULFILMENT, Dimension.CREDIT_HISTORY)),
            amount=generator.choice((None, Money(100, "CNY"), Money(5_000, "CNY"), Money(99_999, "USD"))),
        )
        records.append(replace(one, contested_at=world.now) if generator.random() < 0.2 else one)
    user = store(world, f"seed{seed}", records)
    expected, stored = evaluate(CARDS.at(world.now), records, world.now), evaluate_stored(world, user, world.now)
    assert (stored.score, stored.dimension_points) == (expected.score, expected.dimension_points)
    assert stored.oldest_at == expected.oldest_at
