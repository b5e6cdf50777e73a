"""The enums of the contract, made from the domain's; a value without a description here stops the process at import."""

from collections.abc import Mapping
from enum import Enum, StrEnum

import strawberry

from gateway.domain.consents.consent import ConsentStatus
from gateway.domain.decisions.dispute import Contested, DisputeStatus, Party
from gateway.domain.decisions.transitions import BreachKind, Status, Transition
from gateway.domain.events import Actor, Topic
from gateway.domain.merchants import Product
from gateway.domain.scoring.score import ThresholdAnswer
from gateway.domain.scoring.tier import Tier
from gateway.settings import EnvironmentName
from schema.strawberry_adapter import describe_enum_values


class DecisionOrder(StrEnum):
    CREATED_AT_DESC = "CREATED_AT_DESC"
    CREATED_AT_ASC = "CREATED_AT_ASC"
    UPDATED_AT_DESC = "UPDATED_AT_DESC"


class UserErrorCode(StrEnum):
    INVALID = "INVALID"
    INVALID_AMOUNT = "INVALID_AMOUNT"
    INVALID_PERIOD = "INVALID_PERIOD"
    UNSUPPORTED_CURRENCY = "UNSUPPORTED_CURRENCY"
    NOT_FOUND = "NOT_FOUND"
    PRODUCT_NOT_ENABLED = "PRODUCT_NOT_ENABLED"
    CONSENT_REVOKED = "CONSENT_REVOKED"
    CONSENT_EXPIRED = "CONSENT_EXPIRED"
    CONSENT_PRODUCT_NOT_COVERED = "CONSENT_PRODUCT_NOT_COVERED"
    CONSENT_PURPOSE_MISMATCH = "CONSENT_PURPOSE_MISMATCH"
    CONSENT_AMOUNT_EXCEEDED = "CONSENT_AMOUNT_EXCEEDED"
    INVALID_TRANSITION = "INVALID_TRANSITION"
    DECISION_EXPIRED = "DECISION_EXPIRED"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    IDEMPOTENCY_IN_PROGRESS = "IDEMPOTENCY_IN_PROGRESS"
    DUPLICATE_REFERENCE = "DUPLICATE_REFERENCE"
    SCORE_UNAVAILABLE = "SCORE_UNAVAILABLE"
    TOO_MANY_INQUIRIES = "TOO_MANY_INQUIRIES"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    UNREACHABLE_URL = "UNREACHABLE_URL"


def _publish(enum: type[Enum], name: str, description: str, values: Mapping[str, str]) -> None:
    strawberry.enum(enum, name=name, description=description)
    describe_enum_values(enum, values)


