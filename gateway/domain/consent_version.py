"""A consent's history: what it came to each time somebody changed it."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from gateway.domain.authorization_detail import AuthorizationDetail
from gateway.domain.consent_request import Request
from gateway.domain.event import Actor


class ConsentAction(StrEnum):
    CREATED = "created"
    REVOKED = "revoked"


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
    at: datetime

    @property
    def narrowed(self) -> bool:
        """Whether the person granted less than was asked."""
        if self.asked is None:
            return False
        whole = tuple(replace(detail, optional=False) for detail in self.asked.details)
        return whole != self.details
