"""A decision, its timeline and its disputes. The three types refer to each other, so they share this module."""

from datetime import datetime
from functools import partial

import strawberry

from gateway.domain.decisions import dispute as domain_dispute
from gateway.domain.decisions import state as domain
from gateway.domain.decisions.dispute import Contested, DisputeStatus, Party
from gateway.domain.decisions.timeline import LoggedEvent
from gateway.domain.decisions.transitions import Status, Transition
from gateway.domain.events import Actor, Topic
from gateway.domain.merchants import Product
from gateway.services.events import load_sequences
from schema.connection import (
    DEFAULT_SIZE,
    After,
    Before,
    Connection,
    First,
    Last,
    connection_of,
    load_page,
    page_request,
)
from schema.context import Info
from schema.directives import describe, listed, require_scopes, resolved
from schema.resolvers import made_of
from schema.scalars import Url
from schema.types.consent import Consent, find_consent
from schema.types.event import Event
from schema.types.inclusion_proof import INCLUSION_PROOF, InclusionProof, find_proof
from schema.types.node import Node
from schema.types.obligation import Claim, DecisionProvenance, Settlement
from schema.types.outcome import DecisionOutcome, outcome_of

_TIMELINE, _DISPUTES = "TIMELINE", "DISPUTES"
_DECISION_SCOPES = require_scopes("decisions:read", "decisions:write", "decisions:request")
_DISPUTE_SCOPES = require_scopes("decisions:read", "disputes:write")
_NOTE_SCOPES = require_scopes("decisions:read", "decisions:request")
"""Other tokens reach events too, such as one with webhooks:manage by a delivery. Messages have no notes either."""


@strawberry.type(
    description=describe(
        "A user's dispute of a breach or an overdue flag. It is upheld if you accept it, or if you do not respond"
        " before respondBy. If you refuse it, the operator decides.",
        _DISPUTE_SCOPES,
    ),
    directives=[_DISPUTE_SCOPES],
)
class Dispute(Node):
    decision_id: strawberry.Private[str]
    subject: Contested = strawberry.field(description="What is disputed: the reported breach or the overdue flag.")
    opened_by: Party = strawberry.field(description="Party that opened the dispute.")
    status: DisputeStatus = strawberry.field(description="Status of the dispute.")
    statement: str = strawberry.field(description="The user's statement. Empty if the user's data has been erased.")
    response: str | None = strawberry.field(
        description="Your statement in response. Null until you respond, and if the user's data has been erased."
    )
    evidence: list[Url] = listed(
        "Addresses of the documents in your response. The gateway stores them and never fetches them.", 10
    )
    opened_at: datetime = strawberry.field(description="When the dispute was opened.")
    respond_by: datetime = strawberry.field(description="Deadline for your response. After it the dispute is upheld.")
    resolved_at: datetime | None = strawberry.field(description="When the dispute ended. Null while it is open.")
    resolution: str | None = strawberry.field(
        description="The operator's reason for the decision. Null unless the operator decided the dispute."
    )

    @classmethod
    def of(cls, dispute: domain_dispute.Dispute) -> "Dispute":
        return cls(
            id=strawberry.ID(dispute.id),
            decision_id=dispute.decision_id,
            subject=dispute.subject,
            opened_by=dispute.opened_by,
            status=dispute.status,
            statement=dispute.statement,
            response=dispute.response,
            evidence=[Url(address) for address in dispute.evidence],
            opened_at=dispute.opened_at,
            respond_by=dispute.respond_by,
            resolved_at=dispute.resolved_at,
            resolution=dispute.resolution,
        )

    @resolved("The disputed decision in its current state. Null if this token cannot read it.")
    def decision(self, info: Info) -> "Decision | None":
        return _find_decision(info, self.decision_id)


@strawberry.type(description="A change of a decision.")
class DecisionEvent(Event):
    decision_id: strawberry.Private[str]
    from_: Status | None = strawberry.field(name="from", description="Status before the event. Null for the first one.")
    to: Status = strawberry.field(description="Status after the event.")
    actor: Actor = strawberry.field(description="Who caused the event.")
    note: str | None = strawberry.field(
        description=describe(
            "The actor's note, for example the reason for a cancellation. Null if there is none, or if the user's data"
            " has been erased.",
            _NOTE_SCOPES,
        ),
        directives=[_NOTE_SCOPES],
    )

    @classmethod
    def of(cls, event: LoggedEvent, sequence: int) -> "DecisionEvent":
        return cls(
            id=strawberry.ID(event.id),
            occurred_at=event.occurred_at,
            topic=event.merchant_topic,
            sequence=sequence,
            decision_id=event.decision_id,
            from_=event.before,
            to=event.after,
            actor=event.actor,
            note=event.note,
        )

    @resolved("The decision in its current state. Null if this token cannot read it.")
    def decision(self, info: Info) -> "Decision | None":
        return _find_decision(info, self.decision_id)


@strawberry.type(description="A change of a dispute.")
class DisputeEvent(Event):
    dispute_id: strawberry.Private[str]

    @resolved("The dispute in its current state. Null if this token cannot read it.")
    def dispute(self, info: Info) -> Dispute | None:
        context, identifier = info.context, self.dispute_id
        dispute = context.find_once(
            ("dispute", identifier), lambda: context.container.disputes.find(context.query, identifier)
        )
        return Dispute.of(dispute) if dispute else None


