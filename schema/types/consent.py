"""Consents and the details that a user agreed to."""

from datetime import datetime, timedelta

import strawberry

from gateway.domain.consents import authorization_detail as domain_detail
from gateway.domain.consents import consent as domain
from gateway.domain.consents.consent import ConsentStatus
from gateway.domain.merchants import Product
from gateway.kit.clock import BusinessTime
from schema.directives import needs, sized, told
from schema.types.money import Money
from schema.types.node import Node

_SCOPES = needs("consents:read", "decisions:read", "decisions:write", "score:threshold", "decisions:preview")


@strawberry.type(description="One thing the user agreed to share or allow.")
class AuthorizationDetail:
    type: str = strawberry.field(description="score or decision.")
    level: str | None = strawberry.field(description="Of a score detail: threshold, tier or exact.")
    purpose: str = strawberry.field(description="Purpose code that the user agreed to.")
    duration: timedelta | None = strawberry.field(description="How long it holds from the moment it was granted.")
    products: list[Product] = strawberry.field(description="Of a decision detail: the products.")
    maximum_amount: Money | None = strawberry.field(
        description="Ceiling of all open decisions under this consent together."
    )


@strawberry.type(
    description=told("What a user agreed to show to one merchant, for what purpose, until when.", _SCOPES),
    directives=[_SCOPES],
)
class Consent(Node):
    subject: strawberry.ID = strawberry.field(
        description="The pairwise user id, as in ConsentedUser.id, so that webhooks can be joined to your records."
    )
    status: ConsentStatus = strawberry.field(description="Whether it is in force.")
    scopes: list[str] = strawberry.field(description="OAuth scopes that it allows.")
    authorization_details: list[AuthorizationDetail] = strawberry.field(
        description="What the user agreed to, as RFC 9396 rich authorization details.",
        directives=[sized(assumed_size=5)],
    )
    purpose: str = strawberry.field(description="Purpose code; several are joined by spaces.")
    granted_at: datetime = strawberry.field(description="When the user agreed.")
    expires_at: datetime = strawberry.field(description="When it ends by itself.")
    revoked_at: datetime | None = strawberry.field(description="Null unless revoked.")

    @classmethod
    def of(cls, consent: domain.Consent, now: BusinessTime) -> "Consent":
        """The consent as of `now`."""
        return cls(
            id=strawberry.ID(consent.id),
            subject=strawberry.ID(consent.subject),
            status=consent.status(now),
            scopes=list(consent.scopes),
            authorization_details=[detail_of(detail) for detail in consent.details],
            purpose=consent.purpose,
            granted_at=consent.granted_at,
            expires_at=consent.expires_at,
            revoked_at=consent.revoked_at,
        )


def detail_of(detail: domain_detail.AuthorizationDetail) -> AuthorizationDetail:
    """The GraphQL form of a granted detail."""
    return AuthorizationDetail(
        type=detail.type,
        level=detail.level,
        purpose=detail.purpose or "",
        duration=detail.duration,
        products=list(detail.products),
        maximum_amount=Money.of(detail.maximum_amount) if detail.maximum_amount else None,
    )
