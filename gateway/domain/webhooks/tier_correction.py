"""Corrections of a tier. A record had counted and was then found to be wrong, so merchants were told a wrong tier."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from gateway.domain.consents.consent import Consent, ConsentStatus
from gateway.domain.scoring.card_versions import CardVersions
from gateway.domain.scoring.history import Behaviour, Cause, ScoreState, compute_states
from gateway.domain.scoring.score import ThresholdAnswer, meets
from gateway.domain.scoring.tier import Tier
from gateway.kit.clock import BusinessTime, WallTime

READ_WITHIN = timedelta(days=30)
"""A merchant whose last read or request is older is not told of a correction."""


@dataclass(frozen=True, slots=True)
class Access:
    """A read of the score, a request that was decided with it, or an event about its correction: by wall time and by
    the partner's business time."""

    at: WallTime
    business_at: BusinessTime


@dataclass(frozen=True, slots=True, kw_only=True)
class TierCorrection:
    """The correction of a person's tier. `behaviour` is the present one, without the wrong records. `wrong_since` is
    since when the earliest of these had counted, and `before` the last state before that, None without one. `computed`
    are the tiers that were computed, with their wall times, oldest first; `present` is the tier now."""

    cards: CardVersions
    behaviour: Behaviour
    wrong_since: BusinessTime
    before: ScoreState | None
    computed: Sequence[tuple[WallTime, Tier]]
    present: Tier

    def concerns(self, consent: Consent, accesses: Sequence[Access], event: Access | None, now: BusinessTime) -> bool:
        """Returns whether the merchant of the consent must read the tier again: it may still do so at `now`, and one of
        these accesses in the last 30 days had a tier that was wrong and that is another one now. `event` is the last
        event about a correction under this consent, None without one. It counts as a read, and the accesses before it
        do not count: its merchant was asked to read the tier.

        With a consent to threshold inquiries only, what counts is whether the answer would be another one. So the event
        tells the merchant nothing that the consent does not allow it to read.
        """
        if consent.status(now) is not ConsentStatus.ACTIVE:
            return False
        recent = [each for each in accesses if each.business_at >= now - READ_WITHIN]
        if recent and event is not None:
            recent = [event, *(each for each in recent if each.at > event.at)]
        return any(self._was_wrong(consent, each, now) for each in recent if each.business_at >= self.wrong_since)

    def _was_wrong(self, consent: Consent, access: Access, now: BusinessTime) -> bool:
        known = [tier for computed_at, tier in self.computed if computed_at <= access.at]
        if not known:
            return False
        shown = _shown(consent, known[-1], now)
        if shown == _shown(consent, self.present, now):
            return False
        # Not wrong if it would have been the same without the wrong records: something else has changed it since then.
        return shown != _shown(consent, self._right_tier(access.business_at), now)

    def _right_tier(self, at: BusinessTime) -> Tier:
        """The tier at a time after `wrong_since` as it would have been without the wrong records."""
        *_, state = compute_states(self.cards, self.behaviour, self.before, at, Cause.CORRECTION)
        return state.tier


def _shown(consent: Consent, tier: Tier, now: BusinessTime) -> Tier | ThresholdAnswer | None:
    """What the consent lets its merchant learn about a tier: the tier, the answer to the threshold inquiry, or None."""
    if consent.score_purpose("tier", now) is not None:
        return tier
    minimum = consent.threshold_tier(now)
    return None if minimum is None else meets(tier, minimum)
