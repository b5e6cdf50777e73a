"""The merchant of an access token, and its decision log."""

from datetime import datetime
from functools import partial
from typing import Annotated, TypeVar

import strawberry

from gateway.domain.decisions.dispute import DisputeStatus
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import Status
from gateway.domain.events import Topic
from gateway.domain.identity.principal import Principal
from gateway.domain.merchants import Product
from gateway.services.events import list_feed
from gateway.services.webhooks.queries import list_endpoints
from gateway.store.decisions import disputes as stored
from gateway.store.decisions.pages import MAX_COUNT, Filter, Window
from schema.connection import (
    DEFAULT_SIZE,
    After,
    Before,
    Connection,
    First,
    Last,
    Page,
    connection_of,
    cut_page,
    load_page,
    page_request,
)
from schema.context import Info
from schema.directives import resolved
from schema.errors import BadUserInput
from schema.types.consent import Consent
from schema.types.decision import Decision, Dispute
from schema.types.enums import DecisionOrder
from schema.types.event import Event
from schema.types.node import Node
from schema.types.webhook import WebhookEndpoint, event_of

MAX_FILTER_VALUES = 20
_AT_MOST = f"At most {MAX_FILTER_VALUES} values; repeated ones count once."
_EVENTS, _ENDPOINTS = "EVENTS", "WEBHOOK_ENDPOINTS"
_DISPUTES, _CONSENTS = "MERCHANT_DISPUTES", "MERCHANT_CONSENTS"
_T = TypeVar("_T")


def _as_set(name: str, values: list[_T] | None) -> frozenset[_T] | None:
    if values is None or values is strawberry.UNSET:
        return None
    if len(values) > MAX_FILTER_VALUES:
        raise BadUserInput(f"{name} may have at most {MAX_FILTER_VALUES} values.")
    return frozenset(values)


@strawberry.input(description="Filters for the decision log. A null or absent field does not filter.")
class DecisionFilter:
    products: list[Product] | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"Only decisions for one of these products. An empty list matches nothing. {_AT_MOST}",
    )
    statuses: list[Status] | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"Only decisions with one of these statuses. An empty list matches nothing. {_AT_MOST}",
    )
    created_after: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Only decisions requested after this time."
    )
    created_before: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Only decisions requested before this time."
    )

    def to_store_filter(self) -> Filter:
        """Returns the store's filter. Null and absent fields do not filter. Raises BadUserInput for a list that is too
        long."""
        return Filter(
            products=_as_set("filter.products", self.products),
            statuses=_as_set("filter.statuses", self.statuses),
            created_after=self.created_after or None,
            created_before=self.created_before or None,
        )


@strawberry.input(description="Filters for disputes. A null or absent field does not filter.")
class DisputeFilter:
    statuses: list[DisputeStatus] | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"Only disputes with one of these statuses. An empty list matches nothing. {_AT_MOST}",
    )
    opened_after: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Only disputes opened after this time."
    )
    opened_before: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Only disputes opened before this time."
    )

    def to_store_filter(self) -> stored.DisputeFilter:
        """Returns the store's filter. Null and absent fields do not filter. Raises BadUserInput for a list that is too
        long."""
        return stored.DisputeFilter(
            statuses=_as_set("filter.statuses", self.statuses),
            opened_after=self.opened_after or None,
            opened_before=self.opened_before or None,
        )


DisputeFilterArgument = Annotated[
    DisputeFilter | None, strawberry.argument(description="Filters. Null or absent: all disputes.")
]
FilterArgument = Annotated[
    DecisionFilter | None, strawberry.argument(description="Filters. Null or absent: all decisions.")
]
TopicsArgument = Annotated[
    list[Topic] | None,
    strawberry.argument(
        description=f"Only events of these kinds. Null or absent: all kinds. An empty list matches nothing. {_AT_MOST}"
    ),
]
OrderArgument = Annotated[DecisionOrder | None, strawberry.argument(description="Order of the decisions.")]


