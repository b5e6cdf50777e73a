"""The handlers of the pages about the GraphQL requests of a partner."""

import json
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.domain.decisions.exposure import LIMIT_REACHED
from gateway.domain.decisions.reason import REASONS
from gateway.domain.decisions.state import DecisionState
from gateway.kit.text import refused_character
from gateway.services.sandbox import request_log
from gateway.store.sandbox.request_log import RequestFilter, RequestLogRow
from gateway.store.unit import UnitOfWork
from gateway.web.errors import PageError
from gateway.web.pages.partners.desk import NOT_THERE, REQUESTS, Desk, read_id
from gateway.web.site.redirects import page_address
from gateway.web.site.site import Site
from gateway.web.texts import Texts

PAGE_SIZE = 25
LONGEST_FILTER = 200

_FILTERS = ("request", "operation", "code", "failed")
"""The parameters of the list besides the position."""


@dataclass(frozen=True, slots=True)
class EntryView:
    """An entry of the list."""

    id: str
    name: str
    moment: str
    http_status: int
    error_codes: list[str]
    cost: int
    duration_ms: int
    dropped_before: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a decision has its outcome. `reasons` are pairs of code and text."""

    id: str
    reference: str
    status: str
    rule: str
    policy_version: str
    reasons: list[tuple[str, str]]


def routes(site: Site) -> list[Route]:
    """GET /partners/requests, GET /partners/requests/{id}."""
    page = RequestsPage(site)
    return [Route(REQUESTS, page.show), Route(f"{REQUESTS}/{{id}}", page.show_entry)]


class RequestsPage:
    """The list of requests with its filters, and the page of one request."""

    def __init__(self, site: Site) -> None:
        self._desk = Desk(site)

    async def show(self, request: Request) -> Response:
        """A page of the list, newest first."""
        session = await self._desk.sessions.require(request)
        chosen = {name: _read_text(request, name) for name in _FILTERS}
        after = _read_text(request, "after")
        entries = await self._desk.read(lambda unit: _load_page(unit, session.partner_id, chosen, after))
        texts = self._desk.site.renderer.texts(request)
        shown = entries[:PAGE_SIZE]
        kept = {name: value or None for name, value in chosen.items()}
        return self._desk.page(
            request,
            session,
            "requests/requests.html",
            section=REQUESTS,
            entries=[_describe(texts, each) for each in shown],
            chosen=chosen,
            first=page_address(REQUESTS, kept) if after else "",
            next=page_address(REQUESTS, {**kept, "after": shown[-1].id}) if len(entries) > PAGE_SIZE else "",
            kept_days=request_log.KEPT.days,
        )

    async def show_entry(self, request: Request) -> Response:
        """The request with its response, and what decided its decisions. 404 for an entry of another partner."""
        session, entry_id = await self._desk.sessions.require(request), read_id(request)

        def load(unit: UnitOfWork) -> tuple[RequestLogRow, list[DecisionState]] | None:
            entry = request_log.find_request(unit, session.partner_id, entry_id)
            return None if entry is None else (entry, list(request_log.load_decisions(unit, [entry])[entry.id]))

        loaded = await self._desk.read(load)
        if loaded is None:
            raise PageError(404, NOT_THERE, address=REQUESTS)
        entry, decisions = loaded
        texts = self._desk.site.renderer.texts(request)
        issuer = self._desk.container.settings.issuer
        return self._desk.page(
            request,
            session,
            "requests/entry.html",
            section=REQUESTS,
            entry=_describe(texts, entry),
            request_id=entry.request_id,
            client_id=entry.client_id,
            document=entry.document,
            document_id=entry.document_id,
            variables=_indent(entry.variables),
            response=_indent(entry.response),
            explanations=[self._explain(texts, each) for each in decisions],
            limit_reached=LIMIT_REACHED,
            curl=request_log.write_curl(entry, issuer),
            graphiql=request_log.graphiql_address(entry.id, issuer),
        )

    def _explain(self, texts: Texts, state: DecisionState) -> Explanation:
        language = texts.language
        return Explanation(
            id=state.id,
            reference=state.merchant_reference,
            status=state.status,
            rule=self._desk.container.rule_name(state.rule_id),
            policy_version=state.policy_version,
            reasons=[
                (code, REASONS[code].merchant.text(language)) for code in state.outcome.reasons if code in REASONS
            ],
        )


def _load_page(unit: UnitOfWork, partner_id: str, chosen: dict[str, str], after: str) -> list[RequestLogRow]:
    """One more entry than a page has, if there are more. An unknown position is the beginning."""
    last = request_log.find_request(unit, partner_id, after) if after else None
    filtered = RequestFilter(
        request_id=chosen["request"] or None,
        operation_name=chosen["operation"] or None,
        error_code=chosen["code"] or None,
        only_failed=chosen["failed"] == "yes",
    )
    position = None if last is None else (last.received_at, last.id)
    return request_log.list_requests(unit, partner_id, filtered, PAGE_SIZE + 1, after=position)


def _indent(text: str) -> str:
    """The JSON with a line for each value, or the text itself if it is cut off or no JSON."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _read_text(request: Request, name: str) -> str:
    """The parameter, "" for a text that no entry can have. PostgreSQL rejects NUL in a parameter."""
    text = request.query_params.get(name, "").strip()
    return "" if len(text) > LONGEST_FILTER or refused_character(text) else text


def _describe(texts: Texts, entry: RequestLogRow) -> EntryView:
    return EntryView(
        id=entry.id,
        name=entry.operation_name or "",
        moment=texts.moment(entry.received_at),
        http_status=entry.http_status,
        error_codes=request_log.list_error_codes(entry),
        cost=entry.cost,
        duration_ms=entry.duration_ms,
        dropped_before=entry.dropped_before,
    )
