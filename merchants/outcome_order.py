"""Compares outcomes by what they give the person. Terms are compared part by part, never by a sum."""

from typing import Any

from gateway.domain.decisions.check_in import CheckInTerms
from gateway.domain.decisions.credit_offer import CreditOfferTerms
from gateway.domain.decisions.outcome import Approval, Decline, Outcome
from gateway.domain.decisions.terms import Terms


def is_no_worse(outcome: Outcome, than: Outcome) -> bool:
    """Whether `outcome` gives the person at least as much as `than`. Of two approvals, no part of the terms may be
    worse. Otherwise an approval is better than a manual review, and a manual review is better than a decline."""
    if isinstance(outcome, Approval) and isinstance(than, Approval):
        parts, other_parts = _ordered_parts(outcome.terms), _ordered_parts(than.terms)
        return len(parts) == len(other_parts) and all(
            part >= other for part, other in zip(parts, other_parts, strict=True)
        )
    return _rank(outcome) >= _rank(than)


def _rank(outcome: Outcome) -> int:
    return 2 if isinstance(outcome, Approval) else 0 if isinstance(outcome, Decline) else 1


def _ordered_parts(terms: Terms) -> tuple[Any, ...]:
    """The parts of the terms, as values of which the larger is better. The rate is negated: a lower rate is better."""
    match terms:
        case CheckInTerms():
            return terms.waived_amount, terms.incidentals_limit, terms.skip_front_desk, terms.pay_at_check_out
        case CreditOfferTerms():
            return terms.limit, -terms.apr_percent, terms.discount_percent, terms.term
    return terms.exposed, terms.due_at
