"""The second phase: what a mutation does to a decision, written together or not at all.

Decision, log entry, access, idempotency record and outbox message share one unit of work. Consent and freshness are
looked at again inside it, so that what was withdrawn between reading and writing is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.domain import decision as rules
from gateway.domain.consent import Consent
from gateway.domain.decision import Decision, Status, Transition, status_at
from gateway.domain.errors import ConsentRefused, IdempotencyConflict, InvalidInput, NotFound, Unavailable
from gateway.domain.event import Actor, Topic
from gateway.domain.idempotency import KEPT_FOR, differing, require_key
from gateway.domain.outcome import Approval, Outcome, Referral
from gateway.domain.principal import Principal
from gateway.kit.clock import WallClock
from gateway.kit.ids import Ids
from gateway.services.access import AccessService
from gateway.services.assessment import Assessment, Assessor, require_covered
from gateway.services.decision_record import DecisionRecorder
from gateway.services.reading import business_now
from gateway.store import consents, decisions, idempotency
from gateway.store.database import Database, Session
from gateway.store.decisions import DecisionRow
from gateway.store.idempotency import IdempotencyRow

LONGEST_TEXT = 255


@dataclass(frozen=True, slots=True)
class RequestInput:
    """The input of decisionRequest. `member` names the adapter's member of DecisionAsk, `ask` is its Ask."""

    idempotency_key: str
    merchant_reference: str
    member: str
    ask: object
    purpose: str | None


@dataclass(frozen=True, slots=True)
class Requested:
    """`replayed` is True when an earlier call with the same key did the work."""

    decision: Decision
    replayed: bool


@dataclass(frozen=True, slots=True)
class CancelInput:
    """The input of decisionCancel. `reason` is the merchant's own words, None for none."""

    decision_id: str
    idempotency_key: str
    reason: str | None


class DecisionWriter:
    """Opens its own units of work: a mutation field is one."""

    def __init__(
        self,
        database: Database,
        assessor: Assessor,
        recorder: DecisionRecorder,
        accesses: AccessService,
        ids: Ids,
        clock: WallClock,
    ) -> None:
        self._database, self._assessor, self._recorder = database, assessor, recorder
        self._accesses, self._ids, self._clock = accesses, ids, clock

    def request(self, principal: Principal, given: RequestInput) -> Requested:
        """See DecisionService.request."""
        require_key(given.idempotency_key)
        _require_text(given.merchant_reference, "merchantReference")
        with self._database.read() as session:
            adapter = self._assessor.adapter(session, principal.merchant_id, given.member)
            document = {
                "merchantReference": given.merchant_reference,
                "ask": {given.member: adapter.ask_document(given.ask)},
                "purpose": given.purpose,
            }
            first = self._first_use(session, principal, "decisionRequest", given.idempotency_key, document)
            if first is not None:
                return Requested(self._replayed(session, principal, first), True)
            assessed = self._assessor.assess(session, principal, given.member, given.ask, given.purpose)
        with self._database.write() as session:
            return self._decide(session, principal, given, document, assessed)

    def _decide(
        self,
        session: Session,
        principal: Principal,
        given: RequestInput,
        document: dict[str, Any],
        assessed: Assessment,
    ) -> Requested:
        wall = self._clock()
        now = business_now(principal, wall)
        consent = self._consent(session, principal)
        first = self._first_use(session, principal, "decisionRequest", given.idempotency_key, document)
        if first is not None:
            return Requested(self._replayed(session, principal, first), True)
        product, requested, place = assessed.adapter.product, assessed.requested, assessed.place
        require_covered(session, consent, product, assessed.purpose, requested, place, now)
        if assessed.measured.valid_until <= now:
            raise Unavailable("SCORE_UNAVAILABLE", "The score went stale while deciding. Send the request again.")
        decision_id = self._ids.new("dec")
        self._claim(session, principal, "decisionRequest", given.idempotency_key, document, decision_id, wall)
        row = _row(decision_id, principal, consent, given, document, assessed, now)
        if not decisions.insert(session, row):
            raise InvalidInput(
                "DUPLICATE_REFERENCE", "Another decision has this merchant reference.", ("merchantReference",)
            )
        self._recorder.record(
            session,
            row,
            consent.user_id,
            _TOPICS[Status(row.status)],
            Actor.GATEWAY,
            before=None,
            personal={"ask": row.ask, **assessed.summary(), "ruling": assessed.answer.ruling.document()},
            wall=wall,
            now=now,
        )
        self._accesses.record(session, principal, "REQUEST", assessed.purpose, {"decision": decision_id}, wall)
        return Requested(decisions.value(row, now), False)

    def cancel(self, principal: Principal, given: CancelInput) -> Decision:
        """See DecisionService.cancel."""
        require_key(given.idempotency_key)
        if given.reason is not None:
            _require_text(given.reason, "reason")
        document = {"decisionId": given.decision_id, "reason": given.reason}
        with self._database.write() as session:
            wall = self._clock()
            now = business_now(principal, wall)
            row = decisions.load(session, given.decision_id, lock=True)
            if row is None or row.merchant_id != principal.merchant_id:
                raise NotFound("There is no such decision.", ("decisionId",))
            first = self._first_use(session, principal, "decisionCancel", given.idempotency_key, document)
            if first is not None:
                return self._replayed(session, principal, first)
            before = Status(row.status)
            step = rules.require(Transition.CANCEL, status_at(before, row.valid_until, now))
            self._claim(session, principal, "decisionCancel", given.idempotency_key, document, row.id, wall)
            decisions.move(session, row, step.target, now)
            consent = consents.load(session, row.consent_id)
            if consent is None:
                raise NotFound("The decision's consent is gone.", ("decisionId",))
            self._recorder.record(
                session,
                row,
                consent.user_id,
                step.topic,
                Actor.MERCHANT,
                before=before,
                personal={"note": given.reason},
                wall=wall,
                now=now,
            )
            return decisions.value(row, now)

    def _consent(self, session: Session, principal: Principal) -> Consent:
        # Locked, so that requests under one consent add up its open decisions one after the other.
        held = principal.consent and consents.load(session, principal.consent.id, lock=True)
        if not held:
            raise ConsentRefused("CONSENT_REVOKED", "The consent is gone. Ask the person again.")
        return held

    def _first_use(
        self, session: Session, principal: Principal, mutation: str, key: str, document: Mapping[str, Any]
    ) -> IdempotencyRow | None:
        """The record of the key's first use. Raises IdempotencyConflict where that was another call."""
        record = idempotency.find(session, principal.partner_id, principal.client_id, mutation, key, self._clock())
        if record is None:
            return None
        consent_id = principal.consent.id if principal.consent else None
        if record.consent_id != consent_id:
            raise IdempotencyConflict("This key was first used under another consent.", ())
        paths = differing(record.input, document)
        if paths:
            raise IdempotencyConflict("This key was first used with another input.", paths)
        return record

    def _claim(
        self,
        session: Session,
        principal: Principal,
        mutation: str,
        key: str,
        document: dict[str, Any],
        decision_id: str,
        wall: datetime,
    ) -> None:
        record = IdempotencyRow(
            partner_id=principal.partner_id,
            client_id=principal.client_id,
            mutation=mutation,
            key=key,
            consent_id=principal.consent.id if principal.consent else None,
            input=document,
            decision_id=decision_id,
            expires_at=wall + KEPT_FOR,
        )
        if not idempotency.claim(session, record, wall):
            # Another unit committed this key between our look and our claim: only under another consent or for
            # another decision, since equal calls wait for one row lock.
            raise IdempotencyConflict("This key is being used by another call.", ())

    def _replayed(self, session: Session, principal: Principal, record: IdempotencyRow) -> Decision:
        row = decisions.load(session, record.decision_id)
        if row is None:
            raise NotFound("The decision of this key is gone.")
        return decisions.value(row, business_now(principal, self._clock()))


