"""Which of two answers is the better one for the person: compared part by part, never by a sum."""

from typing import Any

from gateway.domain.check_in_terms import CheckInTerms
from gateway.domain.credit_offer_terms import CreditOfferTerms
from gateway.domain.outcome import Approval, Decline, Outcome
from gateway.domain.terms import Terms


def no_worse(outcome: Outcome, than: Outcome) -> bool:
    """Whether a person would lose nothing by getting `outcome` instead of the other: in no part of the terms."""
    if isinstance(outcome, Approval) and isinstance(than, Approval):
        mine, other = _merits(outcome.terms), _merits(than.terms)
        return len(mine) == len(other) and all(part >= least for part, least in zip(mine, other, strict=True))
    return _rank(outcome) >= _rank(than)


def _rank(outcome: Outcome) -> int:
    return 2 if isinstance(outcome, Approval) else 0 if isinstance(outcome, Decline) else 1


def _merits(terms: Terms) -> tuple[Any, ...]:
    """What is good about terms, each part the better the larger it is; a low rate is a small APR, so it is negated."""
    match terms:
        case CheckInTerms():
            return terms.waived_amount, terms.incidentals_limit, terms.skip_front_desk, terms.pay_at_check_out
        case CreditOfferTerms():
            return terms.limit, -terms.apr_percent, terms.discount_percent, terms.term
    return terms.exposed, terms.due_at
