"""Events about a corrected tier: who gets one after a record that had counted was found to be wrong."""

import pytest

from gateway.domain.consents.authorization_detail import AuthorizationDetail
from gateway.domain.consents.consent import ConsentStatus
from gateway.domain.events import Actor
from gateway.domain.scoring.record import RecordKind
from gateway.domain.scoring.tier import Tier
from gateway.domain.webhooks.notice import ConsentData
from gateway.services.decisions.disputes import RespondCommand
from tests.services.asks import order, request_command
from tests.services.claims import accepted
from tests.services.decisions import DAY, grant_to_shops
from tests.services.test_score_outcomes import active, breach, fulfill
from tests.support.demo_world import DemoWorld
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

AT_EXCELLENT = AuthorizationDetail("score", level="threshold", minimum=Tier.EXCELLENT)
AT_FAIR = AuthorizationDetail("score", level="threshold", minimum=Tier.FAIR)


@pytest.mark.postgresql
def test_upheld_dispute_tells_each_merchant_that_read_the_wrong_tier(world: DemoWorld) -> None:
    reader, early, revoked, silent, later = shops(world, (), (), (), (), ())
    read_tier(world, later)
    wrong = add(world, RecordKind.BROKEN)
    assert tier(world) is Tier.GOOD
    read_tier(world, early)
    world.clock.advance(31 * DAY)
    short = world.grant(HANDLE, AuthorizationDetail("score", level="tier", duration=DAY))
    read_tier(world, reader, revoked, short)
    world.revoke(revoked)
    world.clock.advance(3 * DAY)
    dispute = contest(world, wrong)
    assert tier(world) is Tier.EXCELLENT
    read_tier(world, later)
    assert corrections(world) == []
    uphold(world, dispute)
    assert corrections(world) == [], "the event is written with the snapshot of the score"
    at = world.now
    assert tier(world) is Tier.EXCELLENT
    (event,) = corrections(world)
    assert (event.subject.id, event.merchant_id, event.actor) == (reader.id, reader.merchant_id, Actor.GATEWAY)
    assert event.occurred_at == at
    assert event.data == ConsentData(
        consent_id=reader.id, subject=reader.subject, status=ConsentStatus.ACTIVE, scopes=("score:tier",)
    )
    assert silent.id not in informed(world)
    tier(world)
    assert len(corrections(world)) == 1
    assert world.mismatches() == []


@pytest.mark.postgresql
def test_reader_of_30_days_ago_is_told(world: DemoWorld) -> None:
    (reader,) = shops(world, ())
    wrong = add(world, RecordKind.BROKEN)
    tier(world)
    read_tier(world, reader)
    world.clock.advance(30 * DAY - 4 * MINUTE)
    correct(world, wrong)
    assert informed(world) == [reader.id]


@pytest.mark.parametrize("upheld", [False, None])
def test_rejected_or_withdrawn_dispute_tells_nobody(world: DemoWorld, upheld: bool | None) -> None:
    (reader,) = shops(world, ())
    wrong = add(world, RecordKind.BROKEN)
    tier(world)
    read_tier(world, reader)
    dispute = contest(world, wrong)
    tier(world)
    if upheld is None:
        world.container.record_disputes.withdraw(world.user(HANDLE), dispute.id)
    else:
        world.container.record_disputes.resolve(dispute.id, uphold=False, resolution="The source has proof.")
    assert tier(world) is Tier.GOOD
    assert corrections(world) == []


def test_dispute_that_does_not_change_the_tier_tells_nobody_although_something_else_does(world: DemoWorld) -> None:
    """A late obligation costs 18 points: the tier is EXCELLENT with it and without it."""
    (reader,) = shops(world, (), handle="excellent")
    wrong = add(world, RecordKind.LATE, "excellent")
    assert tier(world, "excellent") is Tier.EXCELLENT
    read_tier(world, reader)
    add(world, RecordKind.BROKEN, "excellent")
    dispute = contest(world, wrong, "excellent")
    tier(world, "excellent")
    uphold(world, dispute)
    assert tier(world, "excellent") is Tier.VERY_GOOD
    assert corrections(world) == []


