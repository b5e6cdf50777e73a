"""What the account page reads takes as many statements for many as for one, and keeps together what belongs so."""

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import TypeVar

import pytest

from gateway.domain.authorization_detail import AuthorizationDetail
from gateway.domain.consent import Consent
from gateway.domain.decision import BreachKind, Status
from gateway.domain.dispute import Contested, DisputeStatus
from gateway.services.access import Seen
from gateway.services.consents import GivenConsent
from gateway.services.decided import Decided, DecidedService
from gateway.services.decisions import BreachInput
from gateway.services.disputes import RespondInput
from gateway.services.obligations import Obligation, ObligationService
from gateway.store.database import Session
from tests.services.world import World
from tests.support.factories import make_client, make_consent, make_decision, make_merchant, make_partner, make_user
from tests.support.statements import statements

Found = TypeVar("Found")
DAY = timedelta(days=1)
SCORE = AuthorizationDetail("score", level="tier", purpose="CAR_RENTAL", duration=90 * DAY)


class Person:
    """Somebody with consents to merchants of as many partners, "Shop 0" and on, whose clocks are a day apart."""

    def __init__(self, world: World) -> None:
        self._world, self._numbers = world, count()
        with world.database.write() as session:
            self.id = make_user(session)

    def consent(self, session: Session) -> Consent:
        number = next(self._numbers)
        partner = make_partner(session, clock_offset_seconds=number * 24 * 3600)
        client = make_client(session, make_merchant(session, partner, name=f"Shop {number}"))
        return make_consent(session, client, self.id, details=(SCORE,))

    def consents(self) -> None:
        with self._world.database.write() as session:
            self.consent(session)

    def breach(self) -> Consent:
        """A promise that was not kept."""
        now = self._world.clock()
        with self._world.database.write() as session:
            consent = self.consent(session)
            broken = {"breached_at": now, "breach_kind": BreachKind.NOT_PAID, "activated_at": now}
            self.newest = make_decision(session, consent, status=Status.BREACHED, **broken)
        return consent

    def contests(self) -> None:
        """Contests an overdue mark, takes that back, contests the breach that follows, and the merchant refuses."""
        disputes, now = self._world.disputes, self._world.clock()
        with self._world.database.write() as session:
            consent = self.consent(session)
            late = {"overdue_at": now, "activated_at": now}
            self.newest = make_decision(session, consent, status=Status.ACTIVE, **late)
        disputes.withdraw(self.id, disputes.open(self.id, self.newest, "A first word").id)
        token = self._world.merchant_token(consent.client_id)
        self._world.decisions.moves.report_breach(token, BreachInput(self.newest, "b", BreachKind.NOT_PAID))
        again = disputes.open(self.id, self.newest, f"Word to {consent.merchant_id}")
        disputes.respond(token, RespondInput(again.id, "r", False, f"Word of {consent.merchant_id}"))

    def is_asked_about(self) -> None:
        """In another year each time, so that each entry is sealed with a key of its own."""
        with self._world.database.write() as session:
            consent = self.consent(session)
        token, wall = self._world.acting(consent), self._world.clock()
        wall = wall.replace(year=wall.year + next(self._numbers))
        with self._world.database.write() as session:
            self._world.recorder.record(session, token, "SCORE_TIER", "CAR_RENTAL", {"tier": "GOOD"}, wall)

    def obligations(self, session: Session) -> tuple[Obligation, ...]:
        return ObligationService(self._world.disputes).of_user(session, self.id, self._world.clock())

    def decisions(self, session: Session) -> tuple[Decided, ...]:
        return DecidedService().of_user(session, self.id, self._world.clock(), 20)

    def given(self, session: Session) -> tuple[GivenConsent, ...]:
        return self._world.consents.of_user(session, self.id, self._world.clock())

    def seen(self, session: Session) -> tuple[Seen, ...]:
        return self._world.recorder.of_user(session, self.id)


@pytest.mark.parametrize(
    ("happens", "read"),
    [
        pytest.param(Person.breach, Person.obligations, id="agreements"),
        pytest.param(Person.contests, Person.obligations, id="contested-agreements"),
        pytest.param(Person.breach, Person.decisions, id="decisions"),
        pytest.param(Person.consents, Person.given, id="consents"),
        pytest.param(Person.is_asked_about, Person.seen, id="accesses"),
    ],
)
def test_many_take_no_more_statements_than_one(
    world: World, happens: Callable[[Person], object], read: Callable[[Person, Session], tuple[object, ...]]
) -> None:
    person, taken = Person(world), {}
    for many in (1, 12):
        while (found := len(_read(world, person, read))) < many:
            happens(person)
        assert found == many
        with statements(world.database) as sent:
            _read(world, person, read)
        taken[many] = sent
    assert len(taken[12]) == len(taken[1]), taken[12]


def test_an_agreement_keeps_its_merchant_its_time_and_its_newest_dispute(world: World) -> None:
    person = Person(world)
    for number in range(16):
        (person.contests if number % 4 == 1 else person.breach)()
    owed = _read(world, person, Person.obligations)
    assert [each.merchant_name for each in owed] == [f"Shop {number}" for number in reversed(range(16))]
    for number, each in zip(reversed(range(16)), owed, strict=True):
        merchant, dispute = each.decision.merchant_id, each.dispute
        if number % 4 == 1:
            assert dispute is not None
            assert (dispute.decision_id, dispute.status) == (each.decision.id, DisputeStatus.UNDER_REVIEW)
            assert (dispute.statement, dispute.response) == (f"Word to {merchant}", f"Word of {merchant}")
            assert each.contestable is None
        else:
            assert dispute is None
            # A breach can be contested for a fortnight of the partner's own time.
            assert each.contestable == (Contested.BREACH if number < 14 else None)


def test_the_newest_decisions_keep_their_merchants(world: World) -> None:
    person = Person(world)
    for _ in range(22):
        person.breach()
    found = _read(world, person, Person.decisions)
    assert [each.merchant_name for each in found] == [f"Shop {number}" for number in reversed(range(2, 22))]
    assert {each.decision.status for each in found} == {Status.BREACHED}
    assert _read(world, Person(world), Person.decisions) == ()


def test_a_consent_and_an_access_keep_their_merchants(world: World) -> None:
    person = Person(world)
    for _ in range(3):
        person.is_asked_about()
    given, seen = _read(world, person, Person.given), _read(world, person, Person.seen)
    assert [(each.merchant_name, each.now - world.clock()) for each in given] == [
        ("Shop 4", 4 * DAY),
        ("Shop 2", 2 * DAY),
        ("Shop 0", 0 * DAY),
    ]
    assert [(each.merchant_name, each.at.year, each.answered) for each in seen] == [
        ("Shop 4", 2031, {"tier": "GOOD"}),
        ("Shop 2", 2029, {"tier": "GOOD"}),
        ("Shop 0", 2027, {"tier": "GOOD"}),
    ]


def _read(world: World, person: Person, read: Callable[[Person, Session], tuple[Found, ...]]) -> tuple[Found, ...]:
    with world.database.read() as session:
        return read(person, session)
