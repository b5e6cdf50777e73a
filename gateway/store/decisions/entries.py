"""What an entry of the decision log says about an event, and the snapshot of the event in the outbox."""

from typing import Any

from gateway.domain.decisions.decision import DecisionEvent, StoredDecision
from gateway.domain.decisions.state import DecisionState
from gateway.domain.events import Actor, InternalTopic
from gateway.domain.webhooks.snapshot import Snapshot, snapshot_decision, snapshot_dispute
from gateway.kit.clock import rfc3339
from gateway.store.decisions import digests
from gateway.store.decisions.disputes import DisputeRow
from gateway.store.decisions.idempotency import IdempotencyRow


def public_part(
    state: DecisionState,
    event: DecisionEvent,
    actor: Actor,
    snapshot: Snapshot | None,
    digest: str,
    stored: StoredDecision | None,
    dispute: DisputeRow | None,
    idempotency: IdempotencyRow | None,
) -> dict[str, Any]:
    """Returns the public part of the entry about an event. `state` and `digest` are those after the event, `stored`
    those before it. `snapshot` is that of the message, None if there is none. `dispute` is the dispute of the event,
    `idempotency` the record of the call that caused it."""
    return {
        "decision": state.id,
        "client": state.client_id,
        "consent": state.consent_id,
        "product": state.product,
        "purpose": state.purpose,
        "topic": event.topic,
        "from": event.before,
        "to": event.after,
        "actor": actor,
        "business_at": rfc3339(event.at),
        **({"dispute": dispute.id} if dispute else {}),
        "policy": {
            "adapter": state.adapter,
            "version": state.policy_version,
            "hash": state.policy_hash,
            "rule": state.rule_id,
        },
        **({digests.BEFORE: stored.digest} if stored else {}),
        digests.DECISION: digest,
        **({digests.DISPUTE: digests.digest_dispute(dispute, state.subject)} if dispute else {}),
        **({digests.CALL: digests.digest_call(idempotency, state.subject)} if idempotency else {}),
        **({digests.MESSAGE: digests.digest_message(snapshot, state.subject)} if snapshot else {}),
    }


def snapshot_event(
    state: DecisionState, event: DecisionEvent, actor: Actor, dispute: DisputeRow | None
) -> Snapshot | None:
    """Returns the snapshot of an event of a decision or of its dispute, for its message. None for an event of which
    merchants get no message."""
    if isinstance(event.topic, InternalTopic):
        return None
    if dispute is None:
        return snapshot_decision(state, event, actor)
    return snapshot_dispute(state, event, actor, dispute.id, dispute.subject, dispute.respond_by, dispute.status)