def test_record_that_had_raised_the_tier_can_be_wrong_too(world: DemoWorld) -> None:
    (reader,) = shops(world, (), handle="just-below")
    wrong = add(world, RecordKind.MONTHS, "just-below")
    assert tier(world, "just-below") is Tier.EXCELLENT
    read_tier(world, reader)
    assert correct(world, wrong, "just-below") is Tier.VERY_GOOD
    assert informed(world) == [reader.id]


def test_new_behaviour_and_ageing_tell_nobody(world: DemoWorld) -> None:
    (reader,) = shops(world, ())
    read_tier(world, reader)
    add(world, RecordKind.BROKEN)
    assert tier(world) is Tier.GOOD
    world.clock.advance(20 * DAY)
    tier(world)
    assert corrections(world) == []


def test_further_correction_tells_only_if_it_changes_the_tier_again(world: DemoWorld) -> None:
    (reader,) = shops(world, (), handle="excellent")
    wrong = [add(world, each, "excellent") for each in (RecordKind.BROKEN, RecordKind.LATE, RecordKind.BROKEN)]
    assert tier(world, "excellent") is Tier.FAIR
    read_tier(world, reader)
    assert correct(world, wrong[0], "excellent") is Tier.VERY_GOOD
    assert informed(world) == [reader.id]
    assert correct(world, wrong[1], "excellent") is Tier.VERY_GOOD
    assert informed(world) == [reader.id]
    assert correct(world, wrong[2], "excellent") is Tier.EXCELLENT
    assert informed(world) == [reader.id] * 2


def test_corrections_that_come_together_are_one_event(world: DemoWorld) -> None:
    (reader,) = shops(world, ())
    wrong = [add(world, RecordKind.BROKEN), add(world, RecordKind.BROKEN)]
    tier(world)
    read_tier(world, reader)
    for dispute in [contest(world, each) for each in wrong]:
        uphold(world, dispute)
    assert tier(world) is Tier.EXCELLENT
    assert informed(world) == [reader.id]


def test_consent_to_a_threshold_is_told_only_of_another_answer(world: DemoWorld) -> None:
    changed, same = shops(world, (AT_EXCELLENT,), (AT_FAIR,))
    wrong = add(world, RecordKind.BROKEN)
    tier(world)
    read_tier(world, changed, same)
    correct(world, wrong)
    assert informed(world) == [changed.id]


def test_request_with_a_wrong_tier_counts_like_a_read_if_the_consent_covers_the_score(world: DemoWorld) -> None:
    with_score, without = grant_to_shops(world, HANDLE, 2)
    with_score = world.grant(HANDLE, client=with_score.client_id, scopes=("score:tier", "decisions:request"))
    wrong = add(world, RecordKind.BROKEN)
    tier(world)
    for number, each in enumerate((with_score, without)):
        world.request(each, request_command(order("110.00"), f"k-{number}", f"r-{number}"))
    world.clock.advance(MINUTE)
    correct(world, wrong)
    assert informed(world) == [with_score.id]


def test_void_breach_that_had_replaced_an_accepted_claim_is_a_correction(world: DemoWorld) -> None:
    decision, user = accepted(world, "just-below"), world.user("just-below")
    (reader,) = shops(world, (), handle="just-below")
    assert tier(world, "just-below") is Tier.EXCELLENT
    breach(world, decision)
    assert tier(world, "just-below") is Tier.VERY_GOOD
    read_tier(world, reader)
    dispute = world.disputes.open(user, decision.id, "It is in your yard.")
    world.disputes.respond(world.merchant_token(), RespondCommand(dispute.id, "r", True, "We found it."))
    assert tier(world, "just-below") is Tier.EXCELLENT
    assert informed(world) == [reader.id]
    assert world.mismatches() == []


def test_void_late_settlement_is_a_correction(world: DemoWorld) -> None:
    """Settled late, it does not count before the dispute window has passed. As kept, it gives the tier."""
    decision = active(world, "just-below", 1, "300.00")
    world.clock.advance(5 * DAY)
    assert world.scheduler.apply_due() == 1
    fulfill(world, decision)
    (reader,) = shops(world, (), handle="just-below")
    assert tier(world, "just-below") is Tier.VERY_GOOD
    read_tier(world, reader)
    dispute = world.disputes.open(world.user("just-below"), decision.id, "I brought it back in time.")
    world.disputes.respond(world.merchant_token(), RespondCommand(dispute.id, "r", True, "True."))
    assert tier(world, "just-below") is Tier.EXCELLENT
    assert informed(world) == [reader.id]
