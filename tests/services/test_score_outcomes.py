"""Outcomes of decisions count for the score: kept ones raise it, late and broken ones lower it after their window."""

from collections.abc import Sequence
from functools import partial

import pytest

from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import BreachKind, Status
from gateway.domain.scoring.record import RecordKind
from gateway.domain.scoring.score import Measurement
from gateway.domain.scoring.tier import Tier
from gateway.services.decisions.disputes import RespondCommand
from gateway.services.decisions.transitions import (
    ActivateCommand,
    BreachCommand,
    CancelCommand,
    FulfillCommand,
    ReduceCommand,
)
from gateway.store.scoring.records import BehaviourRecordRow
from tests.services.asks import car, order, request_command
from tests.services.decisions import DAY, grant_to_shops, yuan
from tests.support.at_once import at_once
from tests.support.demo_world import DemoWorld
from tests.support.units import reading, writing

SHOP = "online_shop"


def measure(world: DemoWorld, handle: str = "excellent") -> Measurement:
    return world.source.measure(world.user(handle), world.now)


def score(world: DemoWorld, handle: str = "excellent") -> int | None:
    return measure(world, handle).score


def own_records(world: DemoWorld, handle: str = "excellent") -> list[BehaviourRecordRow]:
    with reading(world.database) as unit:
        rows = unit.behaviour_records.list_of_user(world.user(handle))
    return [row for row in rows if row.source == "gateway"]


def active(world: DemoWorld, handle: str = "excellent", number: int = 1, deposit: str = "3000.00") -> DecisionState:
    command = request_command(car(world.clock(), deposit), f"key-{number}", f"order-{number}")
    decision = world.request(world.grant(handle), command).decision
    assert decision.status is Status.APPROVED
    return world.transitions.activate(world.merchant_token(), ActivateCommand(decision.id, f"a-{number}"))


def fulfill(world: DemoWorld, decision: DecisionState) -> None:
    world.transitions.fulfill(world.merchant_token(), FulfillCommand(decision.id, f"f-{decision.id}"))


def breach(world: DemoWorld, decision: DecisionState) -> None:
    world.transitions.report_breach(
        world.merchant_token(), BreachCommand(decision.id, f"b-{decision.id}", BreachKind.DAMAGED)
    )


def dispute(world: DemoWorld, decision: DecisionState, *, merchant_accepts: bool, upheld: bool = False) -> None:
    opened = world.disputes.open(world.user("excellent"), decision.id, "It was fine.")
    answer = RespondCommand(opened.id, f"r-{decision.id}", merchant_accepts, "We looked.")
    world.disputes.respond(world.merchant_token(), answer)
    if not merchant_accepts:
        world.disputes.resolve(opened.id, uphold=upheld, resolution="Looked at both sides.")


def test_two_kept_obligations_cross_the_cut_off(world: DemoWorld) -> None:
    assert (score(world, "just-below"), measure(world, "just-below").tier) == (699, Tier.VERY_GOOD)
    for number in range(2):
        fulfill(world, active(world, "just-below", number, "300.00"))
    now = measure(world, "just-below")
    assert (now.score, now.tier) == (707, Tier.EXCELLENT)
    assert [(row.kind, row.dimension, row.partner) for row in own_records(world, "just-below")] == [
        ("KEPT", "FULFILMENT", world.partner_id)
    ] * 2


def test_kept_order_is_a_kept_payment_of_its_amount(world: DemoWorld) -> None:
    consent = world.grant("good", client=world.client(SHOP), scopes=("decisions:request",))
    decision = world.request(consent, request_command(order("120.00"))).decision
    merchant = world.merchant_token(world.client(SHOP))
    world.transitions.activate(merchant, ActivateCommand(decision.id, "a"))
    world.transitions.fulfill(merchant, FulfillCommand(decision.id, "f"))
    (row,) = own_records(world, "good")
    assert (row.kind, row.dimension, row.amount_minor, row.currency) == ("KEPT", "CREDIT_HISTORY", 12_000, "CNY")