_publish(
    EnvironmentName,
    "Environment",
    "Which kind of deployment this is.",
    {"SANDBOX": "Test people and test money.", "LIVE": "Real people."},
)
_publish(
    Tier,
    "Tier",
    "Bands of the 350 to 950 scale: BUILDING 350-549, FAIR 550-599, GOOD 600-649, VERY_GOOD 650-699, EXCELLENT"
    " 700-950.",
    {
        "UNSCORED": "There is too little to go by for a score.",
        "BUILDING": "350 to 549.",
        "FAIR": "550 to 599.",
        "GOOD": "600 to 649.",
        "VERY_GOOD": "650 to 699.",
        "EXCELLENT": "700 to 950.",
    },
)
_publish(
    ThresholdAnswer,
    "ThresholdAnswer",
    "The answer to meetsTier.",
    {
        "YES": "The tier is at or above the one asked about.",
        "NO": "The tier is below the one asked about.",
        "CANNOT_ASSESS": "The user is not scored.",
    },
)
_publish(
    ConsentStatus,
    "ConsentStatus",
    "Whether a consent is in force.",
    {
        "ACTIVE": "It is in force.",
        "EXPIRED": "Its time ran out.",
        "REVOKED": "The user took it back.",
    },
)
_publish(
    Product,
    "DecisionProduct",
    "What a merchant can ask for.",
    {
        "DEPOSIT_WAIVER": "A deposit waived in full or in part.",
        "PAY_LATER": "Receive the goods first, pay later.",
        "EXPRESS_CHECK_IN": "A deposit-free stay with express check-in and check-out.",
        "CREDIT_OFFER": "A higher limit and an interest discount.",
    },
)
_publish(
    Status,
    "DecisionStatus",
    "Where a decision stands. PENDING leads to APPROVED or DECLINED; APPROVED to ACTIVE, CANCELLED or EXPIRED; ACTIVE"
    " to FULFILLED or BREACHED, BREACHED to FULFILLED once it is made good.",
    {
        "PENDING": "Referred to a person at the operator.",
        "APPROVED": "Granted, and waiting to be used until validUntil.",
        "DECLINED": "Not granted. A normal answer.",
        "ACTIVE": "The user has the goods, the room or the money.",
        "FULFILLED": "The promise was kept or made good.",
        "BREACHED": "The promise was not kept.",
        "CANCELLED": "Called off before activation.",
        "EXPIRED": "Not used or not decided in time.",
    },
)
_publish(
    Transition,
    "DecisionTransition",
    "What a merchant may do to a decision.",
    {
        "ACTIVATE": "The user has the goods, the room or the money: decisionActivate.",
        "EXTEND": "Move the due date later: decisionExtend.",
        "FULFILL": "The promise was kept, or made good: decisionFulfill.",
        "REPORT_BREACH": "The promise was not kept: decisionReportBreach.",
        "CANCEL": "Call it off before activation, with decisionCancel.",
    },
)
_publish(
    BreachKind,
    "BreachKind",
    "How a promise was not kept.",
    {
        "NOT_PAID": "What was due was not paid.",
        "NOT_RETURNED": "The thing did not come back.",
        "DAMAGED": "It came back damaged.",
        "NO_SHOW": "The user did not come.",
        "OTHER": "Something else; say it in the note.",
    },
)
_publish(
    Contested,
    "DisputeSubject",
    "What a dispute is about.",
    {"BREACH": "A breach that was reported.", "OVERDUE": "An overdue mark."},
)
_publish(Party, "DisputeParty", "A side of a dispute.", {"USER": "The user.", "MERCHANT": "The merchant."})
_publish(
    DisputeStatus,
    "DisputeStatus",
    "Where a dispute stands.",
    {
        "AWAITING_MERCHANT": "You are to answer, by respondBy.",
        "UNDER_REVIEW": "You have refused; the operator decides.",
        "UPHELD": "The user was right: what was contested no longer counts.",
        "REJECTED": "The operator found that it counts.",
        "WITHDRAWN": "The user no longer contests it.",
    },
)
_publish(
    Topic,
    "WebhookTopic",
    "What can happen.",
    {
        "DECISION_PENDING": "A request was referred.",
        "DECISION_APPROVED": "A request was approved.",
        "DECISION_DECLINED": "A request was declined.",
        "DECISION_ACTIVATED": "The user has the goods, the room or the money.",
        "DECISION_EXTENDED": "A due date was moved later.",
        "DECISION_PART_SETTLED": "A part of what was due was settled.",
        "DECISION_OVERDUE": "A due date has passed, with its grace.",
        "DECISION_LAPSED": "No breach was reported in time after a due date: that no longer counts.",
        "DECISION_FULFILLED": "A promise was kept, or made good.",
        "DECISION_BREACHED": "A promise was not kept.",
        "DECISION_BREACH_VOIDED": "A reported breach counts as not reported.",
        "DECISION_WRITTEN_OFF": "A breach no longer takes up the user's line of trust.",
        "DECISION_CANCELLED": "A decision was called off.",
        "DECISION_EXPIRED": "A decision ran out of time.",
        "DISPUTE_OPENED": "A user contests something.",
        "DISPUTE_ANSWERED": "You have answered a dispute.",
        "DISPUTE_RESOLVED": "A dispute has ended.",
        "CONSENT_GRANTED": "A user gave a consent.",
        "CONSENT_REVOKED": "A user took a consent back.",
    },
)
_publish(
    Actor,
    "EventActor",
    "Who did it.",
    {
        "MERCHANT": "The merchant.",
        "USER": "The user.",
        "OPERATOR": "A person at the operator.",
        "CLOCK": "Time passing.",
        "GATEWAY": "The gateway, by policy.",
    },
)
_publish(
    DecisionOrder,
    "DecisionOrder",
    "The order of the decision log.",
    {
        "CREATED_AT_DESC": "Newest first.",
        "CREATED_AT_ASC": "Oldest first.",
        "UPDATED_AT_DESC": "Latest change first.",
    },
)
_publish(
    UserErrorCode,
    "UserErrorCode",
    "Codes of userErrors. Stable: new codes appear only in a new API version.",
    {
        "INVALID": "A value cannot be used; the message says why.",
        "INVALID_AMOUNT": "An amount is negative, zero, too large, or has too many decimals.",
        "INVALID_PERIOD": "A period ends before it starts, or lies where it may not.",
        "UNSUPPORTED_CURRENCY": "No such currency, or not one that is served here.",
        "NOT_FOUND": "There is no such object, or it is not yours.",
        "PRODUCT_NOT_ENABLED": "Your merchant has not enabled this product.",
        "CONSENT_REVOKED": "The user took the consent back.",
        "CONSENT_EXPIRED": "The consent's time ran out.",
        "CONSENT_PRODUCT_NOT_COVERED": "The user did not agree to this product.",
        "CONSENT_PURPOSE_MISMATCH": "The user did not agree to this purpose.",
        "CONSENT_AMOUNT_EXCEEDED": "The amount goes beyond the ceiling that the user agreed to, or is not the"
        " one agreed to at the till.",
        "INVALID_TRANSITION": "The decision's status does not allow this.",
        "DECISION_EXPIRED": "The decision ran out of time.",
        "IDEMPOTENCY_KEY_REUSED": "This key was first used with another input or under another consent.",
        "IDEMPOTENCY_IN_PROGRESS": "A call with this key is still running.",
        "DUPLICATE_REFERENCE": "Another decision has this merchant reference.",
        "SCORE_UNAVAILABLE": "The score service did not answer. Nothing was recorded; send it again.",
        "TOO_MANY_INQUIRIES": "Too many inquiries about this user. Ask again later.",
        "LIMIT_EXCEEDED": "A limit of your contract or of this server is reached.",
        "UNREACHABLE_URL": "The address cannot be used.",
    },
)
