"""Reduces an approval to the person's available limit."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from gateway.domain.decisions.exposure import LIMIT_REACHED
from gateway.domain.decisions.outcome import Approval, Decline
from gateway.domain.money import Money
from gateway.domain.scoring.tier import Tier
from merchants.adapter import AdapterResult, AskT, MerchantAdapter, Person
from merchants.outcome_order import is_no_worse

RETRY_AFTER = timedelta(days=1)
"""How long after a decline for lack of available limit another request can help at the earliest. The actual time at
which exposure is released depends on the person and on other merchants."""


def fit_to_available_limit(
    adapter: MerchantAdapter[AskT],
    ask: AskT,
    person: Person,
    now: datetime,
    result: AdapterResult,
    available_limit: Money,
) -> AdapterResult:
    """Returns the adapter's `result` for this ask, with its approval reduced to at most the available limit.

    The reduced approval grants a smaller amount, or the terms of a lower tier, whichever gives the person more. If
    nothing fits, or the merchant accepts no part, the outcome is a decline (EXPOSURE_LIMIT_REACHED). The policy's
    result does not change.

    Tries tiers from the lowest upward and keeps a candidate only if none of its terms is worse. So a better tier never
    gets a worse outcome when the available limit is short.
    """
    full = result.outcome
    if not isinstance(full, Approval) or full.terms.exposed <= available_limit:
        return result
    best: Approval | None = None
    for tier in Tier:
        if tier.rank > person.tier.rank:
            continue
        candidate = _largest_approval(adapter, ask, replace(person, tier=tier), now, available_limit)
        if candidate is not None and (best is None or is_no_worse(candidate, best)):
            best = candidate
    return _with_reduced(adapter, now, result, best, available_limit)


def fit_forced_approval(
    adapter: MerchantAdapter[AskT], ask: AskT, now: datetime, result: AdapterResult, available_limit: Money
) -> AdapterResult:
    """Returns the adapter's `result` for this ask, with its approval reduced to at most the available limit as
    `fit_to_available_limit` does. But the terms of lower tiers are not tried, because no policy has decided."""
    full = result.outcome
    if not isinstance(full, Approval) or full.terms.exposed <= available_limit:
        return result
    return _with_reduced(adapter, now, result, _reduce(adapter, ask, now, result, available_limit), available_limit)


def _with_reduced(
    adapter: MerchantAdapter[Any],
    now: datetime,
    result: AdapterResult,
    reduced: Approval | None,
    available_limit: Money,
) -> AdapterResult:
    """The result with the reduced approval, or a decline if there is none."""
    if reduced is None:
        alternatives = (adapter.product,) if available_limit.minor else ()
        return replace(result, outcome=Decline((LIMIT_REACHED,), now + RETRY_AFTER, alternatives))
    reasons = tuple(dict.fromkeys((*result.outcome.reasons, *reduced.reasons, LIMIT_REACHED)))
    return replace(result, outcome=replace(reduced, reasons=reasons))


def _largest_approval(
    adapter: MerchantAdapter[Any], ask: Any, person: Person, now: datetime, available_limit: Money
) -> Approval | None:
    """The largest approval for this person within the available limit, None if nothing fits. Has only the reasons for
    what is reduced besides the amount."""
    return _reduce(adapter, ask, now, adapter.decide(ask, person, now), available_limit)


def _reduce(
    adapter: MerchantAdapter[Any], ask: Any, now: datetime, result: AdapterResult, available_limit: Money
) -> Approval | None:
    """The approval of this result within the available limit, None if it is none or nothing fits."""
    outcome, policy_result = result.outcome, result.policy_result
    if not isinstance(outcome, Approval):
        return None
    reasons = adapter.reduced_terms_reasons(ask, policy_result)
    if outcome.terms.exposed <= available_limit:
        return replace(outcome, reasons=reasons)
    maximum = adapter.granted_amount(ask, policy_result).minor - (outcome.terms.exposed.minor - available_limit.minor)
    if maximum <= 0:
        return None
    reduced = adapter.outcome(ask, replace(policy_result, maximum=Money(maximum, available_limit.currency)), now)
    if not isinstance(reduced, Approval) or reduced.terms.exposed > available_limit:
        return None
    return replace(reduced, reasons=reasons)
