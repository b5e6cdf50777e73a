"""Events about a corrected tier: when they are written, what is in them, and what they cost."""

import json
import re

from gateway.domain.events import Topic
from gateway.domain.scoring.record import RecordKind
from gateway.domain.scoring.tier import Tier
from gateway.domain.webhooks.envelope import render_envelope
from gateway.services.scoring.scheduler import ScoreScheduler
from gateway.sources.scorecard.card_files import load_cards
from gateway.sources.scorecard.source import ScorecardSource
from tests.services.decisions import DAY, THREADS
from tests.support.at_once import at_once
from tests.support.demo_world import DemoWorld
from tests.support.notices import schema_faults
from tests.support.statements import statements
from tests.support.tier_corrections import (
    HANDLE,
    MINUTE,
    add,
    contest,
    correct,
    corrections,
    informed,
    read_tier,
    shops,
    tier,
    uphold,
)
from tests.support.units import reading


def test_event_has_neither_tier_nor_score_and_fits_its_schema(world: DemoWorld) -> None:
    (reader,) = shops(world, ())
    wrong = add(world, RecordKind.BROKEN)
    tier(world)
    read_tier(world, reader)
    correct(world, wrong)
    (event,) = corrections(world)
    body = render_envelope(event)
    assert schema_faults(Topic.TIER_CORRECTED, json.loads(body)) == []
    assert not any(each.encode() in body.replace(b"score:tier", b"") for each in (*Tier, "700", "600", "score"))
    with reading(world.database) as unit:
        message = unit.outbox.load(event.event_id)
    assert message is not None
    assert set(message.payload) == {"occurredAt", "actor", "data"}


def test_scheduler_writes_the_event_if_nobody_reads_the_score(world: DemoWorld) -> None:
    (reader,) = shops(world, ())
    wrong = add(world, RecordKind.BROKEN)
    tier(world)
    read_tier(world, reader)
    uphold(world, contest(world, wrong))
    assert ScoreScheduler(world.database, world.source).compute_due() == 1
    assert informed(world) == [reader.id]


def test_concurrent_reads_write_the_event_once(world: DemoWorld) -> None:
    readers = shops(world, (), ())
    wrong = add(world, RecordKind.BROKEN)
    tier(world)
    read_tier(world, *readers)
    uphold(world, contest(world, wrong))
    user = world.user(HANDLE)
    tiers = at_once([lambda: world.source.measure(user, world.now).tier] * THREADS)
    assert tiers == [Tier.EXCELLENT] * THREADS
    assert informed(world) == sorted(each.id for each in readers)


def test_consent_that_is_revoked_meanwhile_has_its_events_in_order(world: DemoWorld) -> None:
    (reader,) = shops(world, ())
    wrong = add(world, RecordKind.BROKEN)
    tier(world)
    read_tier(world, reader)
    uphold(world, contest(world, wrong))
    user = world.user(HANDLE)
    at_once([lambda: world.source.measure(user, world.now), lambda: world.revoke(reader)])
    query = "SELECT topic FROM outbox WHERE aggregate_id = :consent ORDER BY sequence"
    topics = [row[0] for row in world.rows(query, consent=reader.id)]
    expected = ["CONSENT_GRANTED", "CONSENT_FIRST_USED", "TIER_CORRECTED", "CONSENT_REVOKED"]
    assert topics in (expected, [*expected[:2], expected[3]])
    assert world.mismatches() == []


def test_scores_that_merchants_do_not_read_tell_nobody(world: DemoWorld) -> None:
    """With a remote source the scorecard computes for the person's page only."""
    (reader,) = shops(world, ())
    wrong = add(world, RecordKind.BROKEN)
    tier(world)
    read_tier(world, reader)
    unread = ScorecardSource(world.database, load_cards(), world.ids, is_read=False)
    uphold(world, contest(world, wrong))
    assert unread.measure(world.user(HANDLE), world.now).tier is Tier.EXCELLENT
    assert corrections(world) == []


def test_score_without_a_correction_reads_no_accesses(world: DemoWorld) -> None:
    (reader,) = shops(world, ())
    read_tier(world, reader)
    user = world.user(HANDLE)
    with statements(world.database) as sent:
        world.source.measure(user, world.now)
    assert len([each for each in sent if "person_scores" in each]) == len(sent) == 1
    add(world, RecordKind.BROKEN)
    with statements(world.database) as sent:
        world.source.measure(user, world.now)
    assert not [each for each in sent if "access_log" in each or "outbox" in each or "FROM consents" in each]


def test_only_the_accesses_of_the_person_are_read_by_an_index(world: DemoWorld) -> None:
    (reader,) = shops(world, ())
    read_tier(world, reader)
    world.execute(_COPIES)
    if not world.database.sqlite:
        world.execute("ANALYZE access_log")
    with statements(world.database) as sent, reading(world.database) as unit:
        (row,) = unit.scores.list_accesses(world.user(HANDLE), world.ids.before("acc", 30 * DAY))
        assert not unit.scores.list_accesses(world.user(HANDLE), world.ids.before("acc", -MINUTE))
    assert (row.consent_id, row.read is not None, row.request) == (reader.id, True, None)
    (plan,) = {plan for each in sent if "FROM access_log" in each for plan in plans_of(world, each)}
    assert "ix_access_log_subject_id" in plan, plan
    assert "SCAN access_log" not in plan


_COPIES = """
    WITH RECURSIVE numbers(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 3000)
    INSERT INTO access_log (id, merchant_id, public, sealed, subject, leaf_index, leaf_hash)
    SELECT id || number, merchant_id, public, sealed, subject || number, leaf_index + number, leaf_hash
    FROM access_log, numbers
"""
"""Accesses of many other persons."""


def plans_of(world: DemoWorld, statement: str) -> list[str]:
    """The steps of the plan of a statement that read the access log, if all entries are new enough."""
    if world.database.sqlite:
        steps = world.rows(f"EXPLAIN QUERY PLAN {statement}".replace("?", "NULL"))
        return [row[3] for row in steps if "access_log" in row[3]]
    with world.database.engine.connect() as connection:
        rows = connection.exec_driver_sql("EXPLAIN " + re.sub(r"%\(\w+\)s", "'acc'", statement))
        return [row[0] for row in rows if " on access_log" in row[0]]
