"""Terms and outcomes: what they refuse to be, and that they survive being written down."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.money import Money
from gateway.domain.outcome import Approval, Decline, Outcome, Referral, outcome_from_document
from gateway.domain.product import Product
from gateway.domain.terms import DepositTerms, PayLaterTerms, Terms, terms_from_document

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def deposit(original: int = 300000, waived: int = 210000, due: int = 90000) -> DepositTerms:
    return DepositTerms(Money(original, "CNY"), Money(waived, "CNY"), Money(due, "CNY"), NOON, DAY)


PAY_LATER = PayLaterTerms(Money(50000, "CNY"), NOON, 3 * DAY)


@given(st.integers(0, 10**12), st.integers(0, 100))
def test_parts_of_a_deposit_add_up(original: int, percent: int) -> None:
    whole = Money(original, "CNY")
    waived = whole.share(percent)
    terms = DepositTerms(whole, waived, whole - waived, None, timedelta(0))
    assert terms.exposed + terms.deposit_due == whole
    assert terms_from_document(terms.document()) == terms


@pytest.mark.parametrize(("original", "waived", "due"), [(100, 50, 49), (100, 51, 50), (100, 101, -1), (100, -1, 101)])
def test_parts_that_do_not_add_up_are_refused(original: int, waived: int, due: int) -> None:
    with pytest.raises(ValueError, match=r"add up|negative"):
        deposit(original, waived, due)


def test_other_terms_that_make_no_sense() -> None:
    with pytest.raises(ValueError, match="do not mix"):
        DepositTerms(Money(2, "CNY"), Money(1, "CNY"), Money(1, "USD"), None, DAY)
    with pytest.raises(ValueError, match="more than zero"):
        PayLaterTerms(Money(0, "CNY"), NOON, DAY)
    with pytest.raises(ValueError, match="grace"):
        PayLaterTerms(Money(1, "CNY"), NOON, -DAY)
    with pytest.raises(ValueError, match="grace"):
        DepositTerms(Money(1, "CNY"), Money(1, "CNY"), Money(0, "CNY"), None, -DAY)


@pytest.mark.parametrize("terms", [deposit(), PAY_LATER], ids=["deposit", "pay later"])
def test_terms_survive_being_written(terms: Terms) -> None:
    assert terms_from_document(json.loads(json.dumps(terms.document()))) == terms
    assert terms.due_at == NOON


def test_what_is_exposed() -> None:
    assert deposit().exposed == Money(210000, "CNY")
    assert deposit().grace == DAY
    assert PAY_LATER.exposed == Money(50000, "CNY")
    assert PAY_LATER.grace == 3 * DAY


def test_the_form_of_the_documents() -> None:
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


@pytest.mark.parametrize(
    "outcome",
    [
        Approval(deposit(), NOON, ("REDUCED_FOR_TIER",)),
        Approval(PAY_LATER, NOON),
        Decline(("NOT_SCORED",), NOON, (Product.PAY_LATER,)),
        Decline(("NOT_SCORED", "TERM_TOO_LONG")),
        Referral(("NOT_SCORED",)),
        Referral(),
    ],
    ids=lambda outcome: type(outcome).__name__,
)
def test_outcomes_survive_being_written(outcome: Outcome) -> None:
    assert outcome_from_document(json.loads(json.dumps(outcome.document()))) == outcome


def test_a_decline_names_its_reasons() -> None:
    with pytest.raises(ValueError, match="reasons"):
        Decline(())


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(ValueError, match="GIFT"):
        terms_from_document({"kind": "GIFT"})
    with pytest.raises(ValueError, match="SHRUG"):
        outcome_from_document({"kind": "SHRUG", "reasons": []})