_TOPICS = {
    Status.PENDING: Topic.DECISION_PENDING,
    Status.APPROVED: Topic.DECISION_APPROVED,
    Status.DECLINED: Topic.DECISION_DECLINED,
}


def _row(
    decision_id: str,
    principal: Principal,
    consent: Consent,
    given: RequestInput,
    document: Mapping[str, Any],
    assessed: Assessment,
    now: datetime,
) -> DecisionRow:
    outcome, ruling = assessed.answer.outcome, assessed.answer.ruling
    return DecisionRow(
        id=decision_id,
        merchant_id=principal.merchant_id,
        client_id=principal.client_id,
        consent_id=consent.id,
        subject=consent.subject,
        merchant_reference=given.merchant_reference,
        adapter=assessed.adapter.key,
        product=assessed.adapter.product,
        purpose=assessed.purpose,
        status=rules.first_status(outcome),
        ask=document["ask"],
        outcome=outcome.document(),
        policy_version=ruling.policy_version,
        policy_hash=ruling.policy_hash,
        rule_id=ruling.rule_id,
        score_as_of=assessed.measured.as_of,
        amount_minor=assessed.committed.minor,
        currency=assessed.requested.currency,
        valid_until=_last_date(assessed, outcome, now),
        created_at=now,
        updated_at=now,
    )


def _last_date(assessed: Assessment, outcome: Outcome, now: datetime) -> datetime | None:
    if isinstance(outcome, Approval):
        return outcome.valid_until
    return now + assessed.adapter.approval_life if isinstance(outcome, Referral) else None


def _require_text(text: str, field: str) -> None:
    if not 1 <= len(text) <= LONGEST_TEXT or not text.isprintable() or text != text.strip():
        raise InvalidInput("INVALID", f"Needs 1 to {LONGEST_TEXT} printable characters.", (field,))
