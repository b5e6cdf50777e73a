"""What holds for every built-in adapter whatever is asked, and in whatever currency its policy is written."""

import json
from datetime import datetime
from itertools import combinations
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.domain.currency import EXPONENTS
from gateway.domain.decisions.check_in import CheckInTerms
from gateway.domain.decisions.exposure import LIMIT_REACHED
from gateway.domain.decisions.outcome import Approval, Decline, outcome_from_document
from gateway.domain.decisions.terms import DepositTerms, Terms
from gateway.domain.money import Money
from gateway.domain.scoring.tier import Tier
from merchants.adapter import Person
from merchants.available_limit import fit_to_available_limit
from merchants.outcome_order import is_no_worse
from merchants.registry import discover
from tests.support.typed_asks import CURRENCIES, Adapter, amounts, asks, in_currency, moments, taken, with_amount

BUILT_IN = (
    *("bike_share", "car_rental", "hotel", "housing", "lender", "online_shop", "retail_store"),
    *("harbour_bikes", "lotus_hotels"),
)
ADAPTERS = {key: type(adapter) for key, adapter in discover(BUILT_IN).items()}
CASES = [pytest.param(key, currency, id=f"{key} {currency}") for key in BUILT_IN for currency in CURRENCIES]
steady = settings(max_examples=12, derandomize=True, database=None)
"""The same asks each time: a failure can be repeated, and the run takes as long as it took."""


@st.composite
def cases(draw: st.DrawFn, adapter: Adapter) -> tuple[Any, datetime]:
    """An ask that the adapter takes, and when."""
    now = draw(moments)
    ask = draw(asks(adapter, now))
    assume(taken(adapter, ask, now))
    return ask, now


def granted(terms: Terms) -> Money:
    """What is granted of the amount that may be divided: a deposit, a purchase, a limit."""
    return terms.waived_amount if isinstance(terms, CheckInTerms) else terms.exposed


@pytest.mark.parametrize("key", BUILT_IN)
def test_the_policies_are_in_their_currencies(key: str) -> None:
    for currency in CURRENCIES:
        adapter = in_currency(ADAPTERS[key], currency)
        caps = [rule.maximum for rule in adapter.policy.rules if rule.maximum is not None]
        assert {cap.currency for cap in caps} <= {adapter.policy.currency} == {currency}
        own = [rule.maximum for rule in ADAPTERS[key].policy.rules if rule.maximum is not None]
        assert len(set(caps)) == len(set(own)), "scaled to nothing, they would prove nothing"
    assert {EXPONENTS[currency] for currency in CURRENCIES} == {0, 2, 3, 4}


@pytest.mark.parametrize(("key", "currency"), CASES)
def test_a_better_tier_never_gets_a_worse_answer(key: str, currency: str) -> None:
    adapter = in_currency(ADAPTERS[key], currency)

    @steady
    @given(cases(adapter))
    def holds(case: tuple[Any, datetime]) -> None:
        ask, now = case
        lower = None
        for tier in Tier:
            outcome = adapter.decide(ask, Person(tier, 0), now).outcome
            assert lower is None or is_no_worse(outcome, lower), f"{tier}: {outcome}, and below it {lower}"
            lower = outcome
        assert isinstance(adapter.decide(ask, Person(Tier.EXCELLENT, 1), now).outcome, Decline)

    holds()


@pytest.mark.parametrize(("key", "currency"), CASES)
def test_a_larger_ask_never_gets_a_larger_share(key: str, currency: str) -> None:
    adapter = in_currency(ADAPTERS[key], currency)

    @steady
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        ask, now = data.draw(cases(adapter))
        others = data.draw(st.lists(amounts(adapter), min_size=6, max_size=6))
        asked = [ask, *(with_amount(adapter, ask, minor) for minor in others)]
        ladder = [each for each in asked if taken(adapter, each, now)]
        for tier in Tier:
            shares = sorted({_share(adapter, each, tier, now) for each in ladder})
            for (amount, got), (more, got_then) in combinations(shares, 2):
                # shares are rounded down to a minor unit, so the smaller ask may have lost up to one
                assert got_then * amount < (got + 1) * more, (
                    f"{tier}: {more} got {got_then}, {amount} only {got}: {ask}"
                )

    holds()


def _share(adapter: Adapter, ask: Any, tier: Tier, now: datetime) -> tuple[int, int]:
    outcome = adapter.decide(ask, Person(tier, 0), now).outcome
    return adapter.divisible_amount(ask).minor, granted(outcome.terms).minor if isinstance(outcome, Approval) else 0


@pytest.mark.parametrize(("key", "currency"), CASES)
def test_money_is_conserved_to_the_minor_unit_and_nothing_is_lost_in_writing(key: str, currency: str) -> None:
    adapter = in_currency(ADAPTERS[key], currency)

    @steady
    @given(cases(adapter))
    def holds(case: tuple[Any, datetime]) -> None:
        ask, now = case
        assert adapter.ask_from_document(json.loads(json.dumps(adapter.ask_document(ask)))) == ask
        answers = [adapter.decide(ask, Person(tier, 0), now) for tier in Tier]
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
            assert granted(terms) == divisible or outcome.reasons, "less than was asked, and nobody says why"
            assert outcome_from_document(json.loads(json.dumps(outcome.document()))) == outcome

    holds()


@pytest.mark.parametrize(("key", "currency"), CASES)
def test_a_short_line_grants_a_part_and_never_a_worse_tier_or_less_room_more(key: str, currency: str) -> None:
    adapter = in_currency(ADAPTERS[key], currency)

    @steady
    @given(cases(adapter), st.lists(st.integers(0, 100), min_size=2, max_size=4))
    def holds(case: tuple[Any, datetime], percents: list[int]) -> None:
        ask, now = case
        whole, lower = adapter.requested_amount(ask), None
        rooms = [whole.share(percent) for percent in sorted(percents)]
        for tier in Tier:
            person, less = Person(tier, 0), None
            full = adapter.decide(ask, person, now)
            for room in rooms:
                outcome = fit_to_available_limit(adapter, ask, person, now, full, room).outcome
                if isinstance(outcome, Approval):
                    assert outcome.terms.exposed <= room
                    cut = outcome.terms != full.outcome.terms if isinstance(full.outcome, Approval) else True
                    assert not cut or LIMIT_REACHED in outcome.reasons
                assert is_no_worse(full.outcome, outcome), f"{tier} with {room}: {outcome}"
                assert less is None or is_no_worse(outcome, less), (
                    f"{tier}: {outcome} with {room}, and with less {less}"
                )
                less = outcome
            assert lower is None or is_no_worse(full.outcome, lower)
            lower = less

    holds()
