"""Consents and their authorization details."""

from datetime import datetime, timedelta

import strawberry

from gateway.domain.consents import authorization_detail as domain_detail
from gateway.domain.consents import consent as domain
from gateway.domain.consents.consent import ConsentStatus
from gateway.domain.merchants import Product
from gateway.domain.scoring.tier import Tier
from gateway.kit.clock import BusinessTime
from schema.directives import describe, listed, require_scopes
from schema.types.money import Money
from schema.types.node import Node

_SCOPES = require_scopes("consents:read", "decisions:read", "decisions:write", "score:threshold", "decisions:preview")


@strawberry.type(description="One permission in a consent, in the form of RFC 9396.")
class AuthorizationDetail:
    type: str = strawberry.field(description='Kind of permission: "score" or "decision".')
    level: str | None = strawberry.field(
        description='Precision of a score permission: "threshold", "tier" or "exact". Null for other types.'
    )
    minimum: Tier | None = strawberry.field(
        description="The one tier that meetsTier may ask about under this permission. Null until the first inquiry if"
        " the permission did not name one, and for all levels but threshold."
    )
    purpose: str = strawberry.field(description="Purpose code, for example CAR_RENTAL.")
    duration: timedelta | None = strawberry.field(description="How long the permission lasts from Consent.grantedAt.")
    products: list[Product] = listed("Products that may be requested. Empty for a score permission.", 4)
    maximum_amount: Money | None = strawberry.field(
        description="Ceiling for all open decisions under this consent together. Null for a score permission."
    )


@strawberry.type(
    description=describe(
        "A user's permission for one merchant: what it may learn and request, for which purpose, until when.", _SCOPES
    ),
    directives=[_SCOPES],
)
class Consent(Node):
    subject: strawberry.ID = strawberry.field(
        description="Pairwise user id: the same for all clients of one merchant, different for each merchant. It equals"
        " ConsentedUser.id. Use it to match webhooks to your records."
    )
    status: ConsentStatus = strawberry.field(description="Whether the consent is active, expired or revoked.")
    scopes: list[str] = listed("OAuth scopes that the user granted.", 5)
    authorization_details: list[AuthorizationDetail] = listed(
        "Permissions that the user granted, as RFC 9396 authorization details.", 5
    )
    purpose: str = strawberry.field(description="Purpose code. Several codes are separated by spaces.")
    granted_at: datetime = strawberry.field(description="When the user granted the consent.")
    expires_at: datetime = strawberry.field(description="When the consent expires, if it is not revoked earlier.")
    revoked_at: datetime | None = strawberry.field(
        description="When the user revoked the consent. Null if it has not been revoked."
    )

    @classmethod
    def of(cls, consent: domain.Consent, now: BusinessTime) -> "Consent":
        """Returns the consent with its status at `now`."""
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
    """Returns the GraphQL form of an authorization detail of a consent."""
    return AuthorizationDetail(
        type=detail.type,
        level=detail.level,
        minimum=detail.minimum,
        purpose=detail.purpose or "",
        duration=detail.duration,
        products=list(detail.products),
        maximum_amount=Money.of(detail.maximum_amount) if detail.maximum_amount else None,
    )
