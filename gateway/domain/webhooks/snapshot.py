"""Snapshots of events: taken in the commit of the event, kept in the outbox, and read when the message is rendered.

A snapshot is a JSON document with the time, the actor and the data of the message. That of a decision or a dispute also
has the key of the adapter, in whose format the message is rendered.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from gateway.domain.consents.consent import Consent, ConsentStatus
from gateway.domain.consents.version import ConsentAction, ConsentVersion
from gateway.domain.decisions.decision import DecisionEvent
from gateway.domain.decisions.dispute import Contested, DisputeStatus
from gateway.domain.decisions.outcome import Approval
from gateway.domain.decisions.reason import REASONS, seen_by_merchant
from gateway.domain.decisions.state import DecisionState
from gateway.domain.environment import EnvironmentLabel
from gateway.domain.errors import InvalidInput
from gateway.domain.events import Actor, Topic
from gateway.domain.json_members import decode, encode
from gateway.domain.period import format_moment, parse_moment
from gateway.domain.webhooks.notice import (
    ConsentData,
    Data,
    DecisionData,
    DisputeData,
    EndpointData,
    Notice,
    Subject,
    data_type_of,
    subject_type_of,
)

_SEEN = frozenset(seen_by_merchant(REASONS))  # an unknown code must not make the commit fail, so it is left out
Snapshot = dict[str, Any]
ADAPTER = "adapter"
"""The member with the key of the adapter."""


def snapshot(at: datetime, actor: Actor, data: Data) -> Snapshot:
    """Returns the snapshot of an event. `at` is its business time."""
    return {"occurredAt": format_moment(at), "actor": actor.value, "data": encode(type(data), data)}


def snapshot_decision(state: DecisionState, event: DecisionEvent, actor: Actor) -> Snapshot:
    """Returns the snapshot of an event of a decision. `state` is the state after it."""
    outcome = state.outcome
    data = DecisionData(
        merchant_reference=state.merchant_reference,
        product=state.product,
        before=event.before,
        after=event.after,
        exposed=outcome.terms.exposed if isinstance(outcome, Approval) else None,
        settlement=state.settlement,
        consent_id=state.consent_id,
        reason_codes=tuple(code for code in outcome.reasons if code in _SEEN),
    )
    return {**snapshot(event.at, actor, data), ADAPTER: state.adapter}


def snapshot_dispute(
    state: DecisionState,
    event: DecisionEvent,
    actor: Actor,
    dispute_id: str,
    kind: str,
    respond_by: datetime,
    status: str,
) -> Snapshot:
    """Returns the snapshot of an event of a dispute about the decision with this state, with the kind and status of the
    dispute after it."""
    data = DisputeData(
        dispute_id=dispute_id,
        kind=Contested(kind),
        respond_by=respond_by,
        status=DisputeStatus(status),
        merchant_reference=state.merchant_reference,
    )
    return {**snapshot(event.at, actor, data), ADAPTER: state.adapter}


def snapshot_consent(subject: str, version: ConsentVersion) -> Snapshot:
    """Returns the snapshot of a change of a consent. `subject` is the pairwise user id, `version` the version that the
    change made."""
    is_revoked = version.action is ConsentAction.REVOKED
    data = ConsentData(
        consent_id=version.consent_id,
        subject=subject,
        status=ConsentStatus.REVOKED if is_revoked else ConsentStatus.ACTIVE,
        scopes=version.scopes,
    )
    return snapshot(version.at, version.actor, data)


def snapshot_consent_end(consent: Consent, status: ConsentStatus, at: datetime) -> Snapshot:
    """Returns the snapshot of a consent that expires soon or has expired. `at` is the business time."""
    data = ConsentData(consent_id=consent.id, subject=consent.subject, status=status, scopes=consent.scopes)
    return snapshot(at, Actor.CLOCK, data)


def snapshot_first_use(consent_id: str, subject: str, scopes: Sequence[str], at: datetime) -> Snapshot:
    """Returns the snapshot of the first use of a consent by its merchant. `subject` is the pairwise user id, `scopes`
    are those of the consent, `at` is the business time."""
    data = ConsentData(consent_id=consent_id, subject=subject, status=ConsentStatus.ACTIVE, scopes=tuple(scopes))
    return snapshot(at, Actor.MERCHANT, data)


def snapshot_tier_correction(consent: Consent, at: datetime) -> Snapshot:
    """Returns the snapshot of a correction of the tier that was read under a consent. It has neither the tier nor its
    cause. `at` is the business time. The actor is the gateway, which computed the tier again: who corrected the record
    can be another merchant, its source or the operator, which is not for this merchant to know."""
    data = ConsentData(
        consent_id=consent.id, subject=consent.subject, status=ConsentStatus.ACTIVE, scopes=consent.scopes
    )
    return snapshot(at, Actor.GATEWAY, data)


def snapshot_endpoint(endpoint_id: str, reason: str, at: datetime) -> Snapshot:
    """Returns the snapshot of an endpoint that the gateway has disabled. `at` is the business time."""
    return snapshot(at, Actor.GATEWAY, EndpointData(endpoint_id=endpoint_id, reason=reason))


def notice_of_snapshot(
    kept: Mapping[str, Any],
    *,
    topic: Topic,
    event_id: str,
    merchant_id: str,
    subject_id: str,
    sequence: int,
    environment: EnvironmentLabel,
) -> Notice:
    """Returns the event in a snapshot. Raises ValueError for a document that is no snapshot, such as those of versions
    that did not deliver messages."""
    try:
        return Notice(
            topic=topic,
            occurred_at=parse_moment(kept["occurredAt"]),
            event_id=event_id,
            environment=environment,
            merchant_id=merchant_id,
            subject=Subject(subject_type_of(topic), subject_id),
            sequence=sequence,
            actor=Actor(kept["actor"]),
            data=decode(data_type_of(topic), kept["data"]),
        )
    except (KeyError, TypeError, InvalidInput) as error:
        raise ValueError(f"not a snapshot: {error}") from None
