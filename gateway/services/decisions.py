"""Decisions as they are read, previewed, requested and moved: the class that the doors know."""

from dataclasses import dataclass
from typing import Any

from gateway.domain.decision import Decision, DecisionEvent, Status
from gateway.domain.errors import GatewayError
from gateway.domain.event import Actor, Topic
from gateway.domain.outcome import Outcome
from gateway.domain.period import parse_moment
from gateway.domain.principal import Principal
from gateway.kit.json import decode
from gateway.services.assessment import Assessor
from gateway.services.decision_moves import (
    ActivateInput,
    BreachInput,
    CancelInput,
    DecisionMover,
    ExtendInput,
    FulfillInput,
)
from gateway.services.decision_requests import DecisionRequester, Requested, RequestInput
from gateway.services.questions import Questions
from gateway.services.reading import Reading
from gateway.store import decision_log, decision_pages, decisions
from gateway.store.decision_log import DecisionLogRow
from gateway.store.decision_pages import Filter, Window
from gateway.store.decisions import DecisionRow
from gateway.store.sealed_log import SealedLog

__all__ = [
    "ActivateInput",
    "BreachInput",
    "CancelInput",
    "DecisionMover",
    "DecisionService",
    "ExtendInput",
    "Filter",
    "FulfillInput",
    "Preview",
    "RequestInput",
    "Requested",
    "Window",
]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a request would probably be answered; `outcome` is None exactly when there are blockers."""

    outcome: Outcome | None
    blockers: tuple[GatewayError, ...]


class DecisionService:
    """A user token reaches the decisions under its consent, a merchant token those of its merchant. `moves` is what a
    merchant does to one."""

    def __init__(
        self,
        assessor: Assessor,
        requester: DecisionRequester,
        moves: DecisionMover,
        questions: Questions,
        log: SealedLog,
    ) -> None:
        self._assessor, self._requester, self.moves = assessor, requester, moves
        self._questions, self._log = questions, log

    def find(self, reading: Reading, decision_id: str) -> Decision | None:
        """The decision, None if it does not exist or is not the token's."""
        return _seen(reading, decisions.load(reading.session, decision_id))

    def by_reference(self, reading: Reading, reference: str) -> Decision | None:
        """The decision with this reference of the token's merchant, None as for `find`."""
        return _seen(reading, decisions.by_reference(reading.session, reading.principal.merchant_id, reference))

    def page(self, reading: Reading, narrowed: Filter, window: Window) -> list[Decision]:
        """A page of the token's merchant's decisions."""
        rows = decision_pages.page(reading.session, reading.principal.merchant_id, narrowed, window, reading.now)
        return [decisions.value(row, reading.now) for row in rows]

    def count(self, reading: Reading, narrowed: Filter) -> int:
        return decision_pages.count(reading.session, reading.principal.merchant_id, narrowed, reading.now)

    def timeline(self, reading: Reading, decision_id: str) -> list[DecisionEvent]:
        """What happened to a decision, oldest first; empty if it is not the token's."""
        if self.find(reading, decision_id) is None:
            return []
        return [self._event(reading, row) for row in decision_log.of_decision(reading.session, decision_id)]

    def event(self, reading: Reading, event_id: str) -> DecisionEvent | None:
        """One event, None if its decision is not the token's."""
        row = decision_log.load(reading.session, event_id)
        return self._event(reading, row) if row and self.find(reading, row.decision_id) else None

    def preview(self, reading: Reading, member: str, ask: object, purpose: str | None) -> Preview:
        """What a request with this ask would probably be answered. Reserves nothing; the access is logged."""
        try:
            self._questions.ask(reading.principal)
            assessed = self._assessor.assess(reading.session, reading.principal, member, ask, purpose)
        except GatewayError as error:
            return Preview(None, (error,))
        reading.log("PREVIEW", assessed.purpose, {"product": assessed.adapter.product, **assessed.summary()})
        return Preview(assessed.answer.outcome, ())

    def request(self, principal: Principal, given: RequestInput) -> Requested:
        """Decides and writes the decision, or answers the one that this key made before. Raises InvalidInput,
        ConsentRefused, IdempotencyConflict, Unavailable, LimitReached; then nothing was written."""
        return self._requester.request(principal, given)

    def _event(self, reading: Reading, row: DecisionLogRow) -> DecisionEvent:
        public: dict[str, Any] = decode(row.public)
        personal = self._log.personal(reading.session, row) or {}
        return DecisionEvent(
            id=row.id,
            decision_id=row.decision_id,
            occurred_at=parse_moment(public["business_at"]),
            topic=Topic(public["topic"]),
            before=Status(public["from"]) if public["from"] else None,
            after=Status(public["to"]),
            actor=Actor(public["actor"]),
            note=personal.get("note"),
            dispute_id=public.get("dispute"),
        )


def _seen(reading: Reading, row: DecisionRow | None) -> Decision | None:
    principal = reading.principal
    if row is None or row.merchant_id != principal.merchant_id:
        return None
    if principal.consent is not None and row.consent_id != principal.consent.id:
        return None
    return decisions.value(row, reading.now)
