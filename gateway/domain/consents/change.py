"""A request that changes a consent instead of adding another (Grant Management for OAuth 2.0): what may be merged into
one that is in force, what takes its place, and what the consent then comes to."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from gateway.domain.consents.authorization_detail import MOST_DETAILS, AuthorizationDetail
from gateway.domain.consents.consent import Consent
from gateway.domain.consents.request import Request, supported_scopes
from gateway.domain.errors import InvalidInput
from gateway.kit.clock import BusinessTime

_REQUEST = "decisions:request"


class GrantAction(StrEnum):
    """What an authorization request does with the grant that it names."""

    MERGE = "merge"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Change:
    """`consent` as it stood in its `version` when the change was asked for: a later version has another answer."""

    action: GrantAction
    consent: Consent
    version: int

    def require_possible(self, asked: Request, now: BusinessTime) -> None:
        """Raises InvalidInput for what cannot be merged, however the person narrows it: more details than a consent
        holds, and previews with requests. Whether decisions may be requested or only previewed is said of all
        details at once, so that one kind would make more of the other than the person allowed."""
        if self.action is GrantAction.REPLACE:
            return
        held = tuple(in_force(self.consent, now))
        if len(held) + len(asked.details) > MOST_DETAILS:
            raise InvalidInput("INVALID", f"With what it holds, the grant would have more than {MOST_DETAILS} details.")
        both_decide = _decides(held) and _decides(asked.details)
        if both_decide and (_REQUEST in self.consent.scopes) != (_REQUEST in asked.scopes):
            raise InvalidInput("INVALID", "Previews and requests of decisions cannot be merged. Replace the grant.")

    def result(self, granted: Request, now: BusinessTime) -> Consent:
        """The consent once the person has allowed `granted` at `now`, from which all its durations then count."""
        scopes, details = granted.scopes, tuple(granted.details)
        if self.action is GrantAction.MERGE:
            details = _without_covered((*in_force(self.consent, now), *details))
            scopes = supported_scopes((*self.consent.scopes, *scopes), details)
        last = max(detail.duration for detail in details if detail.duration is not None)
        return replace(self.consent, scopes=scopes, details=details, granted_at=now, expires_at=now + last)


def in_force(consent: Consent, now: BusinessTime) -> Iterator[AuthorizationDetail]:
    """The details that have not run out, with what is left of their time in whole seconds, counted from `now`."""
    for detail in consent.details:
        if detail.duration is None:
            continue  # a granted detail has one
        left = consent.granted_at + detail.duration - now
        whole = timedelta(seconds=left // timedelta(seconds=1))
        if whole > timedelta(0):
            yield replace(detail, duration=whole)


def _decides(details: Iterable[AuthorizationDetail]) -> bool:
    return any(detail.type == "decision" for detail in details)


def _without_covered(details: Iterable[AuthorizationDetail]) -> tuple[AuthorizationDetail, ...]:
    """The details without those that another one makes needless."""
    kept: list[AuthorizationDetail] = []
    for detail in details:
        if not any(other.covers(detail) for other in kept):
            kept = [*(other for other in kept if not detail.covers(other)), detail]
    return tuple(kept)
