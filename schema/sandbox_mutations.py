"""The mutations of a sandbox: what people would do in their browsers. For merchant tokens with the scope sandbox."""

from datetime import datetime, timedelta
from typing import Annotated

import strawberry

from gateway.domain.consents.consent import ConsentStatus
from gateway.domain.errors import InvalidInput
from gateway.domain.events import Topic
from gateway.domain.webhooks.variant import WebhookVariant
from gateway.kit.clock import BusinessTime, rfc3339
from gateway.services.events import load_events
from gateway.services.sandbox.clock import ClockMove
from gateway.services.sandbox.consents import ConsentAnswer
from gateway.services.sandbox.decisions import MOST_EVENTS, SimulatedEvent
from schema.context import Info
from schema.directives import listed, resolved
from schema.types.consent import Consent
from schema.types.decision import Decision, event_of_log
from schema.types.decision_inputs import known_id
from schema.types.event import Event
from schema.types.sandbox_clock import SandboxClock
from schema.types.user_error import UserError, attempt, user_error
from schema.types.webhook import WebhookDelivery, event_of

_SANDBOX = ["sandbox"]
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


@strawberry.input(one_of=True, description="How far the clock moves: set exactly one member.")
class SandboxClockMove:
    advance_by: timedelta | None = strawberry.field(
        default=strawberry.UNSET, description="Length of the move, for example P7D. At most P366D."
    )
    set_to: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Moment to move to, at most 366 days in the future."
    )


@strawberry.type(description="Result of sandboxClockMove.")
class SandboxClockMovePayload:
    clock: SandboxClock | None = strawberry.field(
        description="The clock after the move. Null if the input was not valid; set with the error LIMIT_EXCEEDED if"
        " the move did not come to its end."
    )
    events_fired: int = strawberry.field(description="Number of events that the move caused, of all topics.")
    user_errors: list[UserError] = listed("Problems that you can fix. Empty if the clock was moved.", 1)


@strawberry.type(description="Result of sandboxDecisionSimulate.")
class SandboxDecisionSimulatePayload:
    decision: Decision | None = strawberry.field(
        description="The decision after the event. Null if there are user errors."
    )
    events: list[Event] = listed(
        "Events of the decision and of its disputes that this caused, oldest first. Empty if nothing changed.",
        MOST_EVENTS,
    )
    user_errors: list[UserError] = listed("Problems that you can fix. Empty if the event has happened.", 1)


@strawberry.type(description="Result of sandboxWebhookTrigger.")
class SandboxWebhookTriggerPayload:
    event: Event | None = strawberry.field(
        description="The event. Its subject does not exist, so decision, dispute, consent and endpoint are null. With"
        " REORDERED the later one of two events."
    )
    deliveries: list[WebhookDelivery] | None = listed(
        "The deliveries, one for each enabled endpoint with the topic; with REORDERED those of both events. Empty if no"
        " endpoint has it. Null if another process is making them, which takes about a second.",
        20,
    )
    user_errors: list[UserError] = listed("Always empty.", 1)


@strawberry.type
class SandboxMutations:
    """The mutations of a sandbox."""

    @resolved(
        "Gives a consent as this test user, without a browser, and returns an access token for it. The request is"
        " checked, completed and bounded like one at the authorization endpoint, and has the same events and notices.",
        scopes=_SANDBOX,
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
        scopes=_SANDBOX,
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
        scopes=_SANDBOX,
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

    @resolved(
        "Makes an event of a decision happen now that you cannot cause yourself: what the user does, what the operator"
        " decides, or a due date that has passed. It has the checks, events and notices of a real one, and fails if the"
        " decision does not allow it now. The user only claims a payment or a return: you report the fulfilment.",
        scopes=_SANDBOX,
        cost=20,
    )
    def sandbox_decision_simulate(
        self,
        info: Info,
        decision_id: Annotated[
            strawberry.ID, strawberry.argument(description="Id of a decision about one of your test users.")
        ],
        event: Annotated[SimulatedEvent, strawberry.argument(description="What happens.")],
    ) -> SandboxDecisionSimulatePayload | None:
        context, service = info.context, info.context.container.sandbox.decisions
        simulated, errors = attempt(
            context,
            lambda: service.simulate(context.principal, known_id(decision_id, "decision", "decisionId"), event),
            prefix=(),
        )
        return SandboxDecisionSimulatePayload(
            decision=Decision.of(simulated.decision) if simulated else None,
            events=[event_of_log(each, simulated.sequences[each.id]) for each in simulated.events] if simulated else [],
            user_errors=errors,
        )

    @resolved(
        "Moves the business time of your partner account forward. What falls due on the way happens in its order, each"
        " at its own time: transitions of decisions, deadlines of disputes, ends of consents, reminders, scores."
        " Deliveries of webhooks that wait for their next attempt are tried once. Tokens, sessions, signatures and"
        " retries follow real time. A move that takes too long ends early, with the error LIMIT_EXCEEDED: repeat it.",
        scopes=_SANDBOX,
        cost=50,
    )
    def sandbox_clock_move(
        self, info: Info, move: Annotated[SandboxClockMove, strawberry.argument(description="How far.")]
    ) -> SandboxClockMovePayload | None:
        context, service = info.context, info.context.container.sandbox.clock

        def work() -> ClockMove:
            if move.advance_by is not None and move.advance_by is not strawberry.UNSET:
                return service.advance(context.principal, move.advance_by)
            assert move.set_to is not None  # one of them is set
            return service.set(context.principal, BusinessTime(move.set_to))

        moved, errors = attempt(context, work, prefix=("move",))
        if moved is not None and not moved.is_complete:
            message = f"The clock stands at {rfc3339(moved.clock.now)}. Repeat the call to move it further."
            errors = [user_error(InvalidInput("LIMIT_EXCEEDED", message, ()), context, ("move",))]
        return SandboxClockMovePayload(
            clock=SandboxClock.of(moved.clock) if moved else None,
            events_fired=moved.events if moved else 0,
            user_errors=errors,
        )

    @resolved(
        "Sends one event of this topic, with sample data about a subject that does not exist, to your endpoints and"
        " listeners. It has the format of a real one, and is in the feed. It is written also if no endpoint has the"
        " topic.",
        scopes=_SANDBOX,
        cost=20,
    )
    def sandbox_webhook_trigger(
        self,
        info: Info,
        topic: Annotated[Topic, strawberry.argument(description="Kind of event.")],
        variant: Annotated[
            WebhookVariant | None, strawberry.argument(description="How the event is sent. Null: NORMAL.")
        ] = WebhookVariant.NORMAL,
    ) -> SandboxWebhookTriggerPayload | None:
        context, service = info.context, info.context.container.sandbox.webhooks
        triggered = service.trigger(context.principal, topic, variant or WebhookVariant.NORMAL)
        deliveries = triggered.deliveries
        return SandboxWebhookTriggerPayload(
            event=event_of(load_events(context.query, [triggered.id])[triggered.id]),
            deliveries=None if deliveries is None else WebhookDelivery.list_of(deliveries),
            user_errors=[],
        )
