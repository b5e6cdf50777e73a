"""Disputes: what a user contests, and how it was settled."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.domain import dispute as domain
from gateway.domain.dispute import Contested, DisputeStatus, Party
from schema.connection import Asked, PageInfo, cursor, cut
from schema.context import Info
from schema.directives import needs, resolved, told
from schema.scalars import Url
from schema.types.node import Node

if TYPE_CHECKING:
    from schema.types.decision import Decision

ORDER = "DISPUTES"
_SCOPES = needs("decisions:read", "disputes:write")


@strawberry.type(
    description=told(
        "A user contests a breach, an overdue mark or a record. Accepting ends it in the user's favour; refusing sends"
        " it to the operator, not to the merchant's own judgement; silence until respondBy upholds the user.",
        _SCOPES,
    ),
    directives=[_SCOPES],
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
    def of(cls, dispute: domain.Dispute) -> "Dispute":
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
    def decision(self, info: Info) -> Annotated["Decision", strawberry.lazy("schema.types.decision")] | None:
        from schema.types.decision import Decision  # noqa: PLC0415 - a decision has disputes, a dispute a decision

        found = info.context.services.decisions.find(info.context.reading, self.decision_id)
        return Decision.of(found) if found else None


@strawberry.type(description="One dispute in a list.")
class DisputeEdge:
    cursor: str = strawberry.field(description="Opaque position of this dispute, for after and before.")
    node: Dispute = strawberry.field(description="The dispute.")


@strawberry.type(description="A page of disputes, oldest first.")
class DisputeConnection:
    edges: list[DisputeEdge] = strawberry.field(description="The disputes with their cursors.")
    nodes: list[Dispute] = strawberry.field(description="The disputes alone.")
    page_info: PageInfo = strawberry.field(description="Where this page lies.")

    @classmethod
    def of(cls, found: Sequence[domain.Dispute], wanted: Asked) -> "DisputeConnection":
        """The page of all disputes of a decision. Raises BadUserInput for the cursor of another list."""
        shown = cut([((dispute.opened_at, dispute.id), dispute) for dispute in found], wanted)
        nodes = [Dispute.of(dispute) for _, dispute in shown.items]
        cursors = [cursor(ORDER, at) for at, _ in shown.items]
        return cls(
            edges=[DisputeEdge(cursor=at, node=node) for at, node in zip(cursors, nodes, strict=True)],
            nodes=nodes,
            page_info=shown.info(cursors),
        )
