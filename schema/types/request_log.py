"""The request log of a partner in a sandbox."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import strawberry

from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import Status
from gateway.kit.text import refused_character
from gateway.services.sandbox import request_log
from gateway.store.sandbox.request_log import RequestFilter, RequestLogRow
from schema.connection import Connection, Edge, Page, cut_page, page_request
from schema.context import Context, Info
from schema.directives import describe, listed, require_scopes, resolved
from schema.scalars import Url
from schema.types.node import Node
from schema.types.reason import Reason, reasons_of

_ORDER = "REQUEST_LOG"
_SCOPES = require_scopes("sandbox")
_MOST_EXPLAINED = 10


@strawberry.type(description="Why a decision has its outcome.")
class DecisionExplanation:
    decision_id: strawberry.ID = strawberry.field(description="Id of the decision.")
    merchant_reference: str = strawberry.field(description="Your order or booking number.")
    status: Status = strawberry.field(description="Present status of the decision.")
    rule_id: str = strawberry.field(description="Rule of the policy that decided.")
    policy_version: str = strawberry.field(description="Version of the policy.")
    reasons: list[Reason] = listed("Why it is less than what you asked for, most important first.", 4)

    @classmethod
    def of(cls, state: DecisionState, context: Context) -> "DecisionExplanation":
        return cls(
            decision_id=strawberry.ID(state.id),
            merchant_reference=state.merchant_reference,
            status=state.status,
            rule_id=context.container.rule_name(state.rule_id),
            policy_version=state.policy_version,
            reasons=reasons_of(state.outcome.reasons),
        )


class _Decisions:
    """The decisions of the entries of one page, read for all of them at the first use."""

    def __init__(self, entries: Sequence[RequestLogRow]) -> None:
        self._entries = entries
        self._states: Mapping[str, list[DecisionState]] | None = None

    def of(self, info: Info, entry_id: str) -> list[DecisionState]:
        if self._states is None:
            self._states = info.context.query.read(lambda unit: request_log.load_decisions(unit, self._entries))
        return self._states[entry_id]


@strawberry.type(
    description=describe(
        "One GraphQL request of an app of your partner account, with its response. Tokens, secrets, texts about people"
        " and what looks like a secret are replaced by [redacted]. It is kept for 7 days.",
        _SCOPES,
    ),
    directives=[_SCOPES],
)
class RequestLogEntry(Node):
    row: strawberry.Private[RequestLogRow]
    decisions: strawberry.Private[_Decisions]
    request_id: str = strawberry.field(
        description="Id of the request, as in the header X-Request-ID and in extensions.requestId of the response."
    )
    at: datetime = strawberry.field(description="When the request came, in real time.")
    operation_name: str | None = strawberry.field(description="Name of the operation. Null if it has none.")
    document: str = strawberry.field(
        description="The document. Empty if the request had none that can be read. One of more than 8,000 characters is"
        " cut off."
    )
    variables: str = strawberry.field(
        description="The variables as JSON. Those of more than 8,000 characters are cut off."
    )
    http_status: int = strawberry.field(description="HTTP status of the response.")
    error_codes: list[str] = listed(
        "Codes of the errors of the response, and of the user errors whose code was selected.", 5
    )
    cost: int = strawberry.field(
        description="Cost in points: what it did cost, or would have if nothing was executed. 0 if it was not priced."
    )
    duration_ms: int = strawberry.field(
        description="Time from the header of the request to the end of the response, in milliseconds."
    )
    response: str = strawberry.field(
        description="Body of the response. One of more than 16,000 characters is cut off; one of more than 128 KiB is"
        " not kept."
    )
    dropped_before: int = strawberry.field(
        description="Number of requests of the same app between its previous entry and this one that have no entry,"
        " because too many came at once, or because the database could not be used."
    )

    @classmethod
    def list_of(cls, rows: Sequence[RequestLogRow]) -> "list[RequestLogEntry]":
        """Returns the GraphQL form of the entries of one page."""
        decisions = _Decisions(rows)
        return [
            cls(
                id=strawberry.ID(row.id),
                row=row,
                decisions=decisions,
                request_id=row.request_id,
                at=row.received_at,
                operation_name=row.operation_name,
                document=row.document,
                variables=row.variables,
                http_status=row.http_status,
                error_codes=request_log.list_error_codes(row),
                cost=row.cost,
                duration_ms=row.duration_ms,
                response=row.response,
                dropped_before=row.dropped_before,
            )
            for row in rows
        ]

    @resolved(
        "Command for a shell that sends the request again. Set ACCESS_TOKEN, and for a token that is bound to a key"
        " DPOP_PROOF."
    )
    def curl(self, info: Info) -> str:
        return request_log.write_curl(self.row, info.context.container.settings.issuer)

    @resolved("Page with the request in GraphiQL.")
    def graphiql_url(self, info: Info) -> Url:
        return Url(request_log.graphiql_address(self.row.id, info.context.container.settings.issuer))

    @resolved(
        f"Why: the decisions that the request made or read, at most {_MOST_EXPLAINED}, with what decided them.",
        cost=1,
        assumed_size=1,
    )
    def explanations(self, info: Info) -> list[DecisionExplanation]:
        return [DecisionExplanation.of(each, info.context) for each in self.decisions.of(info, self.row.id)]


@strawberry.type(description="One request log entry in a list.")
class RequestLogEdge(Edge[RequestLogEntry]):
    """An edge with the name of the contract."""


@strawberry.type(description="A page of request log entries.")
class RequestLogConnection(Connection[RequestLogEntry]):
    @resolved("The request log entries with their cursors.")
    def edges(self) -> list[RequestLogEdge]:
        return [RequestLogEdge(cursor=self.bounds.cursor(index), node=node) for index, node in enumerate(self.items)]


@strawberry.input(description="Which requests: those that fulfil all members. Null or absent: all.")
class RequestLogFilter:
    request_id: str | None = strawberry.field(default=strawberry.UNSET, description="Only requests with this id.")
    operation_name: str | None = strawberry.field(
        default=strawberry.UNSET, description="Only requests with this operation name."
    )
    error_code: str | None = strawberry.field(
        default=strawberry.UNSET, description="Only requests with this code among errorCodes."
    )
    only_failed: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Only requests with an error code or an HTTP status that is not 2xx."
    )
    since: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Only requests at this moment or later."
    )

    def read(self) -> RequestFilter:
        """Returns the filter. A text that no entry can have matches none."""
        return RequestFilter(
            request_id=_wanted(self.request_id),
            operation_name=_wanted(self.operation_name),
            error_code=_wanted(self.error_code),
            only_failed=bool(self.only_failed),
            since=self.since or None,
        )


def _wanted(text: str | None) -> str | None:
    if text is None or text is strawberry.UNSET:
        return None
    return "" if refused_character(text) else text  # PostgreSQL does not compare with every character


def load_request_log(
    context: Context, first: int | None, after: str | None, last: int | None, before: str | None, wanted: RequestFilter
) -> RequestLogConnection:
    """Returns a page of the log of the token's partner. Raises BadUserInput for a wrong page size or cursor."""
    request, partner_id = page_request(_ORDER, first, after, last, before), context.principal.partner_id
    rows: Page[RequestLogRow] = cut_page(
        context.query.read(
            lambda unit: request_log.list_requests(
                unit,
                partner_id,
                wanted,
                request.size + 1,
                backward=request.backward,
                after=request.after,
                before=request.before,
            )
        ),
        request,
    )
    bounds = rows.bounds(_ORDER, lambda row: (row.received_at, row.id))
    return RequestLogConnection(bounds=bounds, items=RequestLogEntry.list_of(rows.items))


def find_entry(identifier: str, context: Context) -> RequestLogEntry | None:
    """Returns the entry of the token's partner, None if it has none with this id."""
    partner_id = context.principal.partner_id
    row = context.query.read(lambda unit: request_log.find_request(unit, partner_id, identifier))
    return RequestLogEntry.list_of([row])[0] if row else None
