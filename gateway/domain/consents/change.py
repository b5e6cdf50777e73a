"""Changes of an existing consent by a new authorization request (Grant Management for OAuth 2.0): merge and replace."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.domain.consents.authorization_detail import MOST_DETAILS, AuthorizationDetail
from gateway.domain.consents.consent import Consent
from gateway.domain.consents.coverage import allows_less, remaining_details
from gateway.domain.consents.request import Request, supported_scopes
from gateway.domain.consents.threshold import with_one_minimum
from gateway.domain.errors import InvalidInput
from gateway.kit.clock import BusinessTime

_REQUEST = "decisions:request"


class GrantAction(StrEnum):
    """What an authorization request does to the grant that it names."""

    MERGE = "merge"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Change:
    """A requested change. `consent` is the consent in its `version` at the time of the request; the change applies to
    that version only."""

    action: GrantAction
    consent: Consent
    version: int

    def require_possible(self, asked: Request, now: BusinessTime) -> None:
        """Raises InvalidInput if a merge would exceed the limit of details, would add threshold inquiries about another
        tier, or would mix previews and requests of decisions. A scope applies to all decision details at once, so a
        merged scope would allow more for the other details than the person allowed. Narrowing by the person cannot
        change any of these."""
        if self.action is GrantAction.REPLACE:
            return
        held = tuple(in_force(self.consent, now))
        if len(held) + len(asked.details) > MOST_DETAILS:
            raise InvalidInput("INVALID", f"The merged grant would have more than {MOST_DETAILS} details.")
        with_one_minimum(asked.details, self.consent.threshold_tier(now))
        both_decide = _decides(held) and _decides(asked.details)
        if both_decide and (_REQUEST in self.consent.scopes) != (_REQUEST in asked.scopes):
            raise InvalidInput("INVALID", "Previews and requests of decisions cannot be merged. Replace the grant.")

    def result(self, granted: Request, now: BusinessTime) -> Consent:
        """Returns the consent after the person has allowed `granted` at `now`. All its durations then start at `now`.
        Raises InvalidInput for a merge of threshold inquiries about two tiers."""
        scopes, details = granted.scopes, tuple(granted.details)
        if self.action is GrantAction.MERGE:
            added = with_one_minimum(details, self.consent.threshold_tier(now))
            details = _without_covered(with_one_minimum((*in_force(self.consent, now), *added)))
            scopes = supported_scopes((*self.consent.scopes, *scopes), details)
        last = max(detail.duration for detail in details if detail.duration is not None)
        return replace(self.consent, scopes=scopes, details=details, granted_at=now, expires_at=now + last)

    def removes_permission(self, result: Consent) -> bool:
        """Whether the merchant may no longer do something that the consent allowed. `result` is the changed consent."""
        before, after = (Request(each.scopes, each.details) for each in (self.consent, result))
        return allows_less(after, before, result.granted_at - self.consent.granted_at)


def in_force(consent: Consent, now: BusinessTime) -> Iterator[AuthorizationDetail]:
    """Yields the details that have not expired. The duration of each is its remaining time from `now`, in whole
    seconds."""
    return remaining_details(consent.details, now - consent.granted_at)


def _decides(details: Iterable[AuthorizationDetail]) -> bool:
    return any(detail.type == "decision" for detail in details)


def _without_covered(details: Iterable[AuthorizationDetail]) -> tuple[AuthorizationDetail, ...]:
    """Returns the details without those that another detail covers."""
    result: list[AuthorizationDetail] = []
    for detail in details:
        if not any(other.covers(detail) for other in result):
            result = [*(other for other in result if not detail.covers(other)), detail]
    return tuple(result)
