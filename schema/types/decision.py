"""Decisions, their pages, and previews."""

from datetime import datetime
from typing import Annotated

import strawberry

from gateway.domain import decision as domain
from gateway.domain import settlement as domain_settlement
from gateway.domain.decision import Status, Transition
from gateway.domain.product import Product
from gateway.services.decisions import Filter
from schema.connection import After, Before, First, Last, Page, PageInfo, asked, cursor
from schema.context import Info
from schema.directives import needs, resolved, told
from schema.types.consent import Consent
from schema.types.dispute import ORDER as DISPUTES
from schema.types.dispute import DisputeConnection
from schema.types.enums import DecisionOrder
from schema.types.event import ORDER, EventConnection
from schema.types.money import Money
from schema.types.node import Node
from schema.types.outcome import DecisionOutcome, outcome_of
from schema.types.user_error import UserError

_SCOPES = needs("decisions:read", "decisions:write", "decisions:request")


@strawberry.type(description="Which adapter, policy version and rule answered, for your own records.")
class Ruling:
    adapter: str = strawberry.field(description="Key of the adapter.")
    policy_version: str = strawberry.field(description="Version of the adapter's policy.")
    policy_hash: str = strawberry.field(description="SHA-256 of the policy, in hex.")
    rule_id: str = strawberry.field(description="The rule that decided; opaque in live.")
    score_as_of: datetime | None = strawberry.field(description="When the score behind it was measured.")


@strawberry.type(description="What is owed, what has been settled, and whether it is late.")
class Settlement:
    due: Money = strawberry.field(
        description="What the user answers for: the amount to be paid, the waived deposit, the limit."
    )
    settled: Money = strawberry.field(description="How much of it has been settled.")
    outstanding: Money = strawberry.field(
        description="What is left of it; zero once it has been cancelled or has expired."
    )
    due_at: datetime | None = strawberry.field(description="The last date.")
    overdue: bool = strawberry.field(description="The last date has passed, with its grace, and that counts.")

    @classmethod
    def of(cls, settlement: domain_settlement.Settlement) -> "Settlement":
        return cls(
            due=Money.of(settlement.due),
            settled=Money.of(settlement.settled),
            outstanding=Money.of(settlement.outstanding),
            due_at=settlement.due_at,
            overdue=settlement.overdue,
        )


