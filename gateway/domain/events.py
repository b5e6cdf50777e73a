"""Event topics and actors, shared by the log, the outbox and the timeline (schema: WebhookTopic)."""

from enum import StrEnum


class Topic(StrEnum):
    DECISION_PENDING = "DECISION_PENDING"
    DECISION_APPROVED = "DECISION_APPROVED"
    DECISION_DECLINED = "DECISION_DECLINED"
    DECISION_ACTIVATED = "DECISION_ACTIVATED"
    DECISION_EXTENDED = "DECISION_EXTENDED"
    DECISION_PART_SETTLED = "DECISION_PART_SETTLED"
    DECISION_OVERDUE = "DECISION_OVERDUE"
    DECISION_LAPSED = "DECISION_LAPSED"
    DECISION_FULFILLED = "DECISION_FULFILLED"
    DECISION_BREACHED = "DECISION_BREACHED"
    DECISION_BREACH_VOIDED = "DECISION_BREACH_VOIDED"
    DECISION_WRITTEN_OFF = "DECISION_WRITTEN_OFF"
    DECISION_CANCELLED = "DECISION_CANCELLED"
    DECISION_EXPIRED = "DECISION_EXPIRED"
    DISPUTE_OPENED = "DISPUTE_OPENED"
    DISPUTE_ANSWERED = "DISPUTE_ANSWERED"
    DISPUTE_RESOLVED = "DISPUTE_RESOLVED"
    CONSENT_GRANTED = "CONSENT_GRANTED"
    CONSENT_REVOKED = "CONSENT_REVOKED"


class Actor(StrEnum):
    """Who caused an event. MERCHANT: the merchant's client. USER: the person. OPERATOR: the operator, by a command.
    CLOCK: the scheduler, which applies transitions at their due time and upholds disputes to which the merchant did not
    respond in time. GATEWAY: the policy, which decided a request."""

    MERCHANT = "MERCHANT"
    USER = "USER"
    OPERATOR = "OPERATOR"
    CLOCK = "CLOCK"
    GATEWAY = "GATEWAY"
