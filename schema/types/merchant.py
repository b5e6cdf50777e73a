"""The merchant of an access token, and its decision log."""

from datetime import datetime
from typing import Annotated

import strawberry

from gateway.domain import merchants as domain
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import Status
from gateway.domain.merchants import Product
from gateway.store.decisions.pages import Filter, Window
from schema.connection import DEFAULT_SIZE, After, Before, Connection, First, Last, Page, cut_page, page_request
from schema.context import Info
from schema.directives import listed, resolved
from schema.types.decision import Decision
from schema.types.enums import DecisionOrder
from schema.types.node import Node


@strawberry.input(description="Filters for the decision log. A null or absent field does not filter.")
class DecisionFilter:
    products: list[Product] | None = strawberry.field(
        default=strawberry.UNSET, description="Only decisions for one of these products."
    )
    statuses: list[Status] | None = strawberry.field(
        default=strawberry.UNSET, description="Only decisions with one of these statuses."
    )
    created_after: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Only decisions requested after this time."
    )
    created_before: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Only decisions requested before this time."
    )

    def to_store_filter(self) -> Filter:
        """Returns the store's filter. Null and absent fields do not filter."""
        return Filter(
            products=tuple(self.products or ()),
            statuses=tuple(self.statuses or ()),
            created_after=self.created_after or None,
            created_before=self.created_before or None,
        )


FilterArgument = Annotated[
    DecisionFilter | None, strawberry.argument(description="Filters. Null or absent: all decisions.")
]
OrderArgument = Annotated[DecisionOrder | None, strawberry.argument(description="Order of the decisions.")]


@strawberry.type(description="A page of decisions.")
class DecisionConnection(Connection[Decision]):
    filtered: strawberry.Private[Filter]

    @resolved("Number of decisions on all pages.", cost=5)
    def total_count(self, info: Info) -> int:
        return info.context.container.decisions.count(info.context.query, self.filtered)

    @classmethod
    def of(cls, page: Page[DecisionState], order: DecisionOrder, filtered: Filter) -> "DecisionConnection":
        by_update = order is DecisionOrder.UPDATED_AT_DESC
        positions = [(each.updated_at if by_update else each.created_at, each.id) for each in page.items]
        items = [Decision.of(each) for each in page.items]
        return cls(filtered=filtered, bounds=page.bounds(order, positions), items=items)


@strawberry.type(description="A business that requests decisions.")
class Merchant(Node):
    name: str = strawberry.field(description="Name, as registered with the operator.")
    products: list[Product] = listed("Products in this merchant's contract.", 4)

    @classmethod
    def of(cls, merchant: domain.Merchant) -> "Merchant":
        return cls(id=strawberry.ID(merchant.id), name=merchant.name, products=list(merchant.products))

    @resolved(
        "The merchant's decisions, newest first unless orderBy says otherwise.",
        scopes=["decisions:read"],
        cost=2,
        slicing=["first", "last"],
        sized_fields=["edges", "nodes"],
        assumed_size=DEFAULT_SIZE,
    )
    def decisions(
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
        filter: FilterArgument = strawberry.UNSET,  # noqa: A002
        order_by: OrderArgument = DecisionOrder.CREATED_AT_DESC,
    ) -> DecisionConnection | None:
        order = order_by or DecisionOrder.CREATED_AT_DESC
        request = page_request(order, first, after, last, before)
        filtered = filter.to_store_filter() if filter else Filter()
        window = Window(
            limit=request.size + 1,
            by_update=order is DecisionOrder.UPDATED_AT_DESC,
            descending=order is not DecisionOrder.CREATED_AT_ASC,
            after=request.after,
            before=request.before,
        )
        decisions = info.context.container.decisions.list_page(
            info.context.query, filtered, window.reversed() if request.backward else window
        )
        return DecisionConnection.of(cut_page(decisions, request), order, filtered)
