"""What is granted where a person's line of trust has no room for all of it: a part before nothing."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from gateway.domain.exposure import LIMIT_REACHED
from gateway.domain.money import Money
from gateway.domain.outcome import Approval, Decline
from gateway.domain.tier import Tier
from merchants.contract import Answer, AskT, MerchantAdapter, Person
from merchants.merits import no_worse

AGAIN = timedelta(days=1)
"""When asking again can help at the earliest, where nothing fits. When room comes is between the person and others."""


def fitted(
    adapter: MerchantAdapter[AskT], ask: AskT, person: Person, now: datetime, answer: Answer, room: Money
) -> Answer:
    """The adapter's `answer` to this ask, an approval that exposes more than `room` brought down to what fits: less of
    the amount, or what a lower tier would be granted, whichever leaves the person more. Where nothing fits, or the
    merchant takes no part, a decline (EXPOSURE_LIMIT_REACHED). The ruling stays the one of the policy.

    From the lowest tier up to the person's own, a better one replaces what was found only where it is no worse, so that
    a better tier never gets a worse answer for want of room.
    """
    whole = answer.outcome
    if not isinstance(whole, Approval) or whole.terms.exposed <= room:
        return answer
    best: Approval | None = None
    for tier in Tier:
        found = _most(adapter, ask, replace(person, tier=tier), now, room) if tier.rank <= person.tier.rank else None
        if found is not None and (best is None or no_worse(found, best)):
            best = found
    if best is None:
        alternatives = (adapter.product,) if room.minor else ()
        return replace(answer, outcome=Decline((LIMIT_REACHED,), now + AGAIN, alternatives))
    reasons = tuple(dict.fromkeys((*whole.reasons, *best.reasons, LIMIT_REACHED)))
    return replace(answer, outcome=replace(best, reasons=reasons))


def _most(adapter: MerchantAdapter[Any], ask: Any, person: Person, now: datetime, room: Money) -> Approval | None:
    """What that person is granted within the room, with no reasons but those of what is cut beside the amount; None for
    nothing."""
    answer = adapter.decide(ask, person, now)
    outcome, ruling = answer.outcome, answer.ruling
    if not isinstance(outcome, Approval):
        return None
    reasons = adapter.shortfalls(ask, ruling)
    if outcome.terms.exposed <= room:
        return replace(outcome, reasons=reasons)
    fits = adapter.granted(ask, ruling).minor - (outcome.terms.exposed.minor - room.minor)
    if fits <= 0:
        return None
    cut = adapter.outcome(ask, replace(ruling, maximum=Money(fits, room.currency)), now)
    return replace(cut, reasons=reasons) if isinstance(cut, Approval) and cut.terms.exposed <= room else None
