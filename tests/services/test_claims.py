"""Claims: the merchant is told, and its silence is a kept record of an open decision. What it reports later counts."""

from collections.abc import Callable
from functools import partial

import pytest

from gateway.domain.decisions.settlement import CLAIM_SILENCE
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import ClaimKind, Status
from gateway.domain.errors import InvalidInput, NotFound
from gateway.domain.events import Actor, Topic
from gateway.domain.scoring.tier import Tier
from gateway.services.decisions.disputes import RespondCommand
from gateway.services.decisions.transitions import ActivateCommand, FulfillCommand
from tests.services.asks import order, request_command
from tests.services.claims import OVERDUE, accepted, breach, claim, extend, fulfill, message_ids, records, rental, wait
from tests.services.decisions import DAY, grant_to_shops, list_events, load_decision
from tests.support.at_once import at_once
from tests.support.demo_world import DemoWorld


def score(world: DemoWorld, handle: str = "excellent") -> int:
    return world.source.measure(world.user(handle), world.now).score or 0


def test_claim_is_logged_and_the_merchant_is_told(world: DemoWorld) -> None:
    decision = rental(world)
    claimed = claim(world, decision)
    event = (Topic.DECISION_CLAIMED, Status.ACTIVE, Status.ACTIVE, Actor.USER, "The person says that it was returned.")
    assert list_events(world, decision)[-1] == event
    assert len(message_ids(world, decision, Topic.DECISION_CLAIMED)) == 1
    assert (claimed.exposure, claimed.settlement) == (decision.exposure, decision.settlement)
    assert (load_decision(world, decision), records(world)) == (claimed, [])
    assert world.mismatches() == []


def test_silence_is_a_kept_record_of_an_active_decision(world: DemoWorld) -> None:
    before = score(world, "good")
    decision = rental(world, "good")
    claim(world, decision, "good")
    wait(world, OVERDUE, CLAIM_SILENCE - DAY / 24)
    assert (records(world, "good"), score(world, "good")) == ([], before)
    wait(world, DAY / 24)
    state = load_decision(world, decision)
    assert (state.status, world.exposure("good")) == (Status.ACTIVE, decision.exposure.minor)
    assert list_events(world, decision)[-1][:4] == (
        Topic.DECISION_CLAIM_ACCEPTED,
        Status.ACTIVE,
        Status.ACTIVE,
        Actor.CLOCK,
    )
    (record,) = records(world, "good")
    assert (record.kind, record.at, record.claimed_at) == ("KEPT", world.now, state.claimed_at)
    assert score(world, "good") > before
    assert world.mismatches() == []


def test_claim_of_another_person_or_about_nothing_open_is_refused(world: DemoWorld) -> None:
    decision = rental(world)
    with pytest.raises(NotFound):
        claim(world, decision, "good")
    with pytest.raises(NotFound):
        world.claims.withdraw(world.user("good"), decision.id)
    with pytest.raises(NotFound):
        world.claims.claim(world.user("excellent"), "dec_test_none", ClaimKind.RETURNED)
    world.clock.advance(OVERDUE)  # and the scheduler has not run
    with pytest.raises(InvalidInput, match="can be contested"):
        claim(world, decision)


def test_two_claims_at_once_are_one(world: DemoWorld) -> None:
    decision = rental(world)

    def try_claim() -> str:
        try:
            return str(claim(world, decision).claim)
        except InvalidInput:
            return "refused"

    assert sorted(map(str, at_once([try_claim, try_claim]))) == ["RETURNED", "refused"]
    assert len(message_ids(world, decision, Topic.DECISION_CLAIMED)) == 1
    assert world.mismatches() == []


def test_withdrawn_claim_leaves_no_record(world: DemoWorld) -> None:
    decision = rental(world)
    claim(world, decision)
    world.claims.withdraw(world.user("excellent"), decision.id)
    wait(world, OVERDUE, CLAIM_SILENCE)
    assert records(world) == []
    assert [event[0] for event in list_events(world, decision)][-2:] == [
        Topic.DECISION_CLAIM_WITHDRAWN,
        Topic.DECISION_OVERDUE,
    ]
    assert world.mismatches() == []


