"""Reads of the account page: the number of statements is constant, and each row is joined with its own merchant."""

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import TypeVar

import pytest

from gateway.domain.consents.authorization_detail import AuthorizationDetail
from gateway.domain.consents.consent import Consent
from gateway.domain.decisions.dispute import Contested, DisputeStatus
from gateway.domain.decisions.transitions import BreachKind, Status
from gateway.domain.notices.notice import NoticeKind
from gateway.kit.clock import BusinessTime, WallTime
from gateway.services.access_log import LoggedAccess
from gateway.services.consents.service import ConsentOverview
from gateway.services.decisions.disputes import RespondCommand
from gateway.services.decisions.obligations import Obligation, PastDecision
from gateway.services.decisions.transitions import BreachCommand
from gateway.services.notices.inbox import NamedNotice
from gateway.store.unit import UnitOfWork
from tests.support.demo_world import DemoWorld
from tests.support.factories import make_client, make_consent, make_decision, make_merchant, make_partner, make_user
from tests.support.statements import statements
from tests.support.units import reading, writing

Row = TypeVar("Row")
DAY = timedelta(days=1)
SCORE = AuthorizationDetail("score", level="tier", purpose="CAR_RENTAL", duration=90 * DAY)


class Person:
    """A person with consents to "Shop 0", "Shop 1" and so on, each of its own partner. The business time of partner
    number n is n days ahead of wall time."""

    def __init__(self, world: DemoWorld) -> None:
        self._world, self._numbers = world, count()
        with writing(world.database) as unit:
            self.id = make_user(unit)

    def consent(self, unit: UnitOfWork) -> Consent:
        number = next(self._numbers)
        partner = make_partner(unit, clock_offset_seconds=number * 24 * 3600)
        client = make_client(unit, make_merchant(unit, partner, name=f"Shop {number}"))
        return make_consent(unit, client, self.id, details=(SCORE,))

    def add_consent(self) -> None:
        with writing(self._world.database) as unit:
            self.consent(unit)

    def breach(self) -> Consent:
        """Adds a consent with a breached decision."""
        now = self._world.clock()
        with writing(self._world.database) as unit:
            consent = self.consent(unit)
            broken = {"breached_at": now, "breach_kind": BreachKind.NOT_PAID, "activated_at": now}
            self.newest = make_decision(unit, consent, status=Status.BREACHED, **broken)
        return consent

    def report(self) -> None:
        """Adds a breached decision, and the notice about it."""
        consent = self.breach()
        with writing(self._world.database) as unit:
            unit.notices.add(
                self.id,
                NoticeKind.BREACH_REPORTED,
                merchant_id=consent.merchant_id,
                subject_id=self.newest,
                business_at=BusinessTime(self._world.clock()),
            )

    def contest(self) -> None:
        """Contests an overdue flag, withdraws the dispute, and contests a later breach. The merchant refuses."""
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

    def add_access(self) -> None:
        """Adds an access in another year each time, so that each entry is sealed with another key."""
        with writing(self._world.database) as unit:
            consent = self.consent(unit)
        token, wall = self._world.user_token(consent), self._world.clock()
        self._world.clock.now = WallTime(wall.replace(year=wall.year + next(self._numbers)))
        with writing(self._world.database) as unit:
            self._world.access_log.record(unit, token, "SCORE_TIER", "CAR_RENTAL", {"tier": "GOOD"})
        self._world.clock.now = wall

    def obligations(self, unit: UnitOfWork) -> tuple[Obligation, ...]:
        return self._world.obligations.list_obligations(unit, self.id)

    def decisions(self, unit: UnitOfWork) -> tuple[PastDecision, ...]:
        return self._world.obligations.list_history(unit, self.id).decisions

    def notices(self, unit: UnitOfWork) -> tuple[NamedNotice, ...]:
        return self._world.container.inbox.list_page(unit, self.id).notices

    def consents(self, unit: UnitOfWork) -> tuple[ConsentOverview, ...]:
        return self._world.consents.list_of_user(unit, self.id)

    def accesses(self, unit: UnitOfWork) -> tuple[LoggedAccess, ...]:
        return tuple(group.newest for group in self._world.access_log.list_groups(unit, self.id))


@pytest.mark.parametrize(
    ("add", "read"),
    [
        pytest.param(Person.breach, Person.obligations, id="obligations"),
        pytest.param(Person.contest, Person.obligations, id="contested-obligations"),
        pytest.param(Person.breach, Person.decisions, id="decisions"),
        pytest.param(Person.report, Person.notices, id="notices"),
        pytest.param(Person.add_consent, Person.consents, id="consents"),
        pytest.param(Person.add_access, Person.accesses, id="accesses"),
    ],
)
def test_number_of_statements_does_not_depend_on_number_of_rows(
    world: DemoWorld, add: Callable[[Person], object], read: Callable[[Person, UnitOfWork], tuple[object, ...]]
) -> None:
    person, statements_by_size = Person(world), {}
    for size in (1, 12):
        while (rows := len(_read(world, person, read))) < size:
            add(person)
        assert rows == size
        with statements(world.database) as sent:
            _read(world, person, read)
        statements_by_size[size] = sent
    assert len(statements_by_size[12]) == len(statements_by_size[1]), statements_by_size[12]


def test_obligation_has_its_merchant_business_time_and_newest_dispute(world: DemoWorld) -> None:
    person = Person(world)
    for number in range(16):
        (person.contest if number % 4 == 1 else person.breach)()
    obligations = _read(world, person, Person.obligations)
    assert [each.merchant_name for each in obligations] == [f"Shop {number}" for number in reversed(range(16))]
    for number, each in zip(reversed(range(16)), obligations, strict=True):
        merchant, dispute = each.state.merchant_id, each.dispute
        if number % 4 == 1:
            assert dispute is not None
            assert (dispute.decision_id, dispute.status) == (each.state.id, DisputeStatus.UNDER_REVIEW)
            assert (dispute.statement, dispute.response) == (f"Word to {merchant}", f"Word of {merchant}")
            assert each.contestable is None
        else:
            assert dispute is None
            # A breach can be contested for 14 days of the partner's business time.
            assert each.contestable == (Contested.BREACH if number < 14 else None)


def test_newest_decisions_have_their_merchants(world: DemoWorld) -> None:
    person = Person(world)
    for _ in range(22):
        person.breach()
    decisions = _read(world, person, Person.decisions)
    assert [each.merchant_name for each in decisions] == [f"Shop {number}" for number in reversed(range(2, 22))]
    assert {each.decision.status for each in decisions} == {Status.BREACHED}
    assert _read(world, Person(world), Person.decisions) == ()


def test_consents_and_accesses_have_their_merchants(world: DemoWorld) -> None:
    person = Person(world)
    for _ in range(3):
        person.add_access()
    consents, accesses = _read(world, person, Person.consents), _read(world, person, Person.accesses)
    assert [(each.merchant_name, each.now - world.now) for each in consents] == [
        ("Shop 4", 4 * DAY),
        ("Shop 2", 2 * DAY),
        ("Shop 0", 0 * DAY),
    ]
    assert [(each.merchant_name, each.at.year, each.answered) for each in accesses] == [
        ("Shop 4", 2031, {"tier": "GOOD"}),
        ("Shop 2", 2029, {"tier": "GOOD"}),
        ("Shop 0", 2027, {"tier": "GOOD"}),
    ]


def _read(world: DemoWorld, person: Person, read: Callable[[Person, UnitOfWork], tuple[Row, ...]]) -> tuple[Row, ...]:
    with reading(world.database) as unit:
        return read(person, unit)
