"""Consents and their authorization details."""

from datetime import datetime, timedelta
from functools import partial

import strawberry

from gateway.domain.consents import authorization_detail as domain_detail
from gateway.domain.consents import consent as domain
from gateway.domain.consents.consent import ConsentStatus
from gateway.domain.merchants import Product
from gateway.domain.scoring.tier import Tier
from gateway.kit.clock import BusinessTime
from gateway.services.events import MerchantEvent, list_of_consent
from schema.connection import (
    DEFAULT_SIZE,
    After,
    Before,
    Connection,
    First,
    Last,
    load_page,
    page_request,
)
from schema.context import Info
from schema.directives import describe, listed, require_scopes, resolved
from schema.types.event import Event
from schema.types.money import Money
from schema.types.node import Node

_EVENTS = "CONSENT_EVENTS"
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

    @resolved(
        "Events of the consent, oldest first: those that webhooks report.",
        scopes=["consents:read"],
        cost=2,
        slicing=["first", "last"],
        sized_fields=["edges", "nodes"],
        assumed_size=DEFAULT_SIZE,
    )
    def events(
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> "Connection[ConsentEvent] | None":
        request = page_request(_EVENTS, first, after, last, before)
        page = load_page(request, partial(list_of_consent, info.context.query, self.id))
        bounds = page.bounds(_EVENTS, lambda each: (each.occurred_at, each.id))
        return Connection(bounds=bounds, items=list(map(ConsentEvent.of, page.items)))


@strawberry.type(description="A change of a consent.")
class ConsentEvent(Event):
    consent_id: strawberry.Private[str]

    @classmethod
    def of(cls, event: MerchantEvent) -> "ConsentEvent":
        """Returns the GraphQL form of an event of a consent."""
        return cls(
            id=strawberry.ID(event.id),
            occurred_at=event.occurred_at,
            topic=event.topic,
            sequence=event.sequence,
            consent_id=event.subject_id,
        )

    @resolved("The consent in its current state. Null if this token cannot read it.", cost=2)
    def consent(self, info: Info) -> Consent | None:
        return find_consent(info, self.consent_id)


def find_consent(info: Info, consent_id: str) -> Consent | None:
    """Returns a consent in its current state, None if the token cannot read it. A document of queries reads it once."""
    context, query = info.context, info.context.query
    consent = context.find_once(("consent", consent_id), lambda: context.container.consents.find(query, consent_id))
    return Consent.of(consent, query.now) if consent else None


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
