"""What can happen, and who did it: names shared by the log, the outbox and the timeline (schema: WebhookTopic)."""

from enum import StrEnum


class Topic(StrEnum):
    DECISION_PENDING = "DECISION_PENDING"
    DECISION_APPROVED = "DECISION_APPROVED"
    DECISION_DECLINED = "DECISION_DECLINED"
    DECISION_CANCELLED = "DECISION_CANCELLED"
    DECISION_EXPIRED = "DECISION_EXPIRED"
    CONSENT_GRANTED = "CONSENT_GRANTED"
    CONSENT_REVOKED = "CONSENT_REVOKED"


class Actor(StrEnum):
    MERCHANT = "MERCHANT"
    USER = "USER"
    OPERATOR = "OPERATOR"
    CLOCK = "CLOCK"
    GATEWAY = "GATEWAY"
