"""The mutations of consents and of their tokens in a sandbox: what people would do in their browsers."""

from typing import Annotated

import strawberry

from gateway.domain.consents.consent import ConsentStatus
from gateway.services.sandbox.consents import ConsentAnswer
from schema.context import Info
from schema.directives import listed, resolved
from schema.sandbox.scope import SANDBOX
from schema.types.consent import Consent
from schema.types.decision_inputs import known_id
from schema.types.user_error import UserError, attempt

_Details = Annotated[
    str | None,
    strawberry.argument(
        description="Authorization details as JSON, as in an authorization request (RFC 9396). With neither scopes nor"
        " details, the app asks for all its scopes for users."
    ),
]


@strawberry.type(description="Result of sandboxConsentGrant.")
class SandboxConsentGrantPayload:
    consent: Consent | None = strawberry.field(description="The new consent. Null if there are user errors.")
    access_token: str | None = strawberry.field(
        description="Access token for the consent. If the token of this request is bound to a key, so is this one."
        " There is no refresh token; repeat the mutation for a new consent. Null if there are user errors."
    )
    user_errors: list[UserError] = listed("Problems that you can fix. Empty if the consent was given.", 1)


@strawberry.type(description="Result of sandboxConsentEnd.")
class SandboxConsentEndPayload:
    consent: Consent | None = strawberry.field(description="The ended consent. Null if there are user errors.")
    user_errors: list[UserError] = listed("Problems that you can fix. Empty if the consent has ended.", 1)


@strawberry.type(description="Result of sandboxTokenExpire.")
class SandboxTokenExpirePayload:
    expired_count: int = strawberry.field(description="Number of access tokens that were valid before.")
    user_errors: list[UserError] = listed("Problems that you can fix. Empty if the tokens have expired.", 1)


@strawberry.type
class SandboxConsentMutations:
    """The mutations of consents in a sandbox."""

    @resolved(
        "Gives a consent as this test user, without a browser, and returns an access token for it. The request is"
        " checked, completed and bounded like one at the authorization endpoint, and has the same events and notices.",
        scopes=SANDBOX,
        cost=20,
    )
    def sandbox_consent_grant(
        self,
        info: Info,
        persona: Annotated[str, strawberry.argument(description="Handle of the test user, for example excellent.")],
        scopes: Annotated[
            list[str] | None, strawberry.argument(description="Scopes for users, for example score:tier.")
        ] = strawberry.UNSET,
        authorization_details: _Details = strawberry.UNSET,
        answer: Annotated[
            ConsentAnswer | None, strawberry.argument(description="What the test user answers. Null: ALLOW.")
        ] = ConsentAnswer.ALLOW,
    ) -> SandboxConsentGrantPayload | None:
        context, service = info.context, info.context.container.sandbox.consents
        granted, errors = attempt(
            context,
            lambda: service.grant(
                context.principal,
                persona,
                None if scopes is strawberry.UNSET else scopes,
                None if authorization_details is strawberry.UNSET else authorization_details,
                answer or ConsentAnswer.ALLOW,
            ),
            prefix=(),
        )
        return SandboxConsentGrantPayload(
            consent=Consent.of(granted.consent, context.query.now) if granted else None,
            access_token=granted.token.text if granted else None,
            user_errors=errors,
        )

    @resolved(
        "Ends a consent: revokes it as the user would, or lets it expire now. Its tokens end, and the events are those"
        " of a real end. Ending a consent that has ended so changes nothing.",
        scopes=SANDBOX,
        cost=10,
    )
    def sandbox_consent_end(
        self,
        info: Info,
        consent_id: Annotated[strawberry.ID, strawberry.argument(description="Id of the consent.")],
        status: Annotated[
            ConsentStatus, strawberry.argument(name="as", description="REVOKED or EXPIRED: how the consent ends.")
        ],
    ) -> SandboxConsentEndPayload | None:
        context, service = info.context, info.context.container.sandbox.consents
        ended, errors = attempt(
            context,
            lambda: service.end(context.principal, known_id(consent_id, "consent", "consentId"), status),
            prefix=(),
        )
        consent = Consent.of(ended, max(context.query.now, ended.expires_at)) if ended else None
        return SandboxConsentEndPayload(consent=consent, user_errors=errors)

    @resolved(
        "Lets all access tokens for a consent expire now, so that the next request with one gets HTTP 401. The consent"
        " and its refresh tokens stay valid.",
        scopes=SANDBOX,
        cost=10,
    )
    def sandbox_token_expire(
        self,
        info: Info,
        consent_id: Annotated[strawberry.ID, strawberry.argument(description="Id of the consent.")],
    ) -> SandboxTokenExpirePayload | None:
        context, service = info.context, info.context.container.sandbox.consents
        expired, errors = attempt(
            context,
            lambda: service.expire_tokens(context.principal, known_id(consent_id, "consent", "consentId")),
            prefix=(),
        )
        return SandboxTokenExpirePayload(expired_count=expired or 0, user_errors=errors)
