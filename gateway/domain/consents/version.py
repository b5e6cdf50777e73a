"""The history of a consent: one version per change."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.consents.authorization_detail import AuthorizationDetail
from gateway.domain.consents.request import Request
from gateway.domain.events import Actor, Topic
from gateway.kit.clock import BusinessTime


class ConsentAction(StrEnum):
    CREATED = "created"
    MERGED = "merged"
    REPLACED = "replaced"
    REVOKED = "revoked"

    @property
    def topic(self) -> Topic:
        """The topic of the message to the merchant, if the change took nothing away that the merchant was allowed."""
        return Topic.CONSENT_REVOKED if self is ConsentAction.REVOKED else Topic.CONSENT_GRANTED


@dataclass(frozen=True, slots=True)
class ConsentVersion:
    """The scopes and details of a consent from `at` on (the partner's business time). `actor` made the change. `asked`
    is the request that the person was shown, or None for a change without a request."""

    consent_id: str
    version: int
    action: ConsentAction
    actor: Actor
    scopes: tuple[str, ...]
    details: tuple[AuthorizationDetail, ...]
    asked: Request | None
    at: BusinessTime

    @property
    def narrowed(self) -> bool:
        """Whether the person granted less than was requested."""
        asked = self.asked.details if self.asked else ()
        return not all(any(held.covers(detail) for held in self.details) for detail in asked)
