"""Reads and previews decisions for a token."""

from dataclasses import dataclass
from typing import Any

from gateway.domain.decisions.outcome import Outcome
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.timeline import LoggedEvent
from gateway.domain.decisions.transitions import Status
from gateway.domain.errors import GatewayError, InvalidInput
from gateway.domain.events import Actor, InternalTopic, Topic
from gateway.domain.period import parse_moment
from gateway.kit.json import decode
from gateway.services.decisions.assessment import Assessment, Assessor
from gateway.services.query_unit import QueryUnit
from gateway.store.decisions.pages import Filter, Window
from gateway.store.logs.decision_log import DecisionLogRow, EventWindow, read_public
from gateway.store.unit import UnitOfWork

_INTERNAL = frozenset(topic.value for topic in InternalTopic)


@dataclass(frozen=True, slots=True)
class Preview:
    """The probable outcome of a request. `outcome` is None if there are blockers, and only then."""

    outcome: Outcome | None
    blockers: tuple[GatewayError, ...]


class DecisionQueries:
    """Reads decisions. A user token can read those under its consent, a merchant token those of its merchant."""

    def __init__(self, assessor: Assessor) -> None:
        self._assessor = assessor

    def find(self, query: QueryUnit, decision_id: str) -> DecisionState | None:
        """The decision, None if it does not exist or the token may not read it."""
        return _visible(query, query.read(lambda unit: unit.decisions.load(decision_id)))

    def find_by_reference(self, query: QueryUnit, reference: str) -> DecisionState | None:
        """The decision of the token's merchant with this reference, None as in `find`."""
        merchant_id = query.principal.merchant_id
        return _visible(query, query.read(lambda unit: unit.decisions.load_by_reference(merchant_id, reference)))

    def list_page(self, query: QueryUnit, filtered: Filter, window: Window) -> list[DecisionState]:
        """A page of the decisions of the token's merchant."""
        merchant_id = query.principal.merchant_id
        return query.read(lambda unit: unit.decision_pages.load_page(merchant_id, filtered, window, query.now))

    def count(self, query: QueryUnit, filtered: Filter) -> tuple[int, bool]:
        """The number of decisions of the token's merchant that match the filter, at most 10,000, and whether there are
        no more."""
        merchant_id = query.principal.merchant_id
        return query.read(lambda unit: unit.decision_pages.count(merchant_id, filtered, query.now))

    def list_events(
        self,
        query: QueryUnit,
        decision_id: str,
        size: int = 100,
        *,
        backward: bool = False,
        after: str | None = None,
        before: str | None = None,
    ) -> list[LoggedEvent]:
        """At most `size` events of a decision after and before these event ids, oldest first or, if `backward`, newest
        first. Empty if the token may not read the decision. Raises InvalidInput with the field
        "after" or "before" for the event of another decision."""

        def read(unit: UnitOfWork) -> list[LoggedEvent]:
            if _visible(query, unit.decisions.load(decision_id)) is None:
                return []
            window = EventWindow(size, backward, index(unit, "after", after), index(unit, "before", before))
            return read_events(unit, unit.decision_log.list_page(decision_id, window))

        def index(unit: UnitOfWork, field: str, event_id: str | None) -> int | None:
            entry = unit.decision_log.load(event_id) if event_id else None
            if event_id and (entry is None or entry.decision_id != decision_id or is_internal(entry)):
                raise InvalidInput("INVALID", "is not an event of this decision", (field,))
            return entry.leaf_index if entry else None

        return query.read(read)

    def preview(self, query: QueryUnit, member: str, ask: object, purpose: str | None) -> Preview:
        """The probable outcome of a request with this ask. Reserves nothing. The access is logged."""

        def read(unit: UnitOfWork) -> Assessment:
            principal = query.principal
            adapter = self._assessor.find_adapter(unit, principal.merchant_id, member)
            return self._assessor.assess(unit, principal, adapter, ask, purpose, query.score)

        try:
            query.take_inquiry()
            assessment = query.read(read)
        except GatewayError as error:
            return Preview(None, (error,))
        answered = {"product": assessment.adapter.product, **assessment.summary()}
        query.log_access("PREVIEW", assessment.purpose, answered)
        return Preview(assessment.result.outcome, ())


def _visible(query: QueryUnit, state: DecisionState | None) -> DecisionState | None:
    principal = query.principal
    if state is None or state.merchant_id != principal.merchant_id:
        return None
    if principal.consent is not None and state.consent_id != principal.consent.id:
        return None
    return state.as_of(query.now)


def is_internal(row: DecisionLogRow) -> bool:
    """Whether merchants do not see the event of this entry."""
    return read_public(row).get("topic") in _INTERNAL


def read_events(unit: UnitOfWork, rows: list[DecisionLogRow]) -> list[LoggedEvent]:
    """The events of these entries, in their order."""
    personals = unit.decision_log.open_all(rows)
    return [read_event(row, personal) for row, personal in zip(rows, personals, strict=True)]


def read_event(row: DecisionLogRow, personal: dict[str, Any] | None) -> LoggedEvent:
    """The event of an entry. `personal` is its opened personal part, None if the person's key was destroyed."""
    public: dict[str, Any] = decode(row.public)
    topic = public["topic"]
    return LoggedEvent(
        id=row.id,
        decision_id=row.decision_id,
        occurred_at=parse_moment(public["business_at"]),
        topic=InternalTopic(topic) if topic in _INTERNAL else Topic(topic),
        before=Status(public["from"]) if public["from"] else None,
        after=Status(public["to"]),
        actor=Actor(public["actor"]),
        note=(personal or {}).get("note"),
        dispute_id=public.get("dispute"),
    )
