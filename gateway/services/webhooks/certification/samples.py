"""Sample events for a receiver: one of every topic, and such as a later version of the gateway may send."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from gateway.domain.consents.consent import ConsentStatus
from gateway.domain.decisions.dispute import Contested, DisputeStatus
from gateway.domain.decisions.settlement import Settlement
from gateway.domain.decisions.transitions import RULES, Status
from gateway.domain.environment import EnvironmentLabel
from gateway.domain.events import Actor, Topic
from gateway.domain.merchants import Product
from gateway.domain.money import Money
from gateway.domain.webhooks.envelope import render_envelope
from gateway.domain.webhooks.notice import (
    ConsentData,
    Data,
    DecisionData,
    DisputeData,
    EndpointData,
    EndpointTestData,
    Notice,
    Subject,
    SubjectType,
    data_type_of,
    subject_type_of,
)
from gateway.kit.clock import WallClock
from gateway.kit.ids import Ids

REFERENCE = "订单-2026-17"
"""A merchant's reference that is not ASCII, as references may be."""

CENTS = 30_000
WITHOUT_APPROVAL = {Topic.DECISION_PENDING, Topic.DECISION_DECLINED}
_NOUNS = {SubjectType.DECISION: "dec", SubjectType.CONSENT: "con", SubjectType.ENDPOINT: "whe", SubjectType.TEST: "tst"}
_ENDED = {"CONSENT_REVOKED": ConsentStatus.REVOKED, "CONSENT_EXPIRED": ConsentStatus.EXPIRED}
_ACTORS = {
    Topic.TIER_CORRECTED: Actor.GATEWAY,
    Topic.ENDPOINT_DISABLED: Actor.GATEWAY,
    Topic.DECISION_CLAIM_DELIVERED: Actor.GATEWAY,
    Topic.DECISION_PENDING: Actor.GATEWAY,
    Topic.DECISION_APPROVED: Actor.GATEWAY,
    Topic.DECISION_DECLINED: Actor.GATEWAY,
    Topic.DECISION_CLAIMED: Actor.USER,
    Topic.DECISION_CLAIM_WITHDRAWN: Actor.USER,
    Topic.DISPUTE_OPENED: Actor.USER,
    Topic.DISPUTE_RESOLVED: Actor.OPERATOR,
    Topic.CONSENT_GRANTED: Actor.USER,
    Topic.CONSENT_NARROWED: Actor.USER,
    Topic.CONSENT_REVOKED: Actor.USER,
    **dict.fromkeys(
        (
            Topic.DECISION_OVERDUE,
            Topic.DECISION_LAPSED,
            Topic.DECISION_WRITTEN_OFF,
            Topic.DECISION_EXPIRING,
            Topic.DECISION_EXPIRED,
            Topic.DECISION_CLAIM_ACCEPTED,
            Topic.DISPUTE_REMINDER,
            Topic.CONSENT_EXPIRING,
            Topic.CONSENT_EXPIRED,
        ),
        Actor.CLOCK,
    ),
}
"""Who usually causes an event. MERCHANT for all other topics."""

