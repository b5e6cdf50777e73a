"""The scorecard source: the present score, when it is computed again, and its history."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import pytest

from gateway.domain.decisions.transitions import Status
from gateway.domain.money import Money
from gateway.domain.scoring.card_versions import CardVersions
from gateway.domain.scoring.history import Cause, ScoreState
from gateway.domain.scoring.record import BehaviourRecord, Dimension, RecordKind, month_of, month_start
from gateway.domain.scoring.tier import Tier
from gateway.kit.clock import BusinessTime, WallTime
from gateway.services.identity.persona_records import CATALOGUE
from gateway.sources.scorecard.card_files import SHIPPED, read_card
from gateway.sources.scorecard.source import ScorecardSource
from gateway.store.scoring.records import new_record_row
from gateway.store.unit import UnitOfWork
from tests.services.asks import car, request_command
from tests.services.decisions import THREADS
from tests.support.at_once import at_once
from tests.support.demo_world import DemoWorld
from tests.support.records import months_before, record
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql
HANDLE = "threshold"


def history(world: DemoWorld, handle: str = HANDLE) -> list[ScoreState]:
    with reading(world.database) as unit:
        return unit.scores.list_since(world.user(handle), BusinessTime(world.now - timedelta(days=1000)))


def add(world: DemoWorld, *records: BehaviourRecord, handle: str = HANDLE, cause: Cause | None = Cause.RECORD) -> None:
    """Writes records and marks the score as due."""
    with writing(world.database) as unit:
        user = world.user(handle)
        unit.behaviour_records.insert_all(
            [new_record_row(each, user, source="tests", reference=each.id) for each in records]
        )
        unit.scores.mark_due(user, world.now, cause)


def source_with(world: DemoWorld, *texts: str) -> ScorecardSource:
    cards = CardVersions([read_card(text, f"card-{number}") for number, text in enumerate(texts)])
    return ScorecardSource(world.database, cards, world.ids)


SHIPPED_TEXT = SHIPPED.read_text(encoding="utf-8")
HARDER = SHIPPED_TEXT.replace("EXCELLENT = 700", "EXCELLENT = 701").replace("identity = 44", "identity = 45")
"""A card with another cut-off."""


def test_reading_a_score_that_is_not_due_writes_nothing(world: DemoWorld) -> None:
    before = world.contents()
    for handle in ("excellent", "unscored", HANDLE):
        world.source.measure(world.user(handle), world.now)
    assert world.contents() == before


def test_first_read_after_months_computes_each_months_start(world: DemoWorld) -> None:
    world.clock.advance(days=70)
    measurement = world.source.measure(world.user(HANDLE), world.now)
    months = [month_start(month_of(world.now) - back) for back in (2, 1, 0)]
    assert [(state.as_of, state.cause) for state in history(world)][1:] == [(month, Cause.MONTH) for month in months]
    assert (measurement.score, measurement.as_of) == (700, months[-1])


def test_due_score_is_computed_once_by_concurrent_reads(world: DemoWorld) -> None:
    add(world, record(RecordKind.BROKEN, at=world.now))
    user = world.user(HANDLE)
    scores = at_once([lambda: world.source.measure(user, world.now).score] * THREADS)
    assert scores == [600] * THREADS
    assert len(history(world)) == 2


def test_unknown_persons_first_score_is_computed_once_by_concurrent_reads(world: DemoWorld) -> None:
    with writing(world.database) as unit:
        user = world.accounts.register(unit, username="new@demo", password_hash="x", display_name="New").id
    tiers = at_once([lambda: world.source.measure(user, world.now).tier] * THREADS)
    assert tiers == [Tier.UNSCORED] * THREADS
    with reading(world.database) as unit:
        assert len(unit.scores.list_since(user, BusinessTime(world.now - timedelta(days=1)))) == 1


def test_record_written_during_the_first_computation_counts(world: DemoWorld) -> None:
    """The first computation waits for the unit of work that writes it, or sees that the score is due."""
    with writing(world.database) as unit:
        user = world.accounts.register(unit, username="new@demo", password_hash="x", display_name="New").id
    written, finish = Event(), Event()

    def write_records(unit: UnitOfWork) -> None:
        records = [record(at=months_before(world.now, 2), partner=f"p{number}") for number in range(3)]
        unit.behaviour_records.insert_all(
            [new_record_row(each, user, source="tests", reference=each.id) for each in records]
        )
        unit.scores.mark_due(user, world.now, Cause.RECORD)
        written.set()
        finish.wait(10)

    def measure() -> int | None:
        return world.source.measure(user, world.now).score

    with ThreadPoolExecutor(2) as pool:
        writer = pool.submit(world.database.write, write_records)
        assert written.wait(10)
        reader = pool.submit(measure)
        time.sleep(0.2)  # the reader has begun, or waits for its turn
        finish.set()
        writer.result(10)
        reader.result(10)
    assert measure() is not None


def test_measurement_is_valid_until_the_score_is_due_and_at_most_a_day(world: DemoWorld) -> None:
    user = world.user(HANDLE)
    assert world.source.measure(user, world.now).valid_until == world.now + timedelta(days=1)
    soon = BusinessTime(world.now + timedelta(hours=1))
    add(world, record(RecordKind.LATE, at=world.now, counts_from=soon))
    assert world.source.measure(user, world.now).valid_until == soon


def test_request_is_not_refused_because_the_score_becomes_due_meanwhile(world: DemoWorld) -> None:
    """An outcome of another request, a moment later, makes the score due."""
    with writing(world.database) as unit:
        moment = BusinessTime(world.now + timedelta(milliseconds=1))
        unit.scores.mark_due(world.user(HANDLE), moment, Cause.RECORD)
    consent = world.grant(HANDLE)
    late = world.interrupt_scoring(lambda: world.clock.advance(milliseconds=2))
    assert late.request(consent, request_command(car(world.clock()))).decision.status is Status.APPROVED


def ageing_person(world: DemoWorld) -> str:
    """A person with 654 points, of which five are lost at the next month's start, because an assessment gets too
    old."""
    persona = next(each for each in CATALOGUE if each.handle == "just-below")
    assessment = record(
        RecordKind.MONTHS, at=months_before(world.now, 23), dimension=Dimension.SHOPPING, months=1, amount=None
    )
    kept = [each for each in persona.records("ageing", world.now) if each.dimension is not Dimension.SHOPPING]
    with writing(world.database) as unit:
        user = world.accounts.register(unit, username="ageing@demo", password_hash="x", display_name="Ageing").id
        unit.behaviour_records.insert_all(
            [new_record_row(each, user, source="tests", reference=each.id) for each in (*kept, assessment)]
        )
        unit.scores.choose(user, Dimension.FINANCIAL_CAPACITY, unit.wall, share=True)
    return user


def test_tier_of_a_score_that_ages_is_held_and_restored_by_a_correction(world: DemoWorld) -> None:
    """A broken obligation lowers the held tier at once. When it turns out to be wrong, the tier is held again."""
    user = ageing_person(world)

    def measure() -> tuple[int | None, Tier, BusinessTime | None]:
        measurement = world.source.measure(user, world.now)
        return measurement.score, measurement.tier, measurement.held_until

    december, january = (month_start(month_of(world.now) + months) for months in (1, 2))
    assert measure() == (654, Tier.VERY_GOOD, None)
    world.clock.now = WallTime(december)
    assert measure() == (649, Tier.VERY_GOOD, january)
    world.clock.advance(days=2)
    broken = record(RecordKind.BROKEN, at=world.now)
    with writing(world.database) as unit:
        unit.behaviour_records.insert_all([new_record_row(broken, user, source="tests", reference="b")])
        unit.scores.mark_due(user, world.now, Cause.RECORD)
    assert measure() == (549, Tier.BUILDING, None)
    world.clock.advance(days=2)
    with writing(world.database) as unit:
        unit.behaviour_records.delete(broken.id)
        unit.scores.mark_due(user, world.now, Cause.CORRECTION, correct_from=broken.at)
    assert measure() == (649, Tier.VERY_GOOD, january)
    world.clock.now = WallTime(january)
    assert measure() == (649, Tier.GOOD, None)
    with reading(world.database) as unit:
        states = unit.scores.list_since(user, BusinessTime(world.now - timedelta(days=1000)))
    causes = [Cause.FIRST, Cause.MONTH, Cause.NEGATIVE, Cause.CORRECTION, Cause.MONTH]
    assert [state.cause for state in states] == causes


def test_changed_card_is_used_at_once(world: DemoWorld) -> None:
    changed = source_with(
        world, SHIPPED_TEXT.replace("EXCELLENT = 700", "EXCELLENT = 701").replace("identity = 44", "identity = 45")
    )
    measurement = changed.measure(world.user(HANDLE), world.now)
    assert (measurement.score, measurement.tier) == (700, Tier.VERY_GOOD)
    assert history(world)[-1].cause is Cause.CARD


def test_next_version_of_the_card_is_used_from_its_effective_date(world: DemoWorld) -> None:
    later = HARDER.replace("effective = 2026-11-01", "effective = 2026-11-25").replace(
        'version = "2026-11-29"', 'version = "next"'
    )
    source = source_with(world, SHIPPED_TEXT, later)
    user = world.user(HANDLE)
    with writing(world.database) as unit:
        unit.scores.mark_due(user, world.now)
    first = source.measure(user, world.now)
    assert (first.tier, first.valid_until.date().isoformat()) == (Tier.EXCELLENT, "2026-11-24")
    world.clock.advance(days=2)
    then = source.measure(user, world.now)
    assert (then.tier, then.card, then.as_of.date().isoformat()) == (Tier.VERY_GOOD, "next", "2026-11-25")


def test_only_records_that_can_count_are_read(world: DemoWorld) -> None:
    """A merchant that reports hundreds of small agreements a month does not make a score slow."""
    many = [record(at=world.now, partner="busy") for _ in range(300)]
    add(world, *many)
    with reading(world.database) as unit:
        relevant = unit.behaviour_records.list_relevant(world.user(HANDLE), largest=2, earliest=3)
        everything = unit.behaviour_records.list_of_user(world.user(HANDLE))
    assert len([each for each in relevant if each.partner == "busy"]) <= 2 + 3
    assert len([each for each in everything if each.partner == "busy"]) == 300


def test_contested_records_take_no_place_of_records_that_count(world: DemoWorld) -> None:
    counting = record(at=world.now, partner="furnisher", amount=Money(5_000, "CNY"))
    contested = [record(at=world.now, partner="furnisher", contested_at=world.now) for _ in range(2)]
    add(world, counting, *contested)
    with reading(world.database) as unit:
        relevant = unit.behaviour_records.list_relevant(world.user(HANDLE), largest=2, earliest=3)
    assert counting in relevant