def test_open_cancelled_and_declined_decisions_have_no_record(world: DemoWorld) -> None:
    active(world)
    command = request_command(car(world.clock(), "100.00"), "key-2", "order-2")
    approved = world.request(world.grant(), command).decision
    world.transitions.cancel(world.merchant_token(), CancelCommand(approved.id, "c", None))
    world.clock.advance(20 * DAY)
    world.scheduler.apply_due()
    assert own_records(world) == []
    assert score(world) == 780


def test_breach_lowers_the_tier_only_after_its_window(world: DemoWorld) -> None:
    decision = active(world, "threshold")
    breach(world, decision)
    assert measure(world, "threshold").tier is Tier.EXCELLENT
    world.clock.advance(14 * DAY - DAY / 24)
    assert (score(world, "threshold"), measure(world, "threshold").tier) == (700, Tier.EXCELLENT)
    world.clock.advance(DAY / 24)
    assert (score(world, "threshold"), measure(world, "threshold").tier) == (600, Tier.GOOD)


def test_dispute_holds_the_breach_and_an_upheld_one_leaves_no_trace(world: DemoWorld) -> None:
    decision = active(world)
    breach(world, decision)
    opened = world.disputes.open(world.user("excellent"), decision.id, "It was fine.")
    world.disputes.respond(world.merchant_token(), RespondCommand(opened.id, "r", False, "It was not."))
    world.clock.advance(20 * DAY)
    assert score(world) == 780
    world.disputes.resolve(opened.id, uphold=True, resolution="The photos show no damage.")
    assert score(world) == 780
    assert own_records(world) == []


def test_rejected_dispute_lets_the_breach_count_at_once(world: DemoWorld) -> None:
    decision = active(world)
    breach(world, decision)
    dispute(world, decision, merchant_accepts=False, upheld=False)
    assert score(world) == 680


def test_breach_cured_within_its_window_leaves_no_record(world: DemoWorld) -> None:
    decision = active(world)
    breach(world, decision)
    world.clock.advance(13 * DAY)
    fulfill(world, decision)
    world.clock.advance(30 * DAY)
    assert own_records(world) == []
    assert score(world) == 780


def test_breach_cured_later_counts_as_late(world: DemoWorld) -> None:
    decision = active(world)
    breach(world, decision)
    world.clock.advance(15 * DAY)
    assert score(world) == 680
    fulfill(world, decision)
    assert score(world) == 762
    (row,) = own_records(world)
    assert (row.kind, row.at) == (RecordKind.LATE, world.now)


def overdue(world: DemoWorld) -> DecisionState:
    decision = active(world)
    world.clock.advance(5 * DAY)
    assert world.scheduler.apply_due() == 1
    return decision


def test_late_settlement_counts_after_its_window(world: DemoWorld) -> None:
    fulfill(world, overdue(world))
    assert score(world) == 780
    world.clock.advance(14 * DAY)
    assert score(world) == 762


@pytest.mark.parametrize(("upheld", "expected"), [(True, 780), (False, 762)])
def test_late_settlement_can_be_disputed(world: DemoWorld, upheld: bool, expected: int) -> None:
    decision = overdue(world)
    fulfill(world, decision)
    dispute(world, decision, merchant_accepts=False, upheld=upheld)
    world.clock.advance(20 * DAY)
    assert (score(world) or 0) - (4 if upheld else 0) <= expected <= (score(world) or 0)
    assert [row.kind for row in own_records(world)] == ["KEPT" if upheld else "LATE"]


def test_obligation_whose_flag_expired_has_no_record_once_it_is_fulfilled(world: DemoWorld) -> None:
    """Otherwise waiting for the flag to expire would be worth more than settling late."""
    decision = overdue(world)
    world.clock.advance(14 * DAY)
    assert world.scheduler.apply_due() == 1
    fulfill(world, decision)
    assert own_records(world) == []


@pytest.mark.parametrize("thing", ["flag", "breach"])
def test_settling_what_is_contested_counts_as_kept(world: DemoWorld, thing: str) -> None:
    decision = overdue(world) if thing == "flag" else active(world)
    if thing == "breach":
        breach(world, decision)
    world.disputes.open(world.user("excellent"), decision.id, "It was fine.")
    fulfill(world, decision)
    assert [(row.kind, row.contested_at) for row in own_records(world)] == [("KEPT", None)]