WEEK = timedelta(days=7)
_DUE = {Topic.DECISION_REDUCED: CENTS * 2 // 3}
_SETTLED = {Topic.DECISION_PART_SETTLED: CENTS // 3, Topic.DECISION_FULFILLED: CENTS}
_PAST_DUE = frozenset(
    {
        Topic.DECISION_OVERDUE,
        Topic.DECISION_LAPSED,
        Topic.DECISION_BREACHED,
        Topic.DECISION_BREACH_VOIDED,
        Topic.DECISION_WRITTEN_OFF,
    }
)
_DISPUTES = {Topic.DISPUTE_ANSWERED: DisputeStatus.UNDER_REVIEW, Topic.DISPUTE_RESOLVED: DisputeStatus.UPHELD}
_STATUSES: Mapping[Topic, tuple[Status | None, Status]] = {
    Topic.DECISION_PENDING: (None, Status.PENDING),
    Topic.DECISION_EXPIRING: (Status.APPROVED, Status.APPROVED),
    **{rule.topic: (min(rule.sources), rule.target) for rule in RULES.values() if isinstance(rule.topic, Topic)},
}
"""Status before and after an event. Events without a transition happen to active decisions."""


@dataclass(frozen=True, slots=True)
class Sample:
    """An event as it is sent: its id and its body."""

    id: str
    body: bytes

    def changed(self, **members: Any) -> "Sample":
        """Returns the event with other or further members of its envelope."""
        return Sample(self.id, encode({**json.loads(self.body), **members}))

    def with_data(self, **members: Any) -> "Sample":
        """Returns the event with other or further members of its data."""
        return self.changed(data={**json.loads(self.body)["data"], **members})

    def with_other_layout(self) -> "Sample":
        """Returns the event with spaces, line ends and escape sequences in its JSON."""
        return Sample(self.id, json.dumps(json.loads(self.body), indent=2, ensure_ascii=True).encode())


@dataclass(frozen=True, slots=True)
class Samples:
    """Makes sample events of a merchant that does not exist. Each has new ids, except those that the caller passes.
    Decisions have this product, and amounts in this currency."""

    clock: WallClock
    ids: Ids = field(default_factory=lambda: Ids("test_"))
    product: Product = Product.DEPOSIT_WAIVER
    currency: str = "CNY"

    def new_subject(self, topic: Topic) -> str:
        """Returns the id of a new decision, consent, endpoint or test, as the events of this topic are about."""
        return self.ids.new(_NOUNS[subject_type_of(topic)])

    def event(self, topic: Topic, subject: str | None = None, sequence: int = 1) -> Sample:
        """Returns an event of the topic about this subject, or about a new one."""
        now, about = self.clock(), Subject(subject_type_of(topic), subject or self.new_subject(topic))
        notice = Notice(
            topic=topic,
            occurred_at=now,
            event_id=self.ids.new("evt"),
            environment=EnvironmentLabel.SANDBOX,
            merchant_id=self.ids.new("mer"),
            subject=about,
            sequence=sequence,
            actor=actor_of(topic),
            data=self.data(topic, about.id, now),
        )
        return Sample(notice.event_id, render_envelope(notice))

    def data(self, topic: Topic, subject: str, now: datetime) -> Data:
        """Returns the data of an event of the topic that happens now, about this subject."""
        kind, due_at = data_type_of(topic), now + (-WEEK if topic in _PAST_DUE else WEEK)
        if kind is EndpointTestData:
            return EndpointTestData(message="Your endpoint gets events.")
        if kind is ConsentData:
            status = _ENDED.get(topic, ConsentStatus.ACTIVE)
            return ConsentData(consent_id=subject, subject=self.ids.new("usr"), status=status, scopes=("score:tier",))
        if kind is DisputeData:
            return DisputeData(
                dispute_id=self.ids.new("dsp"),
                kind=Contested.BREACH,
                respond_by=due_at,
                status=_DISPUTES.get(topic, DisputeStatus.AWAITING_MERCHANT),
                merchant_reference=REFERENCE,
            )
        if kind is EndpointData:
            return EndpointData(endpoint_id=subject, reason="No success for 5 days.")
        amount, due = Money(CENTS, self.currency), Money(_DUE.get(topic, CENTS), self.currency)
        settled = Money(_SETTLED.get(topic, 0), self.currency)
        settlement = Settlement(due, settled, due - settled, due_at, overdue=topic is Topic.DECISION_OVERDUE)
        is_approved = topic not in WITHOUT_APPROVAL
        before, after = _STATUSES.get(topic, (Status.ACTIVE, Status.ACTIVE))
        return DecisionData(
            merchant_reference=REFERENCE,
            product=self.product,
            before=before,
            after=after,
            exposed=amount if is_approved else None,
            settlement=settlement if is_approved else None,
            consent_id=self.ids.new("con"),
            reason_codes=("EXPOSURE_LIMIT_REACHED",) if topic is Topic.DECISION_DECLINED else (),
        )


def actor_of(topic: Topic) -> Actor:
    """Returns who usually causes an event of this topic."""
    return _ACTORS.get(topic, Actor.MERCHANT)


def encode(document: Mapping[str, Any]) -> bytes:
    """Returns a JSON document in the layout in which the gateway sends events."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
