"""Properties of every built-in adapter, with random asks, and with its policy in several currencies."""

import json
from dataclasses import replace
from datetime import datetime
from itertools import combinations
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.domain.currency import EXPONENTS
from gateway.domain.decisions.check_in import CheckInTerms
from gateway.domain.decisions.exposure import LIMIT_REACHED, CreditLimits
from gateway.domain.decisions.outcome import Approval, Decline, Outcome, outcome_from_document
from gateway.domain.decisions.terms import DepositTerms, Terms
from gateway.domain.money import Money
from gateway.domain.scoring.tier import Tier
from gateway.settings.decisions import DecisionSettings
from merchants.adapter import Person
from merchants.available_limit import fit_to_available_limit
from merchants.outcome_order import is_no_worse
from merchants.registry import discover
from tests.support.typed_asks import CURRENCIES, Adapter, amounts, asks, in_currency, is_valid, moments, with_amount

BUILT_IN = (
    *("bike_share", "car_rental", "hotel", "housing", "lender", "online_shop", "retail_store"),
    *("harbour_bikes", "lotus_hotels"),
)
ADAPTERS = {key: type(adapter) for key, adapter in discover(BUILT_IN).items()}
CASES = [pytest.param(key, currency, id=f"{key} {currency}") for key in BUILT_IN for currency in CURRENCIES]
PERSONS = tuple(Person(tier, 0) for tier in Tier)
"""A person of each tier who is no starter, lowest tier first."""
WITH_STARTERS = (*(replace(person, starter=True) for person in PERSONS[:2]), *PERSONS[2:])
"""A starter of UNSCORED and of BUILDING, and a person of each better tier."""
LIMITS = CreditLimits.parse(DecisionSettings.model_fields["credit_limits"].default)
steady = settings(max_examples=12, derandomize=True, database=None)
"""The same asks in each run, so that failures can be repeated and the duration is constant."""


@st.composite
def cases(draw: st.DrawFn, adapter: Adapter) -> tuple[Any, datetime]:
    """An ask that the adapter accepts, and the time of the ask."""
    now = draw(moments)
    ask = draw(asks(adapter, now))
    assume(is_valid(adapter, ask, now))
    return ask, now


def granted(terms: Terms) -> Money:
    """The granted part of the divisible amount: a deposit, a purchase or a limit."""
    return terms.waived_amount if isinstance(terms, CheckInTerms) else terms.exposed


@pytest.mark.parametrize("key", BUILT_IN)
def test_policies_are_converted_to_each_currency(key: str) -> None:
    for currency in CURRENCIES:
        adapter = in_currency(ADAPTERS[key], currency)
        caps = [rule.maximum for rule in adapter.policy.rules if rule.maximum is not None]
        assert {cap.currency for cap in caps} <= {adapter.policy.currency} == {currency}
        own = [rule.maximum for rule in ADAPTERS[key].policy.rules if rule.maximum is not None]
        assert len(set(caps)) == len(set(own)), "maxima that are scaled to zero test nothing"
    assert {EXPONENTS[currency] for currency in CURRENCIES} == {0, 2, 3, 4}


@pytest.mark.parametrize(("key", "currency"), CASES)
def test_better_tier_never_gets_worse_outcome(key: str, currency: str) -> None:
    adapter = in_currency(ADAPTERS[key], currency)

    @steady
    @given(cases(adapter))
    def holds(case: tuple[Any, datetime]) -> None:
        ask, now = case
        for persons in (PERSONS, WITH_STARTERS):
            lower = None
            for person in persons:
                outcome = adapter.decide(ask, person, now).outcome
                assert lower is None or is_no_worse(outcome, lower), f"{person}: {outcome}, but the one below: {lower}"
                lower = outcome
        assert isinstance(adapter.decide(ask, Person(Tier.EXCELLENT, 1), now).outcome, Decline)

    holds()


@pytest.mark.parametrize("key", BUILT_IN)
def test_starter_gets_no_more_than_a_better_tier_within_the_credit_limits(key: str) -> None:
    """As a whole decision: the policy, and the credit limit of the person's tier without any exposure."""
    adapter = in_currency(ADAPTERS[key], "CNY")

    @steady
    @given(cases(adapter))
    def holds(case: tuple[Any, datetime]) -> None:
        ask, now = case

        def decide(person: Person) -> Outcome:
            limit = LIMITS.limit(person.tier, "CNY")
            return fit_to_available_limit(adapter, ask, person, now, adapter.decide(ask, person, now), limit).outcome

        for starter in WITH_STARTERS[:2]:
            outcome = decide(starter)
            assert is_no_worse(outcome, decide(replace(starter, starter=False)))
            if isinstance(outcome, Approval):
                assert outcome.terms.exposed <= Money(20_000, "CNY")
            for person in WITH_STARTERS:
                if person.tier.rank > starter.tier.rank:
                    assert is_no_worse(decide(person), outcome), f"{person}: {decide(person)}, but a starter: {outcome}"

    holds()


