"""How a change of a decision is written: its row and the person's exposure, and beside them its log entry and its
outbox message, under one event id."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gateway.domain.decision import Status
from gateway.domain.event import Actor, Topic
from gateway.domain.life import Moved
from gateway.kit.clock import rfc3339
from gateway.services.people import log_subject
from gateway.store import commitments, consents, decisions, exposures, outbox
from gateway.store.database import Session
from gateway.store.decisions import DecisionRow
from gateway.store.disputes import DisputeRow
from gateway.store.idempotency import IdempotencyRow
from gateway.store.sealed_log import Event, SealedLog


class DecisionRecorder:
    """Appends to the decision log and the outbox, within the writing unit of the change itself."""

    def __init__(self, log: SealedLog) -> None:
        self._log = log

    def move(
        self,
        session: Session,
        row: DecisionRow,
        moved: Moved,
        actor: Actor,
        personal: Mapping[str, Any],
        *,
        found: str | None = None,
        claim: IdempotencyRow | None = None,
        wall: datetime,
        now: datetime,
    ) -> str:
        """Writes one step of a decision that is locked: its row, what it frees of the person's line, and the record of
        it. `found` is the hash of its state as it was loaded, where the row has been changed since; `claim` is the
        idempotency record of the call that takes the step. Answers the event id."""
        standing, step = moved
        found = found or commitments.of_decision(row)
        before, held = Status(row.status), decisions.standing_of(row).held
        consent = consents.load(session, row.consent_id)
        assert consent is not None  # a foreign key says so
        decisions.move(session, row, standing, now)
        if standing.held < held:
            exposures.release(session, consent.user_id, held - standing.held)
        return self.record(
            session,
            row,
            consent.user_id,
            step.topic,
            actor,
            before=before,
            personal=personal,
            found=found,
            claim=claim,
            wall=wall,
            now=now,
        )

    def record(
        self,
        session: Session,
        row: DecisionRow,
        user_id: str,
        topic: Topic,
        actor: Actor,
        *,
        before: Status | None,
        personal: Mapping[str, Any],
        found: str | None = None,
        dispute: DisputeRow | None = None,
        claim: IdempotencyRow | None = None,
        wall: datetime,
        now: datetime,
    ) -> str:
        """Records that the decision, as `row` now stands, came from `before` by `actor`. `personal` is sealed. `found`
        is the hash of its state as it was loaded, None where the row is as it was; `dispute` is what it is about, if it
        is about one; `claim` is the idempotency record of the call that did it. The entry commits to all of them: none
        may be changed after it in the same unit of work, but for the columns of a dispute that name entries. Answers
        the event id."""
        state = commitments.of_decision(row)
        public = {
            "decision": row.id,
            "client": row.client_id,
            "consent": row.consent_id,
            "product": row.product,
            "purpose": row.purpose,
            "topic": topic,
            "from": before,
            "to": row.status,
            "actor": actor,
            "business_at": rfc3339(now),
            **({"dispute": dispute.id} if dispute else {}),
            "policy": {
                "adapter": row.adapter,
                "version": row.policy_version,
                "hash": row.policy_hash,
                "rule": row.rule_id,
            },
            **({commitments.BEFORE: found or state} if before else {}),
            commitments.DECISION: state,
            **({commitments.DISPUTE: commitments.of_dispute(dispute, row.subject)} if dispute else {}),
            **({commitments.CALL: commitments.of_call(claim, row.subject)} if claim else {}),
        }
        subject = log_subject(session, user_id)
        columns = {"decision_id": row.id}
        event_id = self._log.append(session, Event(row.merchant_id, user_id, subject, public, personal, columns), wall)
        outbox.enqueue(session, outbox.of_event(event_id, row.merchant_id, public, row.merchant_reference, wall))
        return event_id
