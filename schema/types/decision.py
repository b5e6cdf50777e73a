"""A decision, its timeline and its disputes. The three lead to one another, so their types share this module."""

from datetime import datetime

import strawberry

from gateway.domain.decisions import dispute as domain_dispute
from gateway.domain.decisions import settlement as domain_settlement
from gateway.domain.decisions import state as domain
from gateway.domain.decisions.decision import LoggedEvent
from gateway.domain.decisions.dispute import Contested, DisputeStatus, Party
from gateway.domain.decisions.transitions import Status, Transition
from gateway.domain.events import Actor, Topic
from gateway.domain.merchants import Product
from schema.connection import After, Before, Connection, First, Last, connection_of, page_request
from schema.context import Info
from schema.directives import needs, resolved, told
from schema.scalars import Url
from schema.types.consent import Consent
from schema.types.money import Money
from schema.types.node import Node
from schema.types.outcome import DecisionOutcome, outcome_of

_TIMELINE, _DISPUTES = "TIMELINE", "DISPUTES"
_DECISION_SCOPES = needs("decisions:read", "decisions:write", "decisions:request")
_DISPUTE_SCOPES = needs("decisions:read", "disputes:write")


@strawberry.type(description="Which adapter, policy version and rule answered, for your own records.")
class DecisionProvenance:
    adapter: str = strawberry.field(description="Key of the adapter.")
    policy_version: str = strawberry.field(description="Version of the adapter's policy.")
    policy_hash: str = strawberry.field(description="SHA-256 of the policy, in hex.")
    rule_id: str = strawberry.field(description="The rule that decided; opaque in live.")
    score_as_of: datetime | None = strawberry.field(description="When the score behind it was measured.")


@strawberry.type(description="What is owed, what has been settled, and whether it is late.")
class Settlement:
    settlement: strawberry.Private[domain_settlement.Settlement]

    @resolved("What the user answers for: the amount to be paid, the waived deposit, the limit.")
    def due(self) -> Money:
        return Money.of(self.settlement.due)

    @resolved("How much of it has been settled.")
    def settled(self) -> Money:
        return Money.of(self.settlement.settled)

    @resolved("What is left of it; zero once it has been cancelled or has expired.")
    def outstanding(self) -> Money:
        return Money.of(self.settlement.outstanding)

    @resolved("The last date.")
    def due_at(self) -> datetime | None:
        return self.settlement.due_at

    @resolved("The last date has passed, with its grace, and that counts.")
    def overdue(self) -> bool:
        return self.settlement.overdue


@strawberry.type(
    description=told(
        "A user contests a breach, an overdue mark or a record. Accepting ends it in the user's favour; refusing sends"
        " it to the operator, not to the merchant's own judgement; silence until respondBy upholds the user.",
        _DISPUTE_SCOPES,
    ),
    directives=[_DISPUTE_SCOPES],
)
class Dispute(Node):
    decision_id: strawberry.Private[str]
    subject: Contested = strawberry.field(description="What is contested.")
    opened_by: Party = strawberry.field(description="Who opened it.")
    status: DisputeStatus = strawberry.field(description="Where it stands.")
    statement: str = strawberry.field(description="What the user says; empty once the user has been erased.")
    response: str | None = strawberry.field(description="What you answered.")
    evidence: list[Url] = strawberry.field(description="The addresses that you gave. They are never fetched.")
    opened_at: datetime = strawberry.field(description="When it was opened.")
    respond_by: datetime = strawberry.field(description="Silence until then upholds the user.")
    resolved_at: datetime | None = strawberry.field(description="When it ended; null while it is open.")
    resolution: str | None = strawberry.field(description="Why the operator decided so, if the operator did.")

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

    @resolved("The decision that it is about.")
    def decision(self, info: Info) -> "Decision | None":
        return _find_decision(info, self.decision_id)


@strawberry.interface(
    description="Something that happened. Timeline entries, webhook payloads and the subscription share it."
)
class Event(Node):
    occurred_at: datetime = strawberry.field(description="When, in business time.")
    topic: Topic = strawberry.field(description="What happened.")


@strawberry.type(description="Something that happened to a decision.")
class DecisionEvent(Event):
    decision_id: strawberry.Private[str]
    from_: Status | None = strawberry.field(name="from", description="Status before; null for the first event.")
    to: Status = strawberry.field(description="Status after.")
    actor: Actor = strawberry.field(description="Who did it.")
    note: str | None = strawberry.field(description="What was said about it, such as the reason of a cancellation.")

    @classmethod
    def of(cls, event: LoggedEvent) -> "DecisionEvent":
        return cls(
            id=strawberry.ID(event.id),
            occurred_at=event.occurred_at,
            topic=event.topic,
            decision_id=event.decision_id,
            from_=event.before,
            to=event.after,
            actor=event.actor,
            note=event.note,
        )

    @resolved("The decision as it stands now.")
    def decision(self, info: Info) -> "Decision | None":
        return _find_decision(info, self.decision_id)


