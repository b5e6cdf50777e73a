"""A record that had counted and is then found to be wrong, for tests of the events about the corrected tier."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from gateway.domain.consents.authorization_detail import AuthorizationDetail
from gateway.domain.consents.consent import Consent
from gateway.domain.environment import SANDBOX
from gateway.domain.events import Topic
from gateway.domain.scoring.record import BehaviourRecord, Dimension, RecordKind
from gateway.domain.scoring.record_dispute import RecordDispute
from gateway.domain.scoring.tier import Tier
from gateway.domain.webhooks.notice import Notice
from gateway.store.outbox import OUTBOX, OutboxRow, notice_of
from gateway.store.scoring.records import new_record_row
from tests.services.decisions import grant_to_shops
from tests.support.demo_world import DemoWorld
from tests.support.records import record
from tests.support.units import reading, writing

HANDLE = "threshold"
"""A persona with 700 points, the cut-off of EXCELLENT. A broken obligation takes 100 of them, a late one 18."""
MINUTE = timedelta(minutes=1)


def add(world: DemoWorld, kind: RecordKind, handle: str = HANDLE) -> BehaviourRecord:
    """Adds a record of a source, which counts from now on. One of the kind MONTHS is about twelve months of orders."""
    world.clock.advance(MINUTE)
    added = record(kind, at=world.now)
    if kind is RecordKind.MONTHS:
        added = record(kind, at=world.now, dimension=Dimension.SHOPPING, amount=None, months=12)
    with writing(world.database) as unit:
        unit.behaviour_records.insert_all(
            [new_record_row(added, world.user(handle), source="harbour", reference=added.id)]
        )
        unit.scores.mark_due(world.user(handle), world.now)
    world.clock.advance(MINUTE)
    return added


def tier(world: DemoWorld, handle: str = HANDLE) -> Tier:
    """The tier, computed if it is due."""
    measured = world.source.measure(world.user(handle), world.now).tier
    world.clock.advance(MINUTE)
    return measured


def read_tier(world: DemoWorld, *consents: Consent) -> None:
    """The merchants of these consents read the tier, or ask the question that their consent allows."""
    for each in consents:
        minimum = each.threshold_tier(world.now)
        if minimum is None:
            world.query(world.user_token(each), world.scores.load_measurement, score=True)
        else:
            inquiry = partial(world.scores.check_threshold, minimum=minimum)
            world.query(world.user_token(each), inquiry, score=True)
    world.clock.advance(MINUTE)


def contest(world: DemoWorld, contested: BehaviourRecord, handle: str = HANDLE) -> RecordDispute:
    dispute = world.container.record_disputes.open(world.user(handle), contested.id, f"I paid {contested.id}.")
    world.clock.advance(MINUTE)
    return dispute


def uphold(world: DemoWorld, dispute: RecordDispute) -> None:
    world.container.record_disputes.resolve(dispute.id, uphold=True, resolution="The source agrees.")


def correct(world: DemoWorld, wrong: BehaviourRecord, handle: str = HANDLE) -> Tier:
    """A dispute about a record is opened and upheld. Returns the tier then."""
    dispute = contest(world, wrong, handle)
    tier(world, handle)
    uphold(world, dispute)
    return tier(world, handle)


def corrections(world: DemoWorld) -> list[Notice]:
    """The events about corrected tiers, oldest first."""
    statement = OUTBOX.select().where(OUTBOX.c.topic == Topic.TIER_CORRECTED.value).order_by(OUTBOX.c.id)
    with reading(world.database) as unit:
        rows = unit.connection.execute(statement)
        return [notice_of(OutboxRow.of_values(dict(row._mapping)), SANDBOX.label) for row in rows]


def informed(world: DemoWorld) -> list[str]:
    """The consents whose merchants got an event, in order."""
    return sorted(each.subject.id for each in corrections(world))


def shops(world: DemoWorld, *details: Sequence[AuthorizationDetail], handle: str = HANDLE) -> list[Consent]:
    """One consent to each of several shops, with these details, or to score:tier without any."""
    made = grant_to_shops(world, handle, len(details))
    return [
        world.grant(handle, *each, client=old.client_id, scopes=() if each else ("score:tier",))
        for old, each in zip(made, details, strict=True)
    ]