@pytest.mark.parametrize(("key", "currency"), CASES)
def test_larger_ask_never_gets_larger_share(key: str, currency: str) -> None:
    adapter = in_currency(ADAPTERS[key], currency)

    @steady
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        ask, now = data.draw(cases(adapter))
        others = data.draw(st.lists(amounts(adapter), min_size=6, max_size=6))
        asked = [ask, *(with_amount(adapter, ask, minor) for minor in others)]
        ladder = [each for each in asked if is_valid(adapter, each, now)]
        for person in {*PERSONS, *WITH_STARTERS}:
            shares = sorted({_share(adapter, each, person, now) for each in ladder})
            for (amount, share), (larger_amount, larger_share) in combinations(shares, 2):
                # shares are rounded down, so the smaller ask may have lost up to one minor unit
                assert larger_share * amount < (share + 1) * larger_amount, (
                    f"{person}: {larger_amount} got {larger_share}, {amount} only {share}: {ask}"
                )

    holds()


def _share(adapter: Adapter, ask: Any, person: Person, now: datetime) -> tuple[int, int]:
    outcome = adapter.decide(ask, person, now).outcome
    return adapter.divisible_amount(ask).minor, granted(outcome.terms).minor if isinstance(outcome, Approval) else 0


@pytest.mark.parametrize(("key", "currency"), CASES)
def test_amounts_add_up_and_documents_can_be_read_back(key: str, currency: str) -> None:
    adapter = in_currency(ADAPTERS[key], currency)

    @steady
    @given(cases(adapter))
    def holds(case: tuple[Any, datetime]) -> None:
        ask, now = case
        assert adapter.ask_from_document(json.loads(json.dumps(adapter.ask_document(ask)))) == ask
        answers = [adapter.decide(ask, person, now) for person in (*PERSONS, *WITH_STARTERS)]
        answers += [adapter.manual_approval(ask, rule, now) for rule in adapter.policies.at(now).approving_rules]
        requested, divisible = adapter.requested_amount(ask), adapter.divisible_amount(ask)
        for outcome in (answer.outcome for answer in answers):
            if not isinstance(outcome, Approval):
                continue
            terms = outcome.terms
            assert Money.zero(requested.currency) <= terms.exposed <= requested
            assert granted(terms) <= divisible
            assert now < outcome.valid_until <= terms.due_at
            if isinstance(terms, DepositTerms | CheckInTerms):
                assert terms.waived_amount + terms.deposit_due == divisible
                assert terms.deposit_due.minor >= 0
            assert granted(terms) == divisible or outcome.reasons, "a reduced approval without a reason"
            assert outcome_from_document(json.loads(json.dumps(outcome.document()))) == outcome

    holds()


@pytest.mark.parametrize(("key", "currency"), CASES)
def test_smaller_available_limit_or_lower_tier_never_gets_more(key: str, currency: str) -> None:
    adapter = in_currency(ADAPTERS[key], currency)

    @steady
    @given(cases(adapter), st.lists(st.integers(0, 100), min_size=2, max_size=4))
    def holds(case: tuple[Any, datetime], percents: list[int]) -> None:
        ask, now = case
        whole, lower = adapter.requested_amount(ask), None
        limits = [whole.share(percent) for percent in sorted(percents)]
        for tier in Tier:
            person, smaller = Person(tier, 0), None
            full = adapter.decide(ask, person, now)
            for limit in limits:
                outcome = fit_to_available_limit(adapter, ask, person, now, full, limit).outcome
                if isinstance(outcome, Approval):
                    assert outcome.terms.exposed <= limit
                    reduced = outcome.terms != full.outcome.terms if isinstance(full.outcome, Approval) else True
                    assert not reduced or LIMIT_REACHED in outcome.reasons
                assert is_no_worse(full.outcome, outcome), f"{tier} with {limit}: {outcome}"
                assert smaller is None or is_no_worse(outcome, smaller), (
                    f"{tier}: {outcome} with {limit}, but with a smaller limit {smaller}"
                )
                smaller = outcome
            assert lower is None or is_no_worse(full.outcome, lower)
            lower = smaller

    holds()
