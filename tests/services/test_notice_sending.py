"""Notices leave the gateway over a real mail server: accepted, refused, tried again, and given up."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from email.headerregistry import Address
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.domain.notices.delivery import GIVE_UP_AFTER, LEASE, NotSent, Preferences
from gateway.domain.notices.notice import NoticeKind
from gateway.kit.circuit_breaker import CircuitBreaker
from gateway.kit.outage import outage_log
from gateway.kit.smtp import SmtpClient
from gateway.kit.smtp_address import read_smtp_url
from gateway.services.notices.mail import MailOutward
from gateway.services.notices.sending import NoticeSender
from gateway.web.site.notices import make_letter_writer
from tests.services.decisions import request_decision
from tests.support.at_once import at_once
from tests.support.demo_world import DemoWorld
from tests.support.mail_server import MailServer, SilentServer, always
from tests.support.units import writing

ADDRESS, HANDLE = "mei@example.com", "excellent"
WRITE = make_letter_writer("https://gateway.example")
DAY = timedelta(days=1)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture(autouse=True)
def _forget_outages() -> None:
    outage_log.forget()


def sender_of(
    world: DemoWorld, server: MailServer | SilentServer, *, pause: float = 0, step_timeout: float = 10
) -> NoticeSender:
    address = Address("Sesame", addr_spec="notices@gateway.example")
    client = SmtpClient(read_smtp_url(f"smtp://127.0.0.1:{server.port}"), address, step_timeout=step_timeout)
    outward = MailOutward(client, address.domain)
    return NoticeSender(world.database, world.clock, outward, CircuitBreaker(1, pause))


def give_address(world: DemoWorld, handle: str = HANDLE, address: str = ADDRESS, language: str | None = None) -> None:
    with writing(world.database) as unit:
        user = unit.users.load(world.user(handle))
        assert user is not None
        unit.users.update_all([user.model_copy(update={"email": address, "language": language})])


def add(world: DemoWorld, kind: NoticeKind = NoticeKind.SIGN_IN, handle: str = HANDLE) -> None:
    with writing(world.database) as unit:
        unit.notices.add(world.user(handle), kind)


def states(world: DemoWorld) -> list[tuple[str, bool, bool, str | None]]:
    """Kind, whether it waits, whether it was sent, and why not, of all notices from the oldest to the newest."""
    rows = world.rows("SELECT kind, attempt_at, sent_at, not_sent FROM notices ORDER BY id")
    return [(kind, attempt is not None, sent is not None, reason) for kind, attempt, sent, reason in rows]


def waits(world: DemoWorld) -> timedelta:
    """How long the only notice waits for its next attempt."""
    ((moment,),) = world.rows("SELECT attempt_at FROM notices")
    moment = moment if isinstance(moment, datetime) else datetime.fromisoformat(f"{moment}Z")
    return timedelta(seconds=(moment - world.clock()).total_seconds())


ACCEPTED = ("SIGN_IN", False, True, None)
WAITING = ("SIGN_IN", True, False, None)


def test_mail_names_merchant_and_product_and_links_to_the_inbox(world: DemoWorld, server: MailServer) -> None:
    give_address(world)
    request_decision(world)
    assert sender_of(world, server).send_due(WRITE) == 3
    mails = {str(mail["Subject"]): mail for mail in server.mails}
    decided = mails.pop("A decision about you")
    assert mails.keys() == {"You gave a consent", "A consent was used for the first time"}
    assert {mail["To"] for mail in server.mails} == {ADDRESS}
    assert decided.get_content().replace("\r\n", "\n") == (
        "Demo Car Rental received a decision about you: no deposit or a smaller one.\n\n"
        "Your inbox: https://gateway.example/account/inbox\n\n"
        "What is sent to you: https://gateway.example/account/inbox/settings\n"
    )
    ((notice_id,),) = world.rows("SELECT id FROM notices WHERE kind = 'DECISION_MADE'")
    assert decided["Message-ID"] == f"<{notice_id}@gateway.example>"


def test_accepted_notice_is_sent_once(world: DemoWorld, server: MailServer) -> None:
    give_address(world)
    add(world)
    sender = sender_of(world, server)
    assert [sender.send_due(WRITE), sender.send_due(WRITE)] == [1, 0]
    world.clock.advance(DAY)
    assert sender.send_due(WRITE) == 0
    assert (len(server.mails), states(world)) == (1, [ACCEPTED])


@pytest.mark.parametrize(
    ("of_operator", "of_person", "subject"),
    [
        (None, None, "A sign-in from another browser"),
        ("zh", None, "来自其他浏览器的登录"),
        ("zh", "en", "A sign-in from another browser"),
    ],
)
def test_mail_is_in_the_language_of_the_person(
    world: DemoWorld, server: MailServer, of_operator: str | None, of_person: str | None, subject: str
) -> None:
    give_address(world, language=of_operator)
    with writing(world.database) as unit:
        unit.notice_preferences.save(world.user(HANDLE), Preferences(of_person))
    add(world)
    sender_of(world, server).send_due(WRITE)
    assert [mail["Subject"] for mail in server.mails] == [subject]


def test_kind_that_is_switched_off_stays_in_the_inbox(world: DemoWorld, server: MailServer) -> None:
    give_address(world)
    with writing(world.database) as unit:
        unit.notice_preferences.save(world.user(HANDLE), Preferences(not_sent=frozenset(NoticeKind)))
    add(world, NoticeKind.DISPUTE_RESOLVED)
    add(world, NoticeKind.BREACH_REPORTED)
    add(world)
    assert sender_of(world, server).send_due(WRITE) == 2
    assert states(world) == [
        ("DISPUTE_RESOLVED", False, False, NotSent.OPTED_OUT),
        ("BREACH_REPORTED", False, True, None),
        ACCEPTED,
    ]


def test_person_without_an_address_and_disabled_person_get_no_mail(world: DemoWorld, server: MailServer) -> None:
    add(world)
    give_address(world, "good")
    add(world, handle="good")
    with writing(world.database) as unit:
        unit.users.disable(world.user("good"), world.clock())
    assert sender_of(world, server).send_due(WRITE) == 0
    assert [state[3] for state in states(world)] == [NotSent.NO_ADDRESS, NotSent.DISABLED]
    assert server.mails == []


def test_refused_notice_is_given_up_and_the_next_is_sent(world: DemoWorld, server: MailServer) -> None:
    give_address(world)
    give_address(world, "good", "gone@example.com")
    add(world, handle="good")
    add(world)
    server.on_recipient = lambda address: "550 No such user" if address.startswith("gone") else "250 OK"
    with capture_logs() as logs:
        assert sender_of(world, server).send_due(WRITE) == 1
    assert states(world) == [("SIGN_IN", False, False, NotSent.REFUSED), ACCEPTED]
    assert [(line["event"], line["code"]) for line in logs] == [("notice_refused", "550")]
    assert "example.com" not in str(logs)


def test_deferred_notice_is_tried_again_and_the_next_is_sent(world: DemoWorld, server: MailServer) -> None:
    give_address(world)
    add(world)
    server.on_recipient = always("451 Greylisted")
    sender = sender_of(world, server)
    assert sender.send_due(WRITE) == 0
    assert timedelta(seconds=48) <= waits(world) <= timedelta(seconds=72)
    server.on_recipient = always("250 OK")
    assert sender.send_due(WRITE) == 0  # not yet
    world.clock.advance(waits(world))
    assert sender.send_due(WRITE) == 1
    assert states(world) == [ACCEPTED]


def test_notice_is_given_up_after_three_days(world: DemoWorld, server: MailServer) -> None:
    give_address(world)
    add(world)
    server.on_recipient = always("451 Come again")
    sender, begun, attempts = sender_of(world, server), world.clock(), 0
    while states(world) == [WAITING]:
        assert world.clock() < begun + 2 * GIVE_UP_AFTER
        sender.send_due(WRITE)
        attempts += 1
        world.clock.advance(minutes=30)
    assert states(world) == [("SIGN_IN", False, False, NotSent.EXPIRED)]
    assert GIVE_UP_AFTER <= world.clock() - begun < GIVE_UP_AFTER + timedelta(hours=6)
    ((counted,),) = world.rows("SELECT attempts FROM notices")
    assert 20 < counted < attempts


def test_dead_server_keeps_all_notices_until_it_comes_back(world: DemoWorld, server: MailServer) -> None:
    give_address(world)
    for _ in range(3):
        add(world)
    server.stop()
    sender = sender_of(world, server)
    with capture_logs() as logs:
        assert sender.send_due(WRITE) == 0
    assert states(world) == [WAITING] * 3
    assert [(line["event"], line["service"], line["cause"]) for line in logs] == [("unavailable", "mail", "connection")]
    assert ADDRESS not in str(logs)
    world.clock.advance(DAY)
    server.start()
    assert sender.send_due(WRITE) == 3
    assert states(world) == [ACCEPTED] * 3


def test_nothing_is_tried_in_the_pause_after_a_failure(world: DemoWorld, server: MailServer) -> None:
    give_address(world)
    add(world)
    server.on_sender = always("553 Unknown sender")
    sender = sender_of(world, server, pause=1000)
    assert [sender.send_due(WRITE), sender.send_due(WRITE)] == [0, 0]
    assert server.connections == 1


def test_hanging_server_is_given_up_in_time(world: DemoWorld) -> None:
    give_address(world)
    add(world)
    with SilentServer() as silent:
        assert sender_of(world, silent, step_timeout=0.2).send_due(WRITE) == 0
    assert states(world) == [WAITING]


def test_server_that_dies_during_a_mail_gets_it_again(world: DemoWorld, server: MailServer) -> None:
    give_address(world)
    add(world)
    add(world)
    server.on_data = always("421 Going down")
    sender = sender_of(world, server)
    assert sender.send_due(WRITE) == 0
    assert states(world) == [WAITING] * 2
    ((first, second),) = [tuple(row[0] for row in world.rows("SELECT attempts FROM notices ORDER BY id"))]
    assert (first, second) == (1, 0)  # the second was not tried
    server.on_data = always("250 OK")
    world.clock.advance(minutes=2)
    assert sender.send_due(WRITE) == 2


def test_two_processes_send_a_notice_once(world: DemoWorld, server: MailServer) -> None:
    give_address(world)
    for _ in range(6):
        add(world)
    calls: list[Callable[[], int]] = [lambda: sender_of(world, server).send_due(WRITE)] * 2
    results: list[Any] = at_once(calls)
    assert (sum(results), len(server.mails)) == (6, 6)


def test_notice_of_a_process_that_ended_is_sent_after_its_lease(world: DemoWorld, server: MailServer) -> None:
    give_address(world)
    add(world)
    claimed = world.database.write(lambda unit: unit.sent_notices.claim())
    assert claimed is not None
    sender = sender_of(world, server)
    assert sender.send_due(WRITE) == 0
    world.clock.advance(LEASE)
    assert sender.send_due(WRITE) == 1
    late = world.database.write(lambda unit: unit.sent_notices.give_up(claimed, NotSent.REFUSED))
    assert (late, states(world)) == (False, [ACCEPTED])


def test_sending_stops_when_another_process_takes_over(world: DemoWorld, server: MailServer) -> None:
    give_address(world)
    for _ in range(3):
        add(world)
    answers = iter([True, True, True, False])
    assert sender_of(world, server).send_due(WRITE, lambda: next(answers)) < 3


def test_without_a_way_out_notices_are_given_up_after_three_days(world: DemoWorld) -> None:
    give_address(world)
    add(world)
    sender = NoticeSender(world.database, world.clock, None)
    world.clock.advance(GIVE_UP_AFTER - timedelta(seconds=1))
    assert sender.send_due(WRITE) == 0
    assert states(world) == [WAITING]
    world.clock.advance(seconds=1)
    sender.send_due(WRITE)
    assert states(world) == [("SIGN_IN", False, False, NotSent.EXPIRED)]
    assert not sender.is_configured
