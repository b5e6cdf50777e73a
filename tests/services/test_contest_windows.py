"""The dispute window of a breach: it starts when the notice about the breach was sent, or seven days after the report.
Merchants do not see that."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import BreachKind, Status
from gateway.domain.errors import InvalidInput
from gateway.domain.events import InternalTopic, Topic
from gateway.domain.notices.delivery import LONGEST_NOTICE_TIME
from gateway.kit.clock import BusinessTime
from gateway.services.decisions.disputes import RespondCommand
from gateway.services.decisions.transitions import ActivateCommand, BreachCommand, FulfillCommand
from gateway.services.events import find_event
from gateway.web.site.notices import make_letter_writer
from tests.fixtures.demo import DemoDatabase
from tests.services.asks import car, request_command
from tests.services.decisions import DAY, activate_decision, list_events, load_decision
from tests.support.clock import MovableClock
from tests.support.demo_world import DemoWorld
from tests.support.live_world import LiveWorld
from tests.support.mail_server import MailServer, always
from tests.support.units import reading, writing

HANDLE, CONTEST = "excellent", timedelta(days=14)
WRITE = make_letter_writer("https://gateway.example")
SECOND = timedelta(seconds=1)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def world(demo_database: DemoDatabase, clock: MovableClock, server: MailServer) -> Iterator[DemoWorld]:
    """The demo partner at a deployment that sends mails. The persona has an address."""
    mail: dict[str, Any] = {"smtp_url": SecretStr(server.url()), "smtp_from": "notices@gateway.example"}
    with demo_database.open(clock, **mail) as world:
        with writing(world.database) as unit:
            user = unit.users.load(world.user(HANDLE))
            assert user is not None
            unit.users.update_all([user.model_copy(update={"email": "mei@example.com"})])
        yield world


def breach(world: DemoWorld, number: int = 1) -> DecisionState:
    command = BreachCommand(activate_decision(world, number).id, f"b-{number}", BreachKind.DAMAGED)
    return world.transitions.report_breach(world.merchant_token(), command)


def send(world: DemoWorld) -> None:
    world.container.notice_sender.send_due(WRITE)


def record_counts_from(world: DemoWorld, decision: DecisionState) -> BusinessTime | None:
    with reading(world.database) as unit:
        row = unit.behaviour_records.load_of_decision(decision.id)
        return None if row is None else row.counts_from


def counted(world: DemoWorld) -> int:
    """How many breaches count against the person now."""
    with reading(world.database) as unit:
        return unit.decisions.count_against(world.user(HANDLE), world.now)[1]


def internal_events(world: DemoWorld, decision: DecisionState) -> int:
    with reading(world.database) as unit:
        rows = unit.decision_log.list_of_decision(decision.id)
    return sum(f'"topic":"{InternalTopic.NOTICE_SENT}"' in row.public for row in rows)


def test_window_starts_when_the_mail_was_accepted(world: DemoWorld, server: MailServer) -> None:
    decision = breach(world)
    reported_at = world.now
    assert load_decision(world, decision).contest_ends_at == reported_at + LONGEST_NOTICE_TIME + CONTEST
    world.clock.advance(DAY)
    send(world)
    assert any("broken agreement" in str(mail["Subject"]) for mail in server.mails)
    state = load_decision(world, decision)
    assert state.contest_ends_at == reported_at + DAY + CONTEST == state.breach_counts_from
    assert record_counts_from(world, decision) == state.breach_counts_from
    world.clock.advance(CONTEST - SECOND)
    assert counted(world) == 0
    world.clock.advance(SECOND)
    assert counted(world) == 1
    with pytest.raises(InvalidInput, match="time to contest"):
        world.disputes.open(world.user(HANDLE), decision.id, "I did not.")
    assert world.mismatches() == []


def test_mail_says_until_when_the_breach_can_be_disputed(world: DemoWorld, server: MailServer) -> None:
    breach(world)
    world.clock.advance(DAY)
    send(world)
    (text,) = [mail.get_content() for mail in server.mails if "broken agreement" in str(mail["Subject"])]
    assert "You can dispute this until Dec 8, 2026, 12:00:00\u202fPM UTC at least." in text
    assert "on Nov 30, 2026, 12:00:00\u202fPM UTC at the latest." in text


def test_mail_about_a_contested_breach_has_no_deadline(world: DemoWorld, server: MailServer) -> None:
    world.disputes.open(world.user(HANDLE), breach(world).id, "I did not.")
    send(world)
    (text,) = [mail.get_content() for mail in server.mails if "broken agreement" in str(mail["Subject"])]
    assert "dispute this" not in text


def test_breach_of_which_no_notice_is_accepted_counts_seven_days_later(world: DemoWorld, server: MailServer) -> None:
    server.on_recipient = always("550 No such user")
    decision = breach(world)
    send(world)
    assert world.rows("SELECT not_sent FROM notices WHERE kind = 'BREACH_REPORTED'") == [("REFUSED",)]
    world.clock.advance(LONGEST_NOTICE_TIME + CONTEST - SECOND)
    assert counted(world) == 0
    world.clock.advance(SECOND)
    assert counted(world) == 1
    assert record_counts_from(world, decision) == world.now
    assert internal_events(world, decision) == 0


def test_merchant_sees_nothing_of_the_notice(world: DemoWorld) -> None:
    decision = breach(world)
    before, messages = list_events(world, decision), world.rows("SELECT id FROM outbox ORDER BY id")
    send(world)
    assert internal_events(world, decision) == 1
    assert list_events(world, decision) == before
    assert world.rows("SELECT id FROM outbox ORDER BY id") == messages
    with reading(world.database) as unit:
        (row,) = [
            each
            for each in unit.decision_log.list_of_decision(decision.id)
            if f'"topic":"{InternalTopic.NOTICE_SENT}"' in each.public
        ]
    token = world.merchant_token()
    assert world.query(token, lambda query: find_event(query, row.id)) is None
    with pytest.raises(InvalidInput, match="not an event of this decision"):
        world.query(token, lambda query: world.decisions.list_events(query, decision.id, after=row.id))
    last = world.query(token, lambda query: world.decisions.list_events(query, decision.id, 1, backward=True))
    assert [event.topic for event in last] == [Topic.DECISION_BREACHED]
    assert world.mismatches() == []


def test_person_sees_that_the_notice_was_sent(world: DemoWorld) -> None:
    decision = breach(world)
    send(world)
    agreement = world.database.read(
        lambda unit: world.obligations.load_agreement(unit, world.user(HANDLE), decision.id)
    )
    assert agreement.events[-1].topic is InternalTopic.NOTICE_SENT


def test_receipt_is_about_the_state_after_the_notice(world: DemoWorld) -> None:
    decision = breach(world)
    send(world)
    state = load_decision(world, decision)
    assert world.query(world.merchant_token(), lambda query: world.receipts.sign(query, state)) is not None


def test_notice_does_not_restart_a_window(world: DemoWorld) -> None:
    decision = breach(world)
    send(world)
    ends_at = load_decision(world, decision).contest_ends_at
    world.execute("UPDATE notices SET attempt_at = created_at, sent_at = NULL WHERE kind = 'BREACH_REPORTED'")
    world.clock.advance(DAY)
    send(world)  # as after the end of a process before the record of the acceptance
    assert load_decision(world, decision).contest_ends_at == ends_at
    assert internal_events(world, decision) == 1


def test_notice_changes_nothing_about_a_contested_breach(world: DemoWorld) -> None:
    decision = breach(world)
    dispute = world.disputes.open(world.user(HANDLE), decision.id, "I did not.")
    send(world)
    assert internal_events(world, decision) == 0
    world.disputes.respond(world.merchant_token(), RespondCommand(dispute.id, "r", False, "We looked."))
    world.disputes.resolve(dispute.id, uphold=False, resolution="The photo shows it.")
    assert counted(world) == 1  # at once


def test_late_notice_about_a_void_breach_does_not_start_the_window_of_the_next(world: DemoWorld) -> None:
    decision = breach(world)
    dispute = world.disputes.open(world.user(HANDLE), decision.id, "I did not.")
    world.disputes.respond(world.merchant_token(), RespondCommand(dispute.id, "r", True, "We looked."))
    state = load_decision(world, decision)
    assert (state.status, state.contest_starts_at, state.contest_ends_at) == (Status.ACTIVE, None, None)
    send(world)
    assert internal_events(world, decision) == 0


def test_breach_cured_before_it_counts_leaves_no_record(world: DemoWorld, server: MailServer) -> None:
    server.on_recipient = always("550 No such user")
    decision = breach(world)
    world.clock.advance(CONTEST + DAY)  # before, the window would have been over
    world.transitions.fulfill(world.merchant_token(), FulfillCommand(decision.id, "f", None, None))
    assert record_counts_from(world, decision) is None
    assert world.rows("SELECT id FROM behaviour_records WHERE reference = '" + decision.id + "'") == []
    assert world.mismatches() == []


def test_score_is_due_when_the_breach_counts(world: DemoWorld) -> None:
    decision = breach(world)
    send(world)
    ends_at = load_decision(world, decision).contest_ends_at
    assert ends_at is not None
    with reading(world.database) as unit:
        due_at = unit.scores.load(world.user(HANDLE))
    assert due_at is not None
    assert due_at.due_at <= ends_at


def test_breach_of_an_older_version_keeps_its_window(world: DemoWorld) -> None:
    decision = breach(world)
    world.execute("UPDATE decisions SET contest_starts_at = NULL")
    world.clock.advance(DAY)
    send(world)
    state = load_decision(world, decision)
    assert state.breached_at is not None
    assert state.contest_ends_at == state.breached_at + CONTEST
    assert internal_events(world, decision) == 0


def test_message_of_the_notice_would_be_a_mismatch(world: DemoWorld) -> None:
    decision = breach(world)
    send(world)
    assert world.mismatches() == []
    with reading(world.database) as unit:
        (row,) = [
            each
            for each in unit.decision_log.list_of_decision(decision.id)
            if f'"topic":"{InternalTopic.NOTICE_SENT}"' in each.public
        ]
    world.execute(
        f"UPDATE outbox SET id = '{row.id}' WHERE aggregate_id = '{decision.id}' AND topic = 'DECISION_BREACHED'"
    )
    assert f"Message {row.id}: its event is not for merchants." in world.mismatches()


def test_live_deployment_without_a_way_out_waits_seven_days(sqlite_url: str, clock: MovableClock) -> None:
    with closing(LiveWorld(sqlite_url, clock)) as live:
        client = live.add_merchant("cars")
        consent = live.grant(live.add_person(780), client, scopes=("decisions:request",))
        token, merchant = live.token(client, consent), live.token(client)
        decision = live.container.requester.request(token, request_command(car(clock()))).decision
        live.container.transitions.activate(merchant, ActivateCommand(decision.id, "a"))
        command = BreachCommand(decision.id, "b", BreachKind.DAMAGED)
        state = live.container.transitions.report_breach(merchant, command)
    assert state.breached_at is not None
    assert state.contest_ends_at == state.breached_at + LONGEST_NOTICE_TIME + CONTEST