def test_written_off_breach_fades_from_then_on(world: DemoWorld) -> None:
    breach(world, active(world))
    world.clock.advance(366 * DAY)
    world.scheduler.apply_due()
    (row,) = own_records(world)
    assert (row.kind, row.ended_at) == ("BROKEN", world.now)


def test_return_of_everything_leaves_no_record_and_of_a_part_a_smaller_one(world: DemoWorld) -> None:
    merchant, amounts = world.merchant_token(), ("0.00", "50.00")
    for number, amount in enumerate(amounts):
        decision = active(world, number=number, deposit="300.00")
        command = ReduceCommand(decision.id, f"reduce-{number}", yuan(amount), "Brought back.")
        world.transitions.reduce(merchant, command)
        if amount != "0.00":
            fulfill(world, decision)
    assert [row.amount_minor for row in own_records(world)] == [5_000]


def test_colluding_merchants_of_one_partner_count_as_one(world: DemoWorld) -> None:
    """Eight merchants of one partner report sixteen kept orders in a month: two count."""
    consents = grant_to_shops(world, "good", 8)
    before = score(world, "good") or 0
    for number, consent in enumerate(consents * 2):
        decision = world.request(consent, request_command(order("110.00"), f"k-{number}", f"r-{number}")).decision
        merchant = world.merchant_token(consent.client_id)
        world.transitions.activate(merchant, ActivateCommand(decision.id, f"a-{number}"))
        world.transitions.fulfill(merchant, FulfillCommand(decision.id, f"f-{number}"))
    assert len(own_records(world, "good")) == 16
    kept_payments, new_partner, new_month = 8, 20, 2
    assert before < (score(world, "good") or 0) <= before + kept_payments + new_partner + new_month


def report_and_dispute(world: DemoWorld, decisions: Sequence[DecisionState], *, upheld: bool) -> None:
    for decision in decisions:
        breach(world, decision)
        dispute(world, decision, merchant_accepts=upheld, upheld=False)


def test_partner_that_often_reports_wrongly_is_ignored(world: DemoWorld) -> None:
    """Of ten decided disputes three were upheld: its other seven reports do not count any more."""
    decisions = [active(world, number=number, deposit="200.00") for number in range(10)]
    report_and_dispute(world, decisions[:7], upheld=False)
    lowered = score(world) or 0
    assert lowered < 780
    report_and_dispute(world, decisions[7:9], upheld=True)
    assert score(world) == lowered
    report_and_dispute(world, decisions[9:], upheld=True)
    assert score(world) == 780
    assert measure(world).tier is Tier.EXCELLENT


def test_change_of_a_partner_is_noted_for_a_score_that_is_due_already(world: DemoWorld) -> None:
    """Else what it lowers would be taken for ageing."""
    breach(world, active(world, "threshold"))
    world.clock.advance(40 * DAY)
    with writing(world.database) as unit:
        before = unit.scores.load(world.user("threshold"))
        assert before is not None
        assert before.due_at < world.now
        unit.outcomes.mark_partner_due(world.partner_id, world.now)
        after = unit.scores.load(world.user("threshold"))
    assert after is not None
    assert (after.pending, after.due_at) == ("CORRECTION", before.due_at)


def test_disputes_that_are_decided_at_once_are_all_counted(world: DemoWorld) -> None:
    """Only together do the last two make ten decided disputes, so that the partner is ignored."""
    breach(world, active(world, "threshold", 99))
    world.clock.advance(15 * DAY)
    decisions = [active(world, number=number, deposit="200.00") for number in range(10)]
    report_and_dispute(world, decisions[:7], upheld=False)
    report_and_dispute(world, decisions[7:8], upheld=True)
    assert score(world, "threshold") == 600
    answers = []
    for decision in decisions[8:]:
        breach(world, decision)
        opened = world.disputes.open(world.user("excellent"), decision.id, "It was fine.")
        answers.append(RespondCommand(opened.id, f"r-{decision.id}", True, "We looked."))

    def respond(command: RespondCommand) -> object:
        return world.disputes.respond(world.merchant_token(), command).status

    assert at_once([partial(respond, each) for each in answers]) == ["UPHELD", "UPHELD"]
    assert score(world, "threshold") == 700
