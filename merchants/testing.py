"""The suite that every adapter passes, under each version of its policy. A test file inherits it:

class TestCarRental(AdapterContract):
    adapter = CarRental
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import FrozenInstanceError, fields, replace
from enum import StrEnum
from itertools import pairwise, product
from typing import Any, ClassVar

from gateway.domain.check_in_terms import CheckInTerms
from gateway.domain.decision import Status
from gateway.domain.errors import InvalidInput
from gateway.domain.event import Topic
from gateway.domain.money import MAX_MINOR, Money
from gateway.domain.outcome import Approval, Decline, Outcome, outcome_from_document
from gateway.domain.period import format_moment
from gateway.domain.terms import DepositTerms
from gateway.domain.tier import Tier
from merchants.contract import SAMPLE_NOW, MerchantAdapter, Person
from merchants.edge_asks import edge_asks
from merchants.merits import no_worse
from merchants.room import fitted
from merchants.wire import Notice

SCORED = tuple(tier for tier in Tier if tier is not Tier.UNSCORED)


class AdapterContract:
    """Golden cases, monotonicity, money conservation, bad input, and documents that say no more than they should."""

    adapter: ClassVar[type[MerchantAdapter[Any]]]

    def test_golden_cases_come_out_as_written(self) -> None:
        adapter = self.adapter()
        assert adapter.golden, "an adapter brings golden cases"
        answers = [(case, adapter.decide(case.ask, case.person, case.now)) for case in adapter.golden]
        differences = [case.difference(answer) for case, answer in answers]
        assert not any(differences), "\n".join(filter(None, differences))

    def test_every_rule_is_reached(self) -> None:
        for adapter in self._versions():
            hit = {adapter.decide(case.ask, case.person, case.now).ruling.rule_id for case in adapter.golden}
            hit |= {answer_rule for _, _, _, answer_rule in self._answers(adapter)}
            unused = {rule.id for table in adapter.policies for rule in table.rules} - hit
            assert not unused, f"no golden case and no sample ask reaches the rules {sorted(unused)}"

    def test_better_tier_never_gets_worse_answer(self) -> None:
        for adapter in self._versions():
            for ask in edge_asks(adapter):
                outcomes = [adapter.decide(ask, Person(tier, 0), SAMPLE_NOW).outcome for tier in SCORED]
                for tier, (lower, higher) in zip(SCORED, pairwise(outcomes), strict=False):
                    assert no_worse(higher, lower), f"{ask}: {tier} got {lower}, and the tier above it only {higher}"

    def test_for_want_of_room_a_better_tier_gets_no_worse_answer_and_none_passes_the_room(self) -> None:
        """With the room that is left, however little: a part is granted before nothing, in the terms of the trade."""
        parts = 0
        for adapter in self._versions():
            for ask in edge_asks(adapter):
                whole = adapter.requested(ask)
                for percent in (1, 30, 70, 99):
                    room, lower = whole.share(percent), None
                    for tier in SCORED:
                        person = Person(tier, 0)
                        full = adapter.decide(ask, person, SAMPLE_NOW)
                        outcome = fitted(adapter, ask, person, SAMPLE_NOW, full, room).outcome
                        if isinstance(outcome, Approval):
                            assert outcome.terms.exposed <= room, f"{ask}: {tier} was granted more than {room}"
                            assert no_worse(full.outcome, outcome), f"{ask}: less room got {tier} more"
                            parts += outcome != full.outcome
                        assert lower is None or no_worse(outcome, lower), f"{ask}: {tier} with {room} got {outcome}"
                        lower = outcome
        whole_only = all(adapter.refuses_part(ask) for ask in adapter.sample_asks())
        assert bool(parts) is not whole_only, "a merchant that takes a part is granted one where the room is short"

    def test_larger_ask_never_gets_larger_share(self) -> None:
        for adapter in self._versions():
            ladders: defaultdict[str, list[Any]] = defaultdict(list)
            for ask in edge_asks(adapter):
                ladders[_all_but_amount(adapter, ask)].append(ask)
            compared = 0
            for ladder in ladders.values():
                ladder.sort(key=lambda ask: adapter.divisible(ask).minor)
                for tier in Tier:
                    grants = [(adapter.divisible(ask).minor, _granted(adapter, ask, tier)) for ask in ladder]
                    for (asked, got), (asked_more, got_then) in pairwise(grants):
                        compared += asked < asked_more
                        # shares are rounded down to a minor unit, so the smaller ask may have lost up to one
                        assert got_then * asked < (got + 1) * asked_more, (
                            f"{tier}: {asked_more} got {got_then}, a larger share than {asked} got with {got}"
                        )
            assert compared, "sample_asks() must hold asks that differ in the amount alone"

    def test_money_is_conserved(self) -> None:
        for adapter in self._versions():
            for ask, _, outcome, _ in self._answers(adapter):
                if isinstance(outcome, Approval):
                    requested, exposed = adapter.requested(ask), outcome.terms.exposed
                    assert Money.zero(requested.currency) <= exposed <= requested, f"{ask} exposes {exposed}"
                    if isinstance(outcome.terms, DepositTerms | CheckInTerms):
                        assert outcome.terms.waived_amount + outcome.terms.deposit_due == adapter.divisible(ask)

    def test_less_than_asked_names_its_reasons(self) -> None:
        for adapter in self._versions():
            for ask, _, outcome, _ in self._answers(adapter):
                if isinstance(outcome, Approval) and outcome.terms.exposed < adapter.requested(ask):
                    assert outcome.reasons, f"{ask} got less than it asked for and no reason"
                unknown = set(outcome.reasons) - adapter.reason_codes
                assert not unknown, f"reasons {unknown} are neither in the policy nor in own_reasons"

    def test_every_decline_says_when_asking_again_can_help(self) -> None:
        for adapter in self._versions():
            people = [Person(tier, overdue) for tier in Tier for overdue in (0, 1)]
            for ask in edge_asks(adapter):
                for person in people:
                    outcome = adapter.decide(ask, person, SAMPLE_NOW).outcome
                    if isinstance(outcome, Decline):
                        assert outcome.retry_after is not None, f"{outcome.reasons}: the rule has no retry_after"

    def test_every_approval_ends(self) -> None:
        for adapter in self._versions():
            for ask, _, outcome, _ in self._answers(adapter):
                if isinstance(outcome, Approval):
                    due_at = outcome.terms.due_at
                    assert SAMPLE_NOW < outcome.valid_until <= due_at, f"{ask}: valid until {outcome.valid_until}"

    def test_overdue_is_never_approved(self) -> None:
        for adapter in self._versions():
            for ask in edge_asks(adapter):
                for tier in Tier:
                    outcome = adapter.decide(ask, Person(tier, 1), SAMPLE_NOW).outcome
                    assert isinstance(outcome, Decline), f"{ask}: {tier} with an open overdue obligation got {outcome}"

    def test_bad_money_is_refused_and_the_field_named(self) -> None:
        for adapter in self._versions():
            for field in adapter.ask_fields:
                for bad in _bad_money(adapter, field.name) if field.type is Money else ():
                    for ask in adapter.sample_asks()[:3]:
                        error = _refusal(adapter, replace(ask, **{field.name: bad}))
                        assert error is not None, f"{field.name} = {bad} was taken"
                        assert error.field, f"{field.name} = {bad} was refused without naming a field"
                        assert error.field[0] in {each.member for each in adapter.ask_fields}, error.field

    def test_documents_hold_no_more_than_the_answer(self) -> None:
        for adapter in self._versions():
            for _, person, outcome, _ in self._answers(adapter):
                document = outcome.document()
                assert outcome_from_document(json.loads(json.dumps(document))) == outcome
                assert set(document) == {"kind", *type(outcome).__dataclass_fields__}
                assert person.tier.value not in _leaves(document), "the answer tells the tier"

    def test_asks_survive_being_written_down(self) -> None:
        adapter = self.adapter()
        members = {field.member for field in adapter.ask_fields}
        for ask in adapter.sample_asks():
            document = adapter.ask_document(ask)
            assert set(document) == members
            assert adapter.ask_from_document(json.loads(json.dumps(document))) == ask

    def test_notices_lose_nothing_on_the_wire_and_add_nothing(self) -> None:
        adapter = self.adapter()
        for notice in _notices(adapter):
            rendered = adapter.render(notice)
            assert adapter.wire.read(rendered.body) == notice, "what was told cannot be read back"
            known = _known(adapter, notice)
            added = {leaf for leaf in _leaves(json.loads(rendered.body)) if leaf not in known}
            assert not added, f"a notice says more than it was given: {added}"
            assert adapter.render(notice) == rendered, "the same notice was told in two ways"

    def test_asks_cannot_be_changed(self) -> None:
        adapter = self.adapter()
        ask = adapter.sample_asks()[0]
        try:
            setattr(ask, adapter.ask_fields[0].name, None)
        except FrozenInstanceError:
            return
        raise AssertionError("an ask must be frozen")

    def _versions(self) -> Iterator[MerchantAdapter[Any]]:
        """The adapter, under each version of its policy in turn."""
        adapter = self.adapter()
        yield from map(adapter.under, adapter.policies)

    def _answers(self, adapter: MerchantAdapter[Any]) -> Iterator[tuple[Any, Person, Outcome, str]]:
        for ask in edge_asks(adapter):
            for tier in Tier:
                person = Person(tier, 0)
                answer = adapter.decide(ask, person, SAMPLE_NOW)
                yield ask, person, answer.outcome, answer.ruling.rule_id


def _granted(adapter: MerchantAdapter[Any], ask: Any, tier: Tier) -> int:
    """Minor units of the divisible amount that an approval grants, else 0."""
    outcome = adapter.decide(ask, Person(tier, 0), SAMPLE_NOW).outcome
    if not isinstance(outcome, Approval):
        return 0
    return (outcome.terms.waived_amount if isinstance(outcome.terms, CheckInTerms) else outcome.terms.exposed).minor


def _all_but_amount(adapter: MerchantAdapter[Any], ask: Any) -> str:
    """The ask without its amount, which is its first field of money."""
    amount = next(field.member for field in adapter.ask_fields if field.type is Money)
    return json.dumps({name: value for name, value in adapter.ask_document(ask).items() if name != amount})


def _notices(adapter: MerchantAdapter[Any]) -> Iterator[Notice]:
    amount = adapter.requested(adapter.ordinary.ask)
    for number, (topic, after) in enumerate(product(Topic, Status)):
        yield Notice(
            topic=topic,
            occurred_at=SAMPLE_NOW,
            event_id=f"evt_{number}",
            decision_id=f"dec_{number}",
            merchant_reference="订单 17",
            product=adapter.product,
            before=None if number % 2 else Status.APPROVED,
            after=after,
            exposed=amount if number % 3 else None,
            due_at=SAMPLE_NOW if number % 3 else None,
        )


def _known(adapter: MerchantAdapter[Any], notice: Notice) -> set[Any]:
    """All that may stand in a notice: its own values, the words for them, and nothing else."""
    values = {getattr(notice, field.name) for field in fields(notice)}
    said = {None, format_moment(SAMPLE_NOW), notice.merchant_reference, notice.event_id, notice.decision_id}
    said |= set(notice.exposed.document().values()) if notice.exposed else set()
    return said | {adapter.wire.words.get(value, value) for value in values if isinstance(value, StrEnum)}


def _bad_money(adapter: MerchantAdapter[Any], field: str) -> Iterator[Money]:
    currency = adapter.policy.currency
    yield Money(MAX_MINOR + 1, currency)
    yield Money(-1, currency)
    yield Money(10000, "USD" if currency != "USD" else "EUR")
    if field not in adapter.zero_allowed:
        yield Money.zero(currency)


def _refusal(adapter: MerchantAdapter[Any], ask: Any) -> InvalidInput | None:
    try:
        adapter.decide(ask, Person(Tier.EXCELLENT, 0), SAMPLE_NOW)
    except InvalidInput as error:
        return error
    return None


def _leaves(document: Any) -> set[Any]:
    if isinstance(document, dict):
        return set().union(*map(_leaves, document.values()))
    return set().union(*map(_leaves, document)) if isinstance(document, list) else {document}