@strawberry.type(
    description=told("One request for trust and everything that happened to it.", _SCOPES), directives=[_SCOPES]
)
class Decision(Node):
    consent_id: strawberry.Private[str]
    domain_ruling: strawberry.Private[domain.Ruling]
    merchant_reference: str = strawberry.field(description="Your order or booking number.")
    product: Product = strawberry.field(description="What was asked for.")
    status: Status = strawberry.field(description="Where it stands.")
    outcome: DecisionOutcome | None = strawberry.field(
        description="What was decided. Null until a decision is made; stays null if it was cancelled first."
    )
    available_transitions: list[Transition] = strawberry.field(
        description="What you may call next; drive your buttons from this, not from a copy of our state machine."
    )
    settlement: Settlement | None = strawberry.field(
        description="Money and time side of the promise; null until APPROVED."
    )
    subject: strawberry.ID = strawberry.field(description="The pairwise user id.")
    purpose: str = strawberry.field(description="Purpose code it was asked for.")
    created_at: datetime = strawberry.field(description="When it was asked for.")
    updated_at: datetime = strawberry.field(description="When it last changed.")

    @classmethod
    def of(cls, decision: domain.Decision) -> "Decision":
        return cls(
            id=strawberry.ID(decision.id),
            consent_id=decision.consent_id,
            domain_ruling=decision.ruling,
            merchant_reference=decision.merchant_reference,
            product=decision.product,
            status=decision.status,
            outcome=outcome_of(decision.outcome),
            available_transitions=list(decision.transitions),
            settlement=Settlement.of(decision.settlement) if decision.settlement else None,
            subject=strawberry.ID(decision.subject),
            purpose=decision.purpose,
            created_at=decision.created_at,
            updated_at=decision.updated_at,
        )

    @resolved(
        "Which adapter, policy version and rule answered, for your own records. The rule id is opaque in live, so that"
        " it cannot be used to find a score."
    )
    def ruling(self, info: Info) -> Ruling | None:
        ruling = self.domain_ruling
        return Ruling(
            adapter=ruling.adapter,
            policy_version=ruling.policy_version,
            policy_hash=ruling.policy_hash,
            rule_id=info.context.rule_name(ruling.rule_id),
            score_as_of=ruling.score_as_of,
        )

    @resolved(
        "Signed receipt (compact JWS, keys at the issuer's jwks_uri) of the latest log entry: what was decided, under"
        " which policy, when. Anyone can verify it offline, without asking this server."
    )
    def receipt(self, info: Info) -> str | None:
        services, reading = info.context.services, info.context.reading
        decision = services.decisions.find(reading, self.id)
        return services.receipts.receipt(reading, decision) if decision else None

    @resolved("The consent under which it was asked.")
    def consent(self, info: Info) -> Consent:
        reading = info.context.reading
        consent = info.context.services.consents.seen(reading, self.consent_id)
        if consent is None:
            raise LookupError("a decision that is seen has a consent that is seen")
        return Consent.of(consent, reading.now)

    @resolved("Every change, oldest first.", slicing=["first", "last"])
    def timeline(
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> EventConnection:
        wanted = asked(ORDER, first, after, last, before)
        return EventConnection.of(info.context.services.decisions.timeline(info.context.reading, self.id), wanted)

    @resolved(
        "What the user has contested about it, oldest first.", scopes=["decisions:read"], slicing=["first", "last"]
    )
    def disputes(
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> DisputeConnection | None:
        wanted = asked(DISPUTES, first, after, last, before)
        return DisputeConnection.of(info.context.services.disputes.of_decision(info.context.reading, self.id), wanted)


@strawberry.type(description="One decision in a list.")
class DecisionEdge:
    cursor: str = strawberry.field(description="Opaque position of this decision, for after and before.")
    node: Decision = strawberry.field(description="The decision.")


@strawberry.type(description="A page of decisions.")
class DecisionConnection:
    narrowed: strawberry.Private[Filter]
    edges: list[DecisionEdge] = strawberry.field(description="The decisions with their cursors.")
    nodes: list[Decision] = strawberry.field(description="The decisions alone.")
    page_info: PageInfo = strawberry.field(description="Where this page lies.")

    @resolved("How many there are in all pages.", cost=5)
    def total_count(self, info: Info) -> int:
        return info.context.services.decisions.count(info.context.reading, self.narrowed)

    @classmethod
    def of(cls, found: Page[domain.Decision], order: DecisionOrder, narrowed: Filter) -> "DecisionConnection":
        by_update = order is DecisionOrder.UPDATED_AT_DESC
        nodes = [Decision.of(decision) for decision in found.items]
        cursors = [cursor(order, (node.updated_at if by_update else node.created_at, node.id)) for node in nodes]
        return cls(
            narrowed=narrowed,
            edges=[DecisionEdge(cursor=at, node=node) for at, node in zip(cursors, nodes, strict=True)],
            nodes=nodes,
            page_info=found.info(cursors),
        )


@strawberry.type(description="What a request would probably return.")
class DecisionPreview:
    eligible: bool = strawberry.field(description="Whether it would be approved, in full or in part.")
    likely_outcome: DecisionOutcome | None = strawberry.field(
        description="Null when blockers is not empty, and when a person would have to decide."
    )
    blockers: list[UserError] = strawberry.field(
        description="Problems that would stop a real request, such as a product the consent does not cover."
    )


@strawberry.input(one_of=True, description="Names one decision, in one of two ways.")
class DecisionLookup:
    id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Its global id.")
    merchant_reference: str | None = strawberry.field(
        default=strawberry.UNSET, description="Your own order or booking number."
    )


@strawberry.input(description="Narrows the decision log; what is absent narrows nothing.")
class DecisionFilter:
    products: list[Product] | None = strawberry.field(default=strawberry.UNSET, description="Any of these products.")
    statuses: list[Status] | None = strawberry.field(default=strawberry.UNSET, description="Any of these statuses.")
    created_after: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Asked for after this moment."
    )
    created_before: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Asked for before this moment."
    )


def narrowing(given: DecisionFilter | None) -> Filter:
    """The store's filter for what was given; null and absent narrow nothing."""
    if not given:
        return Filter()
    return Filter(
        products=tuple(given.products or ()),
        statuses=tuple(given.statuses or ()),
        created_after=given.created_after or None,
        created_before=given.created_before or None,
    )


Narrowed = Annotated[DecisionFilter | None, strawberry.argument(description="Which decisions; all if absent.")]
Ordered = Annotated[DecisionOrder | None, strawberry.argument(description="In which order.")]
