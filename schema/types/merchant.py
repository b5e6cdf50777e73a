"""The merchant that a token acts for, and its decision log."""

import strawberry

from gateway.domain import merchant as domain
from gateway.domain.product import Product
from gateway.services.decisions import Window
from schema.connection import After, Before, First, Last, asked, page
from schema.context import Info
from schema.directives import resolved
from schema.types.decision import DecisionConnection, Narrowed, Ordered, narrowing
from schema.types.enums import DecisionOrder
from schema.types.node import Node


@strawberry.type(description="A business that asks for decisions.")
class Merchant(Node):
    name: str = strawberry.field(description="As registered with the operator.")
    products: list[Product] = strawberry.field(description="Products this merchant is contracted for.")

    @classmethod
    def of(cls, merchant: domain.Merchant) -> "Merchant":
        return cls(id=strawberry.ID(merchant.id), name=merchant.name, products=list(merchant.products))

    @resolved("Decision log, newest first.", scopes=["decisions:read"], slicing=["first", "last"])
    def decisions(
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
        filter: Narrowed = strawberry.UNSET,  # noqa: A002 - the contract's name
        order_by: Ordered = DecisionOrder.CREATED_AT_DESC,
    ) -> DecisionConnection | None:
        order = order_by or DecisionOrder.CREATED_AT_DESC
        wanted = asked(order, first, after, last, before)
        narrowed = narrowing(filter)
        window = Window(
            limit=wanted.size + 1,
            by_update=order is DecisionOrder.UPDATED_AT_DESC,
            descending=order is not DecisionOrder.CREATED_AT_ASC,
            after=wanted.after,
            before=wanted.before,
        )
        found = info.context.services.decisions.page(
            info.context.reading, narrowed, window.reversed() if wanted.backward else window
        )
        return DecisionConnection.of(page(found, wanted), order, narrowed)