def dispute_event(event_id: str, at: datetime, topic: Topic, sequence: int, dispute_id: str) -> DisputeEvent:
    """The GraphQL form of an event of a dispute, which occurred at this business time."""
    return DisputeEvent(
        id=strawberry.ID(event_id), occurred_at=at, topic=topic, sequence=sequence, dispute_id=dispute_id
    )


def event_of_log(event: LoggedEvent, sequence: int) -> DecisionEvent | DisputeEvent:
    """The GraphQL form of an entry of the decision log. `sequence` is the number of its event."""
    if event.dispute_id is None:
        return DecisionEvent.of(event, sequence)
    return dispute_event(event.id, event.occurred_at, event.merchant_topic, sequence, event.dispute_id)


@made_of("state")
@strawberry.type(
    description=describe(
        "A merchant's request about a user, with its outcome, the resulting obligation and its history.",
        _DECISION_SCOPES,
    ),
    directives=[_DECISION_SCOPES],
)
class Decision(Node):
    state: strawberry.Private[domain.DecisionState]

    @resolved("Your order or booking number.")
    def merchant_reference(self) -> str:
        return self.state.merchant_reference

    @resolved("The requested product.")
    def product(self) -> Product:
        return self.state.product

    @resolved("Current status.")
    def status(self) -> Status:
        return self.state.status

    @resolved("Approval or decline. Null while PENDING, or if it was cancelled or expired during manual review.")
    def outcome(self) -> DecisionOutcome | None:
        return outcome_of(self.state.outcome)

    @resolved(
        "Transitions that you may make now. Build your user interface on this list, not on a copy of the state"
        " machine.",
        assumed_size=6,
    )
    def available_transitions(self) -> list[Transition]:
        return list(self.state.available_transitions)

    @resolved("The obligation: amounts and due date. Null if the decision was never approved.")
    def settlement(self) -> Settlement | None:
        settlement = self.state.settlement
        return None if settlement is None else Settlement(settlement=settlement)

    @resolved("What the user says about the obligation. Null if nothing, and once the obligation is fulfilled.")
    def claim(self) -> Claim | None:
        return Claim.of(self.state)

    @resolved(
        "Pairwise user id, the same as ConsentedUser.id: one for all clients of a merchant, another for each merchant."
    )
    def subject(self) -> strawberry.ID:
        return strawberry.ID(self.state.subject)

    @resolved("Purpose code of the request.")
    def purpose(self) -> str:
        return self.state.purpose

    @resolved("When the decision was requested.")
    def created_at(self) -> datetime:
        return self.state.created_at

    @resolved("When the decision last changed.")
    def updated_at(self) -> datetime:
        return self.state.updated_at

    @classmethod
    def of(cls, decision: domain.DecisionState) -> "Decision":
        return cls(id=strawberry.ID(decision.id), state=decision)

    @resolved(
        "The adapter, policy version and rule that produced the decision, for your records. Set for every decision."
    )
    def provenance(self, info: Info) -> DecisionProvenance | None:
        return DecisionProvenance.of(self.state.provenance, info.context.container.rule_name(self.state.rule_id))

    @resolved(
        "Signed receipt of the latest log entry: what was decided, when, and under which policy. A compact JWS that you"
        " can verify offline with the keys at the issuer's jwks_uri. Set for every decision. Null, with error"
        " RECORD_MISMATCH, if the stored decision differs from its log entry.",
        cost=3,
    )
    def receipt(self, info: Info) -> str | None:
        container, query = info.context.container, info.context.query
        decision = container.decisions.find(query, self.id)
        return container.receipts.sign(query, decision) if decision else None

    @resolved(INCLUSION_PROOF, cost=10)
    def inclusion_proof(self, info: Info) -> InclusionProof | None:
        return find_proof(info, self.id)

    @resolved("The consent under which the decision was requested.", cost=2)
    def consent(self, info: Info) -> Consent:
        consent = find_consent(info, self.state.consent_id)
        if consent is None:
            raise LookupError(f"the consent of the visible decision {self.id} is not visible")
        return consent

    @resolved(
        "Events of the decision, oldest first.",
        cost=3,
        slicing=["first", "last"],
        sized_fields=["edges", "nodes"],
        assumed_size=DEFAULT_SIZE,
    )
    def timeline(
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> Connection[Event]:
        request = page_request(_TIMELINE, first, after, last, before)
        container, query = info.context.container, info.context.query
        page = load_page(request, partial(container.decisions.list_events, query, self.id))
        sequences = load_sequences(query, [each.id for each in page.items])
        bounds = page.bounds(_TIMELINE, lambda each: (each.occurred_at, each.id))
        return Connection(bounds=bounds, items=[event_of_log(each, sequences[each.id]) for each in page.items])

    @resolved(
        "Disputes about the decision, oldest first.",
        scopes=["decisions:read"],
        cost=2,
        slicing=["first", "last"],
        sized_fields=["edges", "nodes"],
        assumed_size=DEFAULT_SIZE,
    )
    def disputes(
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> Connection[Dispute] | None:
        request = page_request(_DISPUTES, first, after, last, before)
        disputes = info.context.container.disputes.list_of_decision(info.context.query, self.id)
        return connection_of(_DISPUTES, [((each.opened_at, each.id), each) for each in disputes], Dispute.of, request)


def _find_decision(info: Info, decision_id: str) -> Decision | None:
    context = info.context
    decision = context.find_once(
        ("decision", decision_id), lambda: context.container.decisions.find(context.query, decision_id)
    )
    return Decision.of(decision) if decision else None