@pytest.mark.parametrize(
    ("contradict", "kinds"),
    [(partial(fulfill, amount="100.00"), []), (breach, ["BROKEN"]), (extend, [])],
    ids=["part", "breach", "extension"],
)
@pytest.mark.parametrize("is_accepted", [False, True], ids=["open", "accepted"])
def test_contradicted_claim_has_no_record(
    world: DemoWorld, contradict: Callable[[DemoWorld, DecisionState], None], kinds: list[str], is_accepted: bool
) -> None:
    decision = rental(world)
    claim(world, decision)
    wait(world, OVERDUE, CLAIM_SILENCE if is_accepted else DAY)
    assert len(records(world)) == int(is_accepted)
    contradict(world, decision)
    assert [row.kind for row in records(world)] == kinds
    wait(world, CLAIM_SILENCE)
    assert [row.kind for row in records(world)] == kinds
    assert world.mismatches() == []


def test_fulfilment_after_an_accepted_claim_counts_once(world: DemoWorld) -> None:
    decision = accepted(world)
    (before,) = records(world)
    assert decision.due_at is not None
    in_time = FulfillCommand(decision.id, "f", settled_at=decision.due_at)
    world.transitions.fulfill(world.merchant_token(), in_time)
    (after,) = records(world)
    assert (after.kind, after.at, after.claimed_at) == ("KEPT", before.at, None)
    assert world.exposure() == 0
    assert world.mismatches() == []


def test_late_settlement_of_a_claimed_obligation_counts_as_late(world: DemoWorld) -> None:
    fulfill(world, accepted(world))
    (record,) = records(world)
    assert (record.kind, record.claimed_at) == ("LATE", None)
    assert world.mismatches() == []


def test_void_breach_restores_the_record_and_the_tier(world: DemoWorld) -> None:
    decision = accepted(world, "just-below")
    user = world.user("just-below")
    assert world.source.measure(user, world.now).tier is Tier.EXCELLENT
    (before,) = records(world, "just-below")
    world.clock.advance(DAY)
    breach(world, decision)
    assert world.source.measure(user, world.now).tier is Tier.VERY_GOOD
    world.clock.advance(DAY)
    dispute = world.disputes.open(user, decision.id, "It is in your yard.")
    world.disputes.respond(world.merchant_token(), RespondCommand(dispute.id, "r", True, "We found it."))
    ((cause, since),) = world.rows("SELECT pending, correct_from FROM person_scores WHERE user_id = :user", user=user)
    assert (cause, since is not None) == ("CORRECTION", True), "a tier that was held is restored too"
    (after,) = records(world, "just-below")
    assert (after.kind, after.at, after.claimed_at) == (before.kind, before.at, before.claimed_at)
    assert world.source.measure(user, world.now).tier is Tier.EXCELLENT
    assert world.mismatches() == []


def test_person_who_claims_everything_gains_what_the_caps_allow(world: DemoWorld) -> None:
    """Eight merchants of one partner that never report anything: two records a month count, as if all were kept."""
    consents = grant_to_shops(world, "good", 8)
    before = score(world, "good")
    for number, consent in enumerate(consents):
        decision = world.request(consent, request_command(order("110.00"), f"k-{number}", f"r-{number}")).decision
        world.transitions.activate(world.merchant_token(consent.client_id), ActivateCommand(decision.id, f"a-{number}"))
        world.claims.claim(world.user("good"), decision.id, ClaimKind.PAID)
    wait(world, 20 * DAY, 10 * DAY)
    assert [row.kind for row in records(world, "good")] == ["KEPT"] * 8
    kept_payments, new_partner, new_month = 8, 20, 2
    assert before < score(world, "good") <= before + kept_payments + new_partner + new_month


def test_claimed_obligation_that_is_broken_counts_as_broken(world: DemoWorld) -> None:
    breach(world, accepted(world))
    assert score(world) == 780
    wait(world, 14 * DAY)
    assert (score(world), [row.kind for row in records(world)]) == (680, ["BROKEN"])
