"""Terms and outcomes: invalid ones are refused, valid ones round-trip through their documents."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.decisions.check_in import CheckInTerms
from gateway.domain.decisions.credit_offer import CreditOfferTerms
from gateway.domain.decisions.outcome import Approval, Decline, ManualReview, Outcome, outcome_from_document
from gateway.domain.decisions.terms import DepositTerms, PayLaterTerms, Terms, terms_from_document
from gateway.domain.merchants import Product
from gateway.domain.money import Money
from gateway.domain.period import Period

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def deposit(original: int = 300000, waived: int = 210000, due: int = 90000) -> DepositTerms:
    return DepositTerms(Money(original, "CNY"), Money(waived, "CNY"), Money(due, "CNY"), NOON, DAY)


def check_in(**changed: Any) -> CheckInTerms:
    usual = CheckInTerms(
        stay=Period(NOON - 2 * DAY, NOON),
        room_charge=Money(120000, "CNY"),
        waived_amount=Money(80000, "CNY"),
        deposit_due=Money(0, "CNY"),
        incidentals_limit=Money(80000, "CNY"),
        skip_front_desk=True,
        pay_at_check_out=True,
        grace_period=DAY,
    )
    return replace(usual, **changed)


def credit(**changed: Any) -> CreditOfferTerms:
    usual = CreditOfferTerms(
        limit=Money(1000000, "CNY"),
        base_apr_percent=Decimal("12.00"),
        apr_percent=Decimal("10.50"),
        discount_percent=Decimal("1.50"),
        term=365 * DAY,
        due_at=NOON,
        grace_period=3 * DAY,
    )
    return replace(usual, **changed)


PAY_LATER = PayLaterTerms(Money(50000, "CNY"), NOON, 3 * DAY)
EVERY_KIND = [deposit(), PAY_LATER, check_in(), credit()]
RATES = st.decimals(min_value=0, max_value=100, places=2)


@given(st.integers(0, 10**12), st.integers(0, 100))
def test_parts_of_a_deposit_add_up(original: int, percent: int) -> None:
    whole = Money(original, "CNY")
    waived = whole.share(percent)
    terms = DepositTerms(whole, waived, whole - waived, NOON, timedelta(0))
    assert terms.exposed + terms.deposit_due == whole
    assert terms_from_document(terms.document()) == terms


@pytest.mark.parametrize(("original", "waived", "due"), [(100, 50, 49), (100, 51, 50), (100, 101, -1), (100, -1, 101)])
def test_parts_that_do_not_add_up_are_refused(original: int, waived: int, due: int) -> None:
    with pytest.raises(ValueError, match=r"add up|negative"):
        deposit(original, waived, due)


def test_invalid_deposit_and_pay_later_terms_are_refused() -> None:
    with pytest.raises(ValueError, match="do not mix"):
        DepositTerms(Money(2, "CNY"), Money(1, "CNY"), Money(1, "USD"), NOON, DAY)
    with pytest.raises(ValueError, match="more than zero"):
        PayLaterTerms(Money(0, "CNY"), NOON, DAY)
    with pytest.raises(ValueError, match="grace"):
        PayLaterTerms(Money(1, "CNY"), NOON, -DAY)
    with pytest.raises(ValueError, match="grace"):
        DepositTerms(Money(1, "CNY"), Money(1, "CNY"), Money(0, "CNY"), NOON, -DAY)


@pytest.mark.parametrize("terms", EVERY_KIND, ids=lambda terms: type(terms).__name__)
def test_terms_round_trip(terms: Terms) -> None:
    assert terms_from_document(json.loads(json.dumps(terms.document()))) == terms
    assert terms.due_at == NOON
    assert terms.exposed >= Money.zero("CNY")
    assert terms.grace >= timedelta(0)


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.integers(0, 100), st.booleans())
def test_stay_exposes_the_waived_part_and_the_unpaid_price(room: int, whole: int, percent: int, later: bool) -> None:
    waived = Money(whole, "CNY").share(percent)
    due = Money(whole, "CNY") - waived
    terms = check_in(
        room_charge=Money(room, "CNY"),
        waived_amount=waived,
        deposit_due=due,
        incidentals_limit=waived,
        skip_front_desk=later and not due.minor,
        pay_at_check_out=later,
    )
    assert terms.exposed + due == Money(whole + (room if later else 0), "CNY")
    assert terms_from_document(json.loads(json.dumps(terms.document()))) == terms


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"room_charge": Money(-1, "CNY")}, "negative"),
        ({"deposit_due": Money(-1, "CNY")}, "negative"),
        ({"room_charge": Money(120000, "USD")}, "one currency"),
        ({"incidentals_limit": Money(80001, "CNY")}, "exceed the waived part"),
        ({"deposit_due": Money(1, "CNY")}, "skip the front desk"),
        ({"pay_at_check_out": False}, "skip the front desk"),
        ({"grace_period": -DAY}, "grace"),
    ],
)
def test_invalid_stays_are_refused(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_in(**changed)


@given(RATES, RATES, st.integers(1, 3660))
def test_a_rate_is_the_base_less_the_discount(base: Decimal, discount: Decimal, days: int) -> None:
    changed: dict[str, Any] = {"base_apr_percent": base, "discount_percent": discount, "term": days * DAY}
    if discount > base:
        with pytest.raises(ValueError, match="negative"):
            credit(apr_percent=base - discount, **changed)
        return
    terms = credit(apr_percent=base - discount, **changed)
    assert terms.exposed == terms.limit
    assert terms_from_document(json.loads(json.dumps(terms.document()))) == terms


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"apr_percent": Decimal("10.51")}, "less the discount"),
        ({"base_apr_percent": Decimal("-12")}, "negative"),
        ({"discount_percent": Decimal("NaN")}, "negative"),
        ({"limit": Money(0, "CNY")}, "limit"),
        ({"term": timedelta(0)}, "term"),
        ({"grace_period": -DAY}, "grace"),
    ],
)
def test_invalid_credit_offers_are_refused(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        credit(**changed)


def test_exposed_amounts() -> None:
    assert check_in().exposed == Money(200000, "CNY")
    assert check_in(skip_front_desk=False, pay_at_check_out=False).exposed == Money(80000, "CNY")
    assert credit().exposed == Money(1000000, "CNY")
    assert deposit().exposed == Money(210000, "CNY")
    assert deposit().grace == DAY
    assert PAY_LATER.exposed == Money(50000, "CNY")
    assert PAY_LATER.grace == 3 * DAY


def test_documents_of_terms() -> None:
    assert deposit().document() == {
        "kind": "DEPOSIT",
        "original_deposit": {"amount": "3000.00", "currency": "CNY"},
        "waived_amount": {"amount": "2100.00", "currency": "CNY"},
        "deposit_due": {"amount": "900.00", "currency": "CNY"},
        "return_by": "2026-11-02T12:00:00Z",
        "return_grace": "P1D",
    }
    assert PAY_LATER.document() == {
        "kind": "PAY_LATER",
        "amount": {"amount": "500.00", "currency": "CNY"},
        "due_at": "2026-11-02T12:00:00Z",
        "grace_period": "P3D",
    }
    assert check_in().document() == {
        "kind": "CHECK_IN",
        "stay": {"start": "2026-10-31T12:00:00Z", "end": "2026-11-02T12:00:00Z"},
        "room_charge": {"amount": "1200.00", "currency": "CNY"},
        "waived_amount": {"amount": "800.00", "currency": "CNY"},
        "deposit_due": {"amount": "0.00", "currency": "CNY"},
        "incidentals_limit": {"amount": "800.00", "currency": "CNY"},
        "skip_front_desk": True,
        "pay_at_check_out": True,
        "grace_period": "P1D",
    }
    assert credit().document() == {
        "kind": "CREDIT_OFFER",
        "limit": {"amount": "10000.00", "currency": "CNY"},
        "base_apr_percent": "12.00",
        "apr_percent": "10.50",
        "discount_percent": "1.50",
        "term": "P365D",
        "due_at": "2026-11-02T12:00:00Z",
        "grace_period": "P3D",
    }


@pytest.mark.parametrize(
    "outcome",
    [
        Approval(deposit(), NOON, ("REDUCED_FOR_TIER",)),
        Approval(PAY_LATER, NOON),
        Approval(check_in(), NOON),
        Approval(credit(), NOON, ("REDUCED_FOR_TIER",)),
        Decline(("NOT_SCORED",), NOON, (Product.PAY_LATER,)),
        Decline(("NOT_SCORED", "TERM_TOO_LONG")),
        ManualReview(("NOT_SCORED",)),
        ManualReview(),
    ],
    ids=lambda outcome: type(outcome).__name__,
)
def test_outcomes_round_trip(outcome: Outcome) -> None:
    assert outcome_from_document(json.loads(json.dumps(outcome.document()))) == outcome


def test_a_decline_names_its_reasons() -> None:
    with pytest.raises(ValueError, match="reasons"):
        Decline(())


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(ValueError, match="GIFT"):
        terms_from_document({"kind": "GIFT"})
    with pytest.raises(ValueError, match="SHRUG"):
        outcome_from_document({"kind": "SHRUG", "reasons": []})
