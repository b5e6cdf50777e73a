"""A consent's history: what it came to each time somebody changed it."""

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
        """Under which the merchant is told of it."""
        return Topic.CONSENT_REVOKED if self is ConsentAction.REVOKED else Topic.CONSENT_GRANTED


@dataclass(frozen=True, slots=True)
class ConsentVersion:
    """The consent as it was from `at` on (business time of the merchant's partner), by whose act. `asked` is what the
    person had been shown, None where nothing was asked."""

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
        """Whether the person granted less than was asked."""
        asked = self.asked.details if self.asked else ()
        return not all(any(held.covers(detail) for held in self.details) for detail in asked)
