"""What a person is informed about. A notice holds ids only; its text is made in the person's language when it is shown
or sent."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from gateway.domain.decisions.decision import DecisionEvent
from gateway.domain.decisions.dispute import DisputeStatus
from gateway.domain.decisions.state import DecisionState
from gateway.domain.events import Actor, Topic
from gateway.domain.merchants import Product
from gateway.kit.clock import BusinessTime, WallTime


class NoticeKind(StrEnum):
    """What a notice is about. CONSENT_GRANTED: also a change of a consent by its person. CONSENT_FIRST_USED: the
    merchant used the consent. CONSENT_EXPIRING and DUE_SOON are written in advance. DECISION_MADE: an approval or a
    decline. CLAIM_UNCONFIRMED: instead of OVERDUE, if the person's claim is open. CLAIM_ACCEPTED: the merchant did not
    contradict it in time. CLAIM_CONTRADICTED: the merchant reported something else; a breach has BREACH_REPORTED.
    DISPUTE_ANSWERED: the merchant refused. DISPUTE_RESOLVED: upheld or rejected. SIGN_IN: from a browser in which the
    person has not signed in before."""

    CONSENT_GRANTED = "CONSENT_GRANTED"
    CONSENT_FIRST_USED = "CONSENT_FIRST_USED"
    CONSENT_EXPIRING = "CONSENT_EXPIRING"
    DECISION_MADE = "DECISION_MADE"
    DUE_SOON = "DUE_SOON"
    OVERDUE = "OVERDUE"
    BREACH_REPORTED = "BREACH_REPORTED"
    CLAIM_UNCONFIRMED = "CLAIM_UNCONFIRMED"
    CLAIM_ACCEPTED = "CLAIM_ACCEPTED"
    CLAIM_CONTRADICTED = "CLAIM_CONTRADICTED"
    DISPUTE_ANSWERED = "DISPUTE_ANSWERED"
    DISPUTE_RESOLVED = "DISPUTE_RESOLVED"
    SIGN_IN = "SIGN_IN"


CONSENT_NOTICE = timedelta(days=7)
"""How long before its end a person is informed about a consent."""

REMINDER = timedelta(hours=48)
"""How long before its due date a person is reminded of an obligation."""

NOT_BEFORE = timedelta(days=1)
"""A person is reminded of a consent or an obligation at the earliest so long after it began. So there is no reminder of
what ends on the same day."""

KEPT = timedelta(days=365)
"""How long a notice is kept."""

_OF_TOPIC = {
    Topic.DECISION_APPROVED: NoticeKind.DECISION_MADE,
    Topic.DECISION_DECLINED: NoticeKind.DECISION_MADE,
    Topic.DECISION_OVERDUE: NoticeKind.OVERDUE,
    Topic.DECISION_BREACHED: NoticeKind.BREACH_REPORTED,
    Topic.DECISION_CLAIM_ACCEPTED: NoticeKind.CLAIM_ACCEPTED,
    Topic.DISPUTE_ANSWERED: NoticeKind.DISPUTE_ANSWERED,
    Topic.DISPUTE_RESOLVED: NoticeKind.DISPUTE_RESOLVED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One notice of a person. `subject_id` is the id of the consent, the decision or the imported record that it is
    about, `merchant_id` the merchant's; both are None for a sign-in. `product` is that of the decision. `business_at`
    is when it happened, or the date in advance of which it was written. `created_at` is when it reached the inbox."""

    user_id: str
    id: str
    kind: NoticeKind
    merchant_id: str | None
    subject_id: str | None
    product: Product | None
    business_at: BusinessTime | None
    created_at: WallTime
    read_at: WallTime | None


def kind_of_event(
    event: DecisionEvent,
    actor: Actor,
    dispute: DisputeStatus | None,
    before: DecisionState | None,
    after: DecisionState,
) -> NoticeKind | None:
    """Returns the kind of the notice about an event of a decision, or None if there is none. `dispute` is the status of
    the event's dispute, `before` and `after` are the states of the decision. The person needs no notice of what they
    did themselves. A merchant that accepts a dispute ends it, so there is one notice about both."""
    kind = _OF_TOPIC.get(event.topic) if isinstance(event.topic, Topic) else None
    if actor is Actor.USER or (kind is NoticeKind.DISPUTE_ANSWERED and dispute is not DisputeStatus.UNDER_REVIEW):
        return None
    if kind is NoticeKind.OVERDUE and after.claim_is_open:
        return NoticeKind.CLAIM_UNCONFIRMED
    if kind is None and before is not None and _contradicts_claim(event, before, after):
        return NoticeKind.CLAIM_CONTRADICTED
    return kind


def _contradicts_claim(event: DecisionEvent, before: DecisionState, after: DecisionState) -> bool:
    """Whether the merchant reports something else than the person's open or accepted claim: a part, a later due date,
    or a late settlement. A breach has its own notice, and so has a dispute that was rejected."""
    if not (before.claim_is_open or before.claim_stands):
        return False
    if event.topic is Topic.DECISION_FULFILLED:
        return after.late_counts_from is not None
    return event.topic in {Topic.DECISION_PART_SETTLED, Topic.DECISION_EXTENDED}
