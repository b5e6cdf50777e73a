"""The merchant that a token acts for, and its decision log."""

from datetime import datetime
from typing import Annotated

import strawberry

from gateway.domain import merchants as domain
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import Status
from gateway.domain.merchants import Product
from gateway.store.decisions.pages import Filter, Window
from schema.connection import After, Before, Connection, First, Last, Page, cut_page, page_request
from schema.context import Info
from schema.directives import resolved
from schema.types.decision import Decision
from schema.types.enums import DecisionOrder
from schema.types.node import Node


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

    def narrowed(self) -> Filter:
        """The store's filter; null and absent narrow nothing."""
        return Filter(
            products=tuple(self.products or ()),
            statuses=tuple(self.statuses or ()),
            created_after=self.created_after or None,
            created_before=self.created_before or None,
        )


Narrowed = Annotated[DecisionFilter | None, strawberry.argument(description="Which decisions; all if absent.")]
Ordered = Annotated[DecisionOrder | None, strawberry.argument(description="In which order.")]


@strawberry.type(description="A page of decisions.")
class DecisionConnection(Connection[Decision]):
    narrowed: strawberry.Private[Filter]

    @resolved("How many there are in all pages.", cost=5)
    def total_count(self, info: Info) -> int:
        return info.context.container.decisions.count(info.context.query, self.narrowed)

    @classmethod
    def of(cls, page: Page[DecisionState], order: DecisionOrder, narrowed: Filter) -> "DecisionConnection":
        by_update = order is DecisionOrder.UPDATED_AT_DESC
        positions = [(each.updated_at if by_update else each.created_at, each.id) for each in page.items]
        items = [Decision.of(each) for each in page.items]
        return cls(narrowed=narrowed, place=page.place(order, positions), items=items)


@strawberry.type(description="A business that asks for decisions.")
class Merchant(Node):
    name: str = strawberry.field(description="As registered with the operator.")
    products: list[Product] = strawberry.field(description="Products this merchant is contracted for.")

    @classmethod
    def of(cls, merchant: domain.Merchant) -> "Merchant":
        return cls(id=strawberry.ID(merchant.id), name=merchant.name, products=list(merchant.products))

    @resolved(
        "Decision log, newest first.",
        scopes=["decisions:read"],
        slicing=["first", "last"],
        sized_fields=["edges", "nodes"],
    )
    def decisions(
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
        filter: Narrowed = strawberry.UNSET,  # noqa: A002
        order_by: Ordered = DecisionOrder.CREATED_AT_DESC,
    ) -> DecisionConnection | None:
        order = order_by or DecisionOrder.CREATED_AT_DESC
        request = page_request(order, first, after, last, before)
        narrowed = filter.narrowed() if filter else Filter()
        window = Window(
            limit=request.size + 1,
            by_update=order is DecisionOrder.UPDATED_AT_DESC,
            descending=order is not DecisionOrder.CREATED_AT_ASC,
            after=request.after,
            before=request.before,
        )
        found = info.context.container.decisions.list_page(
            info.context.query, narrowed, window.reversed() if request.backward else window
        )
        return DecisionConnection.of(cut_page(found, request), order, narrowed)