@strawberry.type(description="Something that happened to a dispute.")
class DisputeEvent(Event):
    dispute_id: strawberry.Private[str]

    @resolved("The dispute as it stands now; null for a token that does not reach it.")
    def dispute(self, info: Info) -> Dispute | None:
        found = info.context.container.disputes.find(info.context.query, self.dispute_id)
        return Dispute.of(found) if found else None


def event_of(event: LoggedEvent) -> Event:
    """The GraphQL form of an entry of a decision's timeline."""
    if event.dispute_id is None:
        return DecisionEvent.of(event)
    return DisputeEvent(
        id=strawberry.ID(event.id), occurred_at=event.occurred_at, topic=event.topic, dispute_id=event.dispute_id
    )


@strawberry.type(
    description=told("One request for trust and everything that happened to it.", _DECISION_SCOPES),
    directives=[_DECISION_SCOPES],
)
class Decision(Node):
    state: strawberry.Private[domain.DecisionState]

    @resolved("Your order or booking number.")
    def merchant_reference(self) -> str:
        return self.state.merchant_reference

    @resolved("What was asked for.")
    def product(self) -> Product:
        return self.state.product

    @resolved("Where it stands.")
    def status(self) -> Status:
        return self.state.status

    @resolved("What was decided. Null until a decision is made; stays null if it was cancelled first.")
    def outcome(self) -> DecisionOutcome | None:
        return outcome_of(self.state.outcome)

    @resolved("What you may call next; drive your buttons from this, not from a copy of our state machine.")
    def available_transitions(self) -> list[Transition]:
        return list(self.state.available_transitions)

    @resolved("Money and time side of the promise; null until APPROVED.")
    def settlement(self) -> Settlement | None:
        settlement = self.state.settlement
        return None if settlement is None else Settlement(settlement=settlement)

    @resolved("The pairwise user id.")
    def subject(self) -> strawberry.ID:
        return strawberry.ID(self.state.subject)

    @resolved("Purpose code it was asked for.")
    def purpose(self) -> str:
        return self.state.purpose

    @resolved("When it was asked for.")
    def created_at(self) -> datetime:
        return self.state.created_at

    @resolved("When it last changed.")
    def updated_at(self) -> datetime:
        return self.state.updated_at

    @classmethod
    def of(cls, decision: domain.DecisionState) -> "Decision":
        return cls(id=strawberry.ID(decision.id), state=decision)

    @resolved(
        "Which adapter, policy version and rule answered, for your own records. The rule id is opaque in live, so that"
        " it cannot be used to find a score."
    )
    def provenance(self, info: Info) -> DecisionProvenance | None:
        provenance = self.state.provenance
        return DecisionProvenance(
            adapter=provenance.adapter,
            policy_version=provenance.policy_version,
            policy_hash=provenance.policy_hash,
            rule_id=info.context.container.rule_name(provenance.rule_id),
            score_as_of=provenance.score_as_of,
        )

    @resolved(
        "Signed receipt (compact JWS, keys at the issuer's jwks_uri) of the latest log entry: what was decided, under"
        " which policy, when. Anyone can verify it offline, without asking this server."
    )
    def receipt(self, info: Info) -> str | None:
        container, query = info.context.container, info.context.query
        decision = container.decisions.find(query, self.id)
        return container.receipts.sign(query, decision) if decision else None

    @resolved("The consent under which it was asked.")
    def consent(self, info: Info) -> Consent:
        query = info.context.query
        consent = info.context.container.consents.seen(query, self.state.consent_id)
        if consent is None:
            raise LookupError("a decision that is seen has a consent that is seen")
        return Consent.of(consent, query.now)

    @resolved("Every change, oldest first.", slicing=["first", "last"], sized_fields=["edges", "nodes"])
    def timeline(
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> Connection[Event]:
        request = page_request(_TIMELINE, first, after, last, before)
        events = info.context.container.decisions.list_events(info.context.query, self.id)
        return connection_of(_TIMELINE, [((each.occurred_at, each.id), each) for each in events], event_of, request)

    @resolved(
        "What the user has contested about it, oldest first.",
        scopes=["decisions:read"],
        slicing=["first", "last"],
        sized_fields=["edges", "nodes"],
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
    found = info.context.container.decisions.find(info.context.query, decision_id)
    return Decision.of(found) if found else None
