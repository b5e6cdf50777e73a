"""What holds for every built-in adapter whatever is asked, and in whatever currency its policy is written."""

import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.domain.check_in_terms import CheckInTerms
from gateway.domain.currency import EXPONENTS
from gateway.domain.money import Money
from gateway.domain.outcome import Approval, Decline, outcome_from_document
from gateway.domain.terms import DepositTerms, Terms
from gateway.domain.tier import Tier
from merchants.contract import Person
from merchants.merits import no_worse
from merchants.registry import discover
from tests.support.typed_asks import CURRENCIES, Adapter, amounts, asks, in_currency, moments, taken, with_amount

BUILT_IN = (
    *("bike_share", "car_rental", "hotel", "housing", "lender", "online_shop", "retail_store"),
    *("harbour_bikes", "lotus_hotels"),
)
ADAPTERS = {key: type(adapter) for key, adapter in discover(BUILT_IN).items()}
pytestmark = pytest.mark.parametrize("key", BUILT_IN)
steady = settings(max_examples=60, derandomize=True, database=None)
"""The same asks each time: a failure can be repeated, and the run takes as long as it took."""


@st.composite
def cases(draw: st.DrawFn, key: str) -> tuple[Adapter, Any, Any]:
    """An adapter in some currency, an ask that it takes, and when."""
    adapter, now = in_currency(ADAPTERS[key], draw(st.sampled_from(CURRENCIES))), draw(moments)
    ask = draw(asks(adapter, now))
    assume(taken(adapter, ask, now))
    return adapter, ask, now


def granted(terms: Terms) -> Money:
    """What is granted of the amount that may be divided: a deposit, a purchase, a limit."""
    return terms.waived_amount if isinstance(terms, CheckInTerms) else terms.exposed


def test_the_policies_are_in_their_currencies(key: str) -> None:
    for currency in CURRENCIES:
        adapter = in_currency(ADAPTERS[key], currency)
        caps = [rule.maximum for rule in adapter.policy.rules if rule.maximum is not None]
        assert {cap.currency for cap in caps} <= {adapter.policy.currency} == {currency}
        own = [rule.maximum for rule in ADAPTERS[key].policy.rules if rule.maximum is not None]
        assert len(set(caps)) == len(set(own)), "scaled to nothing, they would prove nothing"
    assert {EXPONENTS[currency] for currency in CURRENCIES} == {0, 2, 3, 4}


def test_a_better_tier_never_gets_a_worse_answer(key: str) -> None:
    @steady
    @given(cases(key))
    def holds(case: tuple[Adapter, Any, Any]) -> None:
        adapter, ask, now = case
        lower = None
        for tier in Tier:
            outcome = adapter.decide(ask, Person(tier, 0), now).outcome
            assert lower is None or no_worse(outcome, lower), f"{tier}: {outcome}, and below it {lower}"
            lower = outcome
        assert isinstance(adapter.decide(ask, Person(Tier.EXCELLENT, 1), now).outcome, Decline)

    holds()


def test_a_larger_ask_never_gets_a_larger_share(key: str) -> None:
    @steady
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        adapter, ask, now = data.draw(cases(key))
        other = with_amount(adapter, ask, data.draw(amounts(adapter)))
        assume(taken(adapter, other, now))
        small, large = sorted((ask, other), key=lambda each: adapter.divisible(each).minor)
        for tier in Tier:
            (asked, got), (asked_more, got_then) = (_share(adapter, each, tier, now) for each in (small, large))
            # shares are rounded down to a minor unit, so the smaller ask may have lost up to one
            assert got_then * asked < (got + 1) * asked_more or asked == asked_more, (tier, small, large)

    holds()


def _share(adapter: Adapter, ask: Any, tier: Tier, now: Any) -> tuple[int, int]:
    outcome = adapter.decide(ask, Person(tier, 0), now).outcome
    return adapter.divisible(ask).minor, granted(outcome.terms).minor if isinstance(outcome, Approval) else 0


def test_money_is_conserved_to_the_minor_unit_and_nothing_is_lost_in_writing(key: str) -> None:
    @steady
    @given(cases(key))
    def holds(case: tuple[Adapter, Any, Any]) -> None:
        adapter, ask, now = case
        assert adapter.ask_from_document(json.loads(json.dumps(adapter.ask_document(ask)))) == ask
        answers = [adapter.decide(ask, Person(tier, 0), now) for tier in Tier]
        answers += [adapter.reviewed(ask, rule, now) for rule in adapter.policies.at(now).approving]
        requested, divisible = adapter.requested(ask), adapter.divisible(ask)
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
