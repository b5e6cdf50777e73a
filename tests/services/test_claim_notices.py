"""What a person who has made a claim is informed of, and what they are not reminded of."""

from collections.abc import Callable
from functools import partial

import pytest

from gateway.domain.decisions.settlement import CLAIM_SILENCE
from gateway.domain.decisions.state import DecisionState
from gateway.domain.notices.notice import REMINDER, NoticeKind
from gateway.services.decisions.transitions import FulfillCommand
from gateway.services.notices.reminders import ReminderService
from tests.services.claims import DUE, OVERDUE, accepted, breach, claim, extend, fulfill, rental, wait
from tests.services.decisions import DAY, yuan
from tests.support.demo_world import DemoWorld
from tests.support.units import reading

Report = Callable[[DemoWorld, DecisionState], None]


def kinds(world: DemoWorld) -> list[NoticeKind]:
    """The kinds of a person's notices after the approval, oldest first."""
    with reading(world.database) as unit:
        notices = unit.notices.list_page(world.user("excellent"), 100)[::-1]
    assert [notice.kind for notice in notices[:3]] == [
        NoticeKind.CONSENT_GRANTED,
        NoticeKind.DECISION_MADE,
        NoticeKind.CONSENT_FIRST_USED,
    ]
    return [notice.kind for notice in notices[3:]]


def remind(world: DemoWorld) -> int:
    return ReminderService(world.database).write_due()


def fulfill_in_time(world: DemoWorld, decision: DecisionState) -> None:
    world.transitions.fulfill(world.merchant_token(), FulfillCommand(decision.id, "f", settled_at=decision.due_at))


def test_accepted_claim_has_a_notice(world: DemoWorld) -> None:
    decision = accepted(world)
    assert kinds(world) == [NoticeKind.CLAIM_UNCONFIRMED, NoticeKind.CLAIM_ACCEPTED]
    with reading(world.database) as unit:
        notice = unit.notices.list_page(world.user("excellent"), 1)[0]
    assert (notice.subject_id, notice.merchant_id) == (decision.id, decision.merchant_id)
    assert (notice.product, notice.business_at) == (decision.product, world.now)


@pytest.mark.parametrize(
    "report", [partial(fulfill, amount="100.00"), extend, fulfill], ids=["part", "extension", "late"]
)
@pytest.mark.parametrize("is_accepted", [False, True], ids=["open", "accepted"])
def test_contradicted_claim_has_a_notice(world: DemoWorld, report: Report, is_accepted: bool) -> None:
    decision = rental(world)
    claim(world, decision)
    wait(world, OVERDUE, CLAIM_SILENCE if is_accepted else DAY)
    before = kinds(world)
    report(world, decision)
    assert kinds(world) == [*before, NoticeKind.CLAIM_CONTRADICTED]


@pytest.mark.parametrize("is_accepted", [False, True], ids=["open", "accepted"])
def test_breach_after_a_claim_has_the_notice_about_the_breach_only(world: DemoWorld, is_accepted: bool) -> None:
    decision = rental(world)
    claim(world, decision)
    wait(world, OVERDUE, CLAIM_SILENCE if is_accepted else DAY)
    before = kinds(world)
    breach(world, decision)
    assert kinds(world) == [*before, NoticeKind.BREACH_REPORTED]


@pytest.mark.parametrize("report", [fulfill_in_time, partial(fulfill, amount="100.00"), extend, fulfill])
def test_what_the_merchant_reports_without_a_claim_contradicts_nothing(world: DemoWorld, report: Report) -> None:
    decision = rental(world)
    claim(world, decision)
    world.claims.withdraw(world.user("excellent"), decision.id)
    wait(world, OVERDUE)
    report(world, decision)
    assert kinds(world) == [NoticeKind.OVERDUE]


def test_fulfilment_in_time_contradicts_nothing(world: DemoWorld) -> None:
    decision = accepted(world)
    before = kinds(world)
    fulfill_in_time(world, decision)
    assert kinds(world) == before


def test_second_part_has_no_second_notice(world: DemoWorld) -> None:
    decision = rental(world)
    claim(world, decision)
    fulfill(world, decision, "100.00")
    part = FulfillCommand(decision.id, "f-2", settled_amount=yuan("50.00"))
    world.transitions.fulfill(world.merchant_token(), part)
    assert kinds(world) == [NoticeKind.CLAIM_CONTRADICTED]


def test_person_with_an_open_claim_is_not_reminded_of_the_due_date(world: DemoWorld) -> None:
    decision = rental(world)
    claim(world, decision)
    wait(world, DUE - REMINDER)
    assert (remind(world), kinds(world)) == (0, [])
    world.claims.withdraw(world.user("excellent"), decision.id)
    assert (remind(world), remind(world), kinds(world)) == (1, 0, [NoticeKind.DUE_SOON])


def test_person_whose_claim_was_contradicted_is_reminded_of_the_due_date(world: DemoWorld) -> None:
    decision = rental(world)
    claim(world, decision)
    wait(world, DUE - REMINDER)
    fulfill(world, decision, "100.00")
    assert (remind(world), kinds(world)) == (1, [NoticeKind.CLAIM_CONTRADICTED, NoticeKind.DUE_SOON])


def test_person_with_an_open_claim_is_reminded_after_an_extension(world: DemoWorld) -> None:
    decision = rental(world)
    claim(world, decision)
    extend(world, decision)
    wait(world, 5 * DAY - REMINDER)
    assert remind(world) == 1


def test_obligation_that_becomes_overdue_after_a_claim_has_its_own_notice(world: DemoWorld) -> None:
    decision = rental(world)
    claim(world, decision)
    wait(world, OVERDUE)
    assert kinds(world) == [NoticeKind.CLAIM_UNCONFIRMED]
