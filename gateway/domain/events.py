"""Event topics and actors, shared by the log, the outbox, webhooks and the timeline (schema: WebhookTopic)."""

from enum import StrEnum


class Topic(StrEnum):
    DECISION_PENDING = "DECISION_PENDING"
    DECISION_APPROVED = "DECISION_APPROVED"
    DECISION_DECLINED = "DECISION_DECLINED"
    DECISION_ACTIVATED = "DECISION_ACTIVATED"
    DECISION_EXTENDED = "DECISION_EXTENDED"
    DECISION_REDUCED = "DECISION_REDUCED"
    DECISION_PART_SETTLED = "DECISION_PART_SETTLED"
    DECISION_OVERDUE = "DECISION_OVERDUE"
    DECISION_LAPSED = "DECISION_LAPSED"
    DECISION_FULFILLED = "DECISION_FULFILLED"
    DECISION_BREACHED = "DECISION_BREACHED"
    DECISION_BREACH_VOIDED = "DECISION_BREACH_VOIDED"
    DECISION_WRITTEN_OFF = "DECISION_WRITTEN_OFF"
    DECISION_CANCELLED = "DECISION_CANCELLED"
    DECISION_EXPIRING = "DECISION_EXPIRING"
    DECISION_EXPIRED = "DECISION_EXPIRED"
    DECISION_CLAIMED = "DECISION_CLAIMED"
    DECISION_CLAIM_DELIVERED = "DECISION_CLAIM_DELIVERED"
    DECISION_CLAIM_ACCEPTED = "DECISION_CLAIM_ACCEPTED"
    DECISION_CLAIM_WITHDRAWN = "DECISION_CLAIM_WITHDRAWN"
    DISPUTE_OPENED = "DISPUTE_OPENED"
    DISPUTE_ANSWERED = "DISPUTE_ANSWERED"
    DISPUTE_REMINDER = "DISPUTE_REMINDER"
    DISPUTE_RESOLVED = "DISPUTE_RESOLVED"
    TIER_CORRECTED = "TIER_CORRECTED"
    CONSENT_GRANTED = "CONSENT_GRANTED"
    CONSENT_NARROWED = "CONSENT_NARROWED"
    CONSENT_FIRST_USED = "CONSENT_FIRST_USED"
    CONSENT_REVOKED = "CONSENT_REVOKED"
    CONSENT_EXPIRING = "CONSENT_EXPIRING"
    CONSENT_EXPIRED = "CONSENT_EXPIRED"
    ENDPOINT_DISABLED = "ENDPOINT_DISABLED"
    TEST = "TEST"


class InternalTopic(StrEnum):
    """Events that only the log has. Merchants neither see them nor get a message."""

    NOTICE_SENT = "NOTICE_SENT"


_WIRE_NAMES = {topic: topic.lower().replace("_", ".", 1) for topic in Topic}
_TOPICS = {name: topic for topic, name in _WIRE_NAMES.items()}


def wire_name(topic: Topic) -> str:
    """Returns the name of a topic in messages: decision.part_settled for DECISION_PART_SETTLED."""
    return _WIRE_NAMES[topic]


def topic_named(name: str) -> Topic:
    """Returns the topic with this name in messages. Raises ValueError for an unknown name."""
    topic = _TOPICS.get(name)
    if topic is None:
        raise ValueError(f"no topic is named {name!r}")
    return topic


class Actor(StrEnum):
    """Who caused an event. MERCHANT: the merchant's client. USER: the person. OPERATOR: the operator, by a command.
    CLOCK: the scheduler, which applies transitions at their due time and upholds disputes to which the merchant did not
    respond in time. GATEWAY: the policy, which decided a request, the delivery of a message, or the score, which was
    corrected."""

    MERCHANT = "MERCHANT"
    USER = "USER"
    OPERATOR = "OPERATOR"
    CLOCK = "CLOCK"
    GATEWAY = "GATEWAY"
