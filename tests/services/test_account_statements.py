"""What the account page reads takes as many statements for many as for one, and keeps together what belongs so."""

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import TypeVar

import pytest

from gateway.domain.consents.authorization_detail import AuthorizationDetail
from gateway.domain.consents.consent import Consent
from gateway.domain.decisions.dispute import Contested, DisputeStatus
from gateway.domain.decisions.transitions import BreachKind, Status
from gateway.kit.clock import WallTime
from gateway.services.access_log import LoggedAccess
from gateway.services.consents.service import ConsentOverview
from gateway.services.decisions.disputes import RespondCommand
from gateway.services.decisions.obligations import Obligation, PastDecision
from gateway.services.decisions.transitions import BreachCommand
from gateway.store.unit import UnitOfWork
from tests.support.demo_world import DemoWorld
from tests.support.factories import make_client, make_consent, make_decision, make_merchant, make_partner, make_user
from tests.support.statements import statements
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql

Found = TypeVar("Found")
DAY = timedelta(days=1)
SCORE = AuthorizationDetail("score", level="tier", purpose="CAR_RENTAL", duration=90 * DAY)


class Person:
    """Somebody with consents to merchants of as many partners, "Shop 0" and on, whose clocks are a day apart."""

    def __init__(self, world: DemoWorld) -> None:
        self._world, self._numbers = world, count()
        with writing(world.database) as unit:
            self.id = make_user(unit)

    def consent(self, unit: UnitOfWork) -> Consent:
        number = next(self._numbers)
        partner = make_partner(unit, clock_offset_seconds=number * 24 * 3600)
        client = make_client(unit, make_merchant(unit, partner, name=f"Shop {number}"))
        return make_consent(unit, client, self.id, details=(SCORE,))

    def consents(self) -> None:
        with writing(self._world.database) as unit:
            self.consent(unit)

    def breach(self) -> Consent:
        """A promise that was not kept."""
        now = self._world.clock()
        with writing(self._world.database) as unit:
            consent = self.consent(unit)
            broken = {"breached_at": now, "breach_kind": BreachKind.NOT_PAID, "activated_at": now}
            self.newest = make_decision(unit, consent, status=Status.BREACHED, **broken)
        return consent

    def contests(self) -> None:
        """Contests an overdue mark, takes that back, contests the breach that follows, and the merchant refuses."""
        disputes, now = self._world.disputes, self._world.clock()
        with writing(self._world.database) as unit:
            consent = self.consent(unit)
            late = {"overdue_at": now, "activated_at": now}
            self.newest = make_decision(unit, consent, status=Status.ACTIVE, **late)
        disputes.withdraw(self.id, disputes.open(self.id, self.newest, "A first word").id)
        token = self._world.merchant_token(consent.client_id)
        self._world.transitions.report_breach(token, BreachCommand(self.newest, "b", BreachKind.NOT_PAID))
        again = disputes.open(self.id, self.newest, f"Word to {consent.merchant_id}")
        disputes.respond(token, RespondCommand(again.id, "r", False, f"Word of {consent.merchant_id}"))

    def is_asked_about(self) -> None:
        """In another year each time, so that each entry is sealed with a key of its own."""
        with writing(self._world.database) as unit:
            consent = self.consent(unit)
        token, wall = self._world.acting(consent), self._world.clock()
        self._world.clock.now = WallTime(wall.replace(year=wall.year + next(self._numbers)))
        with writing(self._world.database) as unit:
            self._world.access_log.record(unit, token, "SCORE_TIER", "CAR_RENTAL", {"tier": "GOOD"})
        self._world.clock.now = wall

    def obligations(self, unit: UnitOfWork) -> tuple[Obligation, ...]:
        return self._world.obligations.list_obligations(unit, self.id)

    def decisions(self, unit: UnitOfWork) -> tuple[PastDecision, ...]:
        return self._world.obligations.list_history(unit, self.id, 20)

    def given(self, unit: UnitOfWork) -> tuple[ConsentOverview, ...]:
        return self._world.consents.list_of_user(unit, self.id)

    def seen(self, unit: UnitOfWork) -> tuple[LoggedAccess, ...]:
        return self._world.access_log.list_of_user(unit, self.id)


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
    world: DemoWorld, happens: Callable[[Person], object], read: Callable[[Person, UnitOfWork], tuple[object, ...]]
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


def test_an_agreement_keeps_its_merchant_its_time_and_its_newest_dispute(world: DemoWorld) -> None:
    person = Person(world)
    for number in range(16):
        (person.contests if number % 4 == 1 else person.breach)()
    owed = _read(world, person, Person.obligations)
    assert [each.merchant_name for each in owed] == [f"Shop {number}" for number in reversed(range(16))]
    for number, each in zip(reversed(range(16)), owed, strict=True):
        merchant, dispute = each.state.merchant_id, each.dispute
        if number % 4 == 1:
            assert dispute is not None
            assert (dispute.decision_id, dispute.status) == (each.state.id, DisputeStatus.UNDER_REVIEW)
            assert (dispute.statement, dispute.response) == (f"Word to {merchant}", f"Word of {merchant}")
            assert each.contestable is None
        else:
            assert dispute is None
            # A breach can be contested for a fortnight of the partner's own time.
            assert each.contestable == (Contested.BREACH if number < 14 else None)


def test_the_newest_decisions_keep_their_merchants(world: DemoWorld) -> None:
    person = Person(world)
    for _ in range(22):
        person.breach()
    found = _read(world, person, Person.decisions)
    assert [each.merchant_name for each in found] == [f"Shop {number}" for number in reversed(range(2, 22))]
    assert {each.decision.status for each in found} == {Status.BREACHED}
    assert _read(world, Person(world), Person.decisions) == ()


def test_a_consent_and_an_access_keep_their_merchants(world: DemoWorld) -> None:
    person = Person(world)
    for _ in range(3):
        person.is_asked_about()
    given, seen = _read(world, person, Person.given), _read(world, person, Person.seen)
    assert [(each.merchant_name, each.now - world.now) for each in given] == [
        ("Shop 4", 4 * DAY),
        ("Shop 2", 2 * DAY),
        ("Shop 0", 0 * DAY),
    ]
    assert [(each.merchant_name, each.at.year, each.answered) for each in seen] == [
        ("Shop 4", 2031, {"tier": "GOOD"}),
        ("Shop 2", 2029, {"tier": "GOOD"}),
        ("Shop 0", 2027, {"tier": "GOOD"}),
    ]


def _read(
    world: DemoWorld, person: Person, read: Callable[[Person, UnitOfWork], tuple[Found, ...]]
) -> tuple[Found, ...]:
    with reading(world.database) as unit:
        return read(person, unit)