@strawberry.type(description="A page of decisions.")
class DecisionConnection(Connection[Decision]):
    filtered: strawberry.Private[Filter]

    @resolved(f"Number of decisions on all pages, at most {MAX_COUNT}.", cost=5)
    def total_count(self, info: Info) -> int:
        return self._count(info)[0]

    @resolved("Whether totalCount is the exact number. False if there are more decisions than it says.", cost=5)
    def total_count_exact(self, info: Info) -> bool:
        return self._count(info)[1]

    def _count(self, info: Info) -> tuple[int, bool]:
        context, filtered = info.context, self.filtered
        return context.find_once(
            ("count", filtered), lambda: context.container.decisions.count(context.query, filtered)
        )

    @classmethod
    def of(cls, page: Page[DecisionState], order: DecisionOrder, filtered: Filter) -> "DecisionConnection":
        by_update = order is DecisionOrder.UPDATED_AT_DESC
        bounds = page.bounds(order, lambda each: (each.updated_at if by_update else each.created_at, each.id))
        return cls(filtered=filtered, bounds=bounds, items=list(map(Decision.of, page.items)))


@strawberry.type(description="A business that requests decisions.")
class Merchant(Node):
    @classmethod
    def of(cls, principal: Principal) -> "Merchant":
        """Returns the merchant of a token. What is selected of it is read then."""
        return cls(id=strawberry.ID(principal.merchant_id))

    @resolved("Name, as registered with the operator.")
    def name(self, info: Info) -> str:
        return info.context.container.merchants.load_own_name(info.context.query)

    @resolved("Products in this merchant's contract.", assumed_size=4)
    def products(self, info: Info) -> list[Product]:
        return list(info.context.container.merchants.list_own_products(info.context.query))

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

    @resolved(
        "The merchant's events, in the order in which they became visible. Poll it instead of receiving webhooks: keep"
        " pageInfo.endCursor and pass it as after. No event ever appears before a cursor that you already have. A token"
        " with decisions:read gets the events of decisions and disputes, one with consents:read those of consents, one"
        " with webhooks:manage those of endpoints and tests; others are left out, also if topics names them. Events are"
        " kept for at least 30 days.",
        scopes=["decisions:read", "consents:read", "webhooks:manage"],
        cost=3,
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
        topics: TopicsArgument = strawberry.UNSET,
    ) -> Connection[Event] | None:
        request = page_request(_EVENTS, first, after, last, before)
        page = load_page(request, partial(list_feed, info.context.query, _as_set("topics", topics)))
        bounds = page.bounds(_EVENTS, lambda each: (each.occurred_at, each.id))
        return Connection(bounds=bounds, items=list(map(event_of, page.items)))

    @resolved(
        "The merchant's webhook endpoints, oldest first.",
        scopes=["webhooks:manage"],
        cost=2,
        slicing=["first", "last"],
        sized_fields=["edges", "nodes"],
        assumed_size=DEFAULT_SIZE,
    )
    def webhook_endpoints(
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> Connection[WebhookEndpoint] | None:
        request = page_request(_ENDPOINTS, first, after, last, before)
        endpoints = list_endpoints(info.context.query)
        return connection_of(
            _ENDPOINTS, [((each.created_at, each.id), each) for each in endpoints], WebhookEndpoint.of, request
        )

    @resolved(
        "Disputes of the merchant's decisions, newest first.",
        scopes=["decisions:read", "disputes:write"],
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
        filter: DisputeFilterArgument = strawberry.UNSET,  # noqa: A002
    ) -> Connection[Dispute] | None:
        request = page_request(_DISPUTES, first, after, last, before)
        filtered = filter.to_store_filter() if filter else stored.DisputeFilter()
        window = stored.DisputeWindow(request.size + 1, request.backward, request.after, request.before)
        page = cut_page(info.context.container.disputes.list_page(info.context.query, filtered, window), request)
        bounds = page.bounds(_DISPUTES, lambda each: (each.opened_at, each.id))
        return Connection(bounds=bounds, items=list(map(Dispute.of, page.items)))

    @resolved(
        "Consents that users granted to the merchant, also ended ones. The newest is first; a change keeps the place.",
        scopes=["consents:read"],
        cost=2,
        slicing=["first", "last"],
        sized_fields=["edges", "nodes"],
        assumed_size=DEFAULT_SIZE,
    )
    def consents(
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> Connection[Consent] | None:
        request, query = page_request(_CONSENTS, first, after, last, before), info.context.query
        page = load_page(request, partial(info.context.container.consents.list_page, query))
        bounds = page.bounds(_CONSENTS, lambda each: (each.granted_at, each.id))
        return Connection(bounds=bounds, items=[Consent.of(each, query.now) for each in page.items])
