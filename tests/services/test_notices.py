"""Notices: each is written in the unit of work of what it reports, and reminders are written once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import BreachKind, Status
from gateway.domain.errors import InvalidInput
from gateway.domain.merchants import Product
from gateway.domain.notices.notice import CONSENT_NOTICE, REMINDER, Notice, NoticeKind
from gateway.domain.period import Period
from gateway.services.decisions.disputes import RespondCommand
from gateway.services.decisions.transitions import ActivateCommand, BreachCommand, ExtendCommand
from gateway.services.identity.logins import Attempt
from gateway.services.notices.reminders import ReminderService
from gateway.store.notices.notices import NoticeRepository
from gateway.store.unit import UnitOfWork
from tests.services.asks import car, request_command
from tests.services.decisions import DAY, activate_decision, request_decision
from tests.support.at_once import at_once
from tests.support.demo_world import DemoWorld
from tests.support.person_records import write_records
from tests.support.units import reading, writing

HANDLE = "excellent"


def notices(world: DemoWorld, handle: str = HANDLE) -> list[Notice]:
    """The notices of a persona, oldest first."""
    with reading(world.database) as unit:
        return unit.notices.list_page(world.user(handle), 100)[::-1]


def kinds(world: DemoWorld, handle: str = HANDLE) -> list[NoticeKind]:
    return [notice.kind for notice in notices(world, handle)]


def breach(world: DemoWorld) -> DecisionState:
    command = BreachCommand(activate_decision(world).id, "b", BreachKind.DAMAGED, note="They broke the mirror.")
    return world.transitions.report_breach(world.merchant_token(), command)


def answer(world: DemoWorld, dispute_id: str, *, accept: bool) -> None:
    world.disputes.respond(world.merchant_token(), RespondCommand(dispute_id, "r", accept, "We looked."))


def remind(world: DemoWorld) -> int:
    return ReminderService(world.database).write_due()


def test_consent_and_decision_have_a_notice_with_their_ids(world: DemoWorld) -> None:
    decision = request_decision(world)
    granted, decided, used = notices(world)
    assert (granted.kind, granted.subject_id) == (NoticeKind.CONSENT_GRANTED, decision.consent_id)
    assert (decided.kind, decided.subject_id) == (NoticeKind.DECISION_MADE, decision.id)
    assert (used.kind, used.subject_id) == (NoticeKind.CONSENT_FIRST_USED, decision.consent_id)
    for notice in (granted, decided, used):
        assert notice.merchant_id == world.merchant()
        assert (notice.business_at, notice.created_at, notice.read_at) == (world.now, world.clock(), None)
    assert [each.product for each in (granted, decided, used)] == [None, Product.DEPOSIT_WAIVER, None]


def test_decline_has_a_notice(world: DemoWorld) -> None:
    assert request_decision(world, "unscored").status is Status.DECLINED
    assert kinds(world, "unscored") == [
        NoticeKind.CONSENT_GRANTED,
        NoticeKind.DECISION_MADE,
        NoticeKind.CONSENT_FIRST_USED,
    ]


def test_failed_request_has_no_notice(world: DemoWorld) -> None:
    consent = world.grant()
    world.request(consent, request_command(car(world.clock())))
    before = kinds(world)
    with pytest.raises(InvalidInput):
        world.request(consent, request_command(car(world.clock()), "key-2", "order-1"))
    world.request(consent, request_command(car(world.clock())))  # a replay
    assert kinds(world) == before


def test_breach_has_one_notice_without_the_words_of_the_merchant(world: DemoWorld) -> None:
    decision = breach(world)
    assert kinds(world)[3:] == [NoticeKind.BREACH_REPORTED]
    assert notices(world)[-1].subject_id == decision.id
    assert "mirror" not in repr(world.rows("SELECT * FROM notices"))


def test_refusal_and_decision_of_a_dispute_have_a_notice_each(world: DemoWorld) -> None:
    dispute = world.disputes.open(world.user(HANDLE), breach(world).id, "I did not.")
    answer(world, dispute.id, accept=False)
    world.disputes.resolve(dispute.id, uphold=False, resolution="The photo shows it.")
    assert kinds(world)[4:] == [NoticeKind.DISPUTE_ANSWERED, NoticeKind.DISPUTE_RESOLVED]


def test_accepted_dispute_has_one_notice(world: DemoWorld) -> None:
    dispute = world.disputes.open(world.user(HANDLE), breach(world).id, "I did not.")
    answer(world, dispute.id, accept=True)
    assert kinds(world)[4:] == [NoticeKind.DISPUTE_RESOLVED]


def test_withdrawn_dispute_has_no_notice(world: DemoWorld) -> None:
    dispute = world.disputes.open(world.user(HANDLE), breach(world).id, "I did not.")
    world.disputes.withdraw(world.user(HANDLE), dispute.id)
    assert kinds(world)[4:] == []


def test_decided_dispute_about_a_record_has_a_notice(world: DemoWorld) -> None:
    record_id = write_records(world.container, f"{HANDLE}@demo")
    dispute = world.container.record_disputes.open(world.user(HANDLE), record_id, "I paid.")
    world.container.record_disputes.resolve(dispute.id, uphold=True, resolution="They did.")
    (notice,) = notices(world)
    assert (notice.kind, notice.subject_id, notice.merchant_id) == (NoticeKind.DISPUTE_RESOLVED, record_id, None)


def test_only_a_sign_in_from_a_new_browser_has_a_notice(world: DemoWorld) -> None:
    name, password = f"{HANDLE}@demo", "a long password"
    password_hash = world.accounts.hash_password(password)
    with writing(world.database) as unit:
        unit.users.set_password(world.user(HANDLE), password_hash)
    assert world.logins.sign_in(None, Attempt(name, "wrong", "192.0.2.1")) is None
    assert kinds(world) == []
    first = world.logins.sign_in(None, Attempt(name, password, "192.0.2.1"))
    assert first is not None
    assert kinds(world) == [NoticeKind.SIGN_IN]
    assert world.logins.sign_in(None, Attempt(name, password, "192.0.2.9", first.device_cookie)) is not None
    assert kinds(world) == [NoticeKind.SIGN_IN]


def test_overdue_obligation_has_a_notice(world: DemoWorld) -> None:
    activate_decision(world)
    world.clock.advance(5 * DAY)
    assert world.scheduler.apply_due() == 1
    assert kinds(world)[3:] == [NoticeKind.OVERDUE]


def test_person_is_reminded_once_of_a_due_date_and_again_after_an_extension(world: DemoWorld) -> None:
    decision = activate_decision(world)
    assert decision.due_at is not None
    world.clock.advance(decision.due_at - world.now - REMINDER - timedelta(seconds=1))
    assert remind(world) == 0
    world.clock.advance(seconds=1)
    assert (remind(world), remind(world)) == (1, 0)
    reminder = notices(world)[-1]
    assert (reminder.kind, reminder.business_at) == (NoticeKind.DUE_SOON, decision.due_at)
    later = decision.due_at + 10 * DAY
    world.transitions.extend(world.merchant_token(), ExtendCommand(decision.id, "e", later, "They keep the car."))
    assert remind(world) == 0
    world.clock.advance(later - world.now - REMINDER)
    assert (remind(world), notices(world)[-1].business_at) == (1, later)


def test_there_is_no_reminder_of_what_is_due_on_the_same_day(world: DemoWorld) -> None:
    start = world.clock()
    ask = replace(car(start), rental=Period(start + timedelta(hours=1), start + timedelta(hours=23)))
    decision = world.request(world.grant(), request_command(ask)).decision
    world.transitions.activate(world.merchant_token(), ActivateCommand(decision.id, "a"))
    for _ in range(23):
        assert remind(world) == 0
        world.clock.advance(hours=1)


def test_person_is_informed_once_before_a_consent_ends(world: DemoWorld) -> None:
    consent, ended = world.grant(), world.grant("good")
    world.clock.advance(consent.expires_at - world.now - CONSENT_NOTICE - timedelta(seconds=1))
    assert remind(world) == 0
    world.revoke(ended)
    world.clock.advance(seconds=1)
    assert (remind(world), remind(world)) == (1, 0)
    notice = notices(world)[-1]
    assert (notice.kind, notice.subject_id, notice.business_at) == (
        NoticeKind.CONSENT_EXPIRING,
        consent.id,
        consent.expires_at,
    )
    assert kinds(world, "good") == [NoticeKind.CONSENT_GRANTED]


def test_reminders_follow_the_business_time_of_the_partner(world: DemoWorld) -> None:
    consent = world.grant()
    ahead = consent.expires_at - world.now - CONSENT_NOTICE
    with writing(world.database) as unit:
        unit.partners.move_clock(world.partner_id, int(ahead.total_seconds()))
    assert remind(world) == 1


def test_reminder_that_fails_holds_up_no_other(world: DemoWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    consent, other = world.grant(), world.grant("good")
    world.clock.advance(consent.expires_at - world.now - CONSENT_NOTICE)
    add, refused = NoticeRepository.add_in_advance, min(consent.id, other.id)

    def add_or_fail(repository: NoticeRepository, *values: Any) -> bool:
        if refused in values:
            raise ValueError
        return add(repository, *values)

    monkeypatch.setattr(NoticeRepository, "add_in_advance", add_or_fail)
    with capture_logs() as lines:
        assert (remind(world), remind(world)) == (1, 0)
    assert {(line["event"], line["subject"], line["error"]) for line in lines if "subject" in line} == {
        ("reminder_not_written", refused, "ValueError")
    }


def test_two_processes_write_a_reminder_once(world: DemoWorld) -> None:
    consent = world.grant()
    world.clock.advance(consent.expires_at - world.now - CONSENT_NOTICE)
    assert sorted(map(str, at_once([lambda: remind(world)] * 2))) == ["0", "1"]
    assert kinds(world).count(NoticeKind.CONSENT_EXPIRING) == 1


def test_only_the_person_reads_and_marks_their_notices(world: DemoWorld) -> None:
    world.grant()
    world.grant("good")
    inbox, own, other = world.container.inbox, world.user(HANDLE), world.user("good")
    (notice,) = notices(world)

    def mark(unit: UnitOfWork) -> None:
        inbox.mark_read(unit, other, notice.id)
        inbox.mark_read(unit, other)

    world.database.write(mark)
    assert world.database.read(lambda unit: (inbox.count_unread(unit, own), inbox.count_unread(unit, other))) == (1, 0)
    world.clock.advance(DAY)
    world.database.write(lambda unit: inbox.mark_read(unit, own, notice.id))
    world.clock.advance(DAY)
    world.database.write(lambda unit: inbox.mark_read(unit, own))  # it was read the day before
    assert notices(world)[0].read_at == world.clock() - DAY
