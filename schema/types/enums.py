"""Enums of the contract, made from the domain's. A value without a description raises TypeError at import."""

from collections.abc import Mapping
from enum import Enum, StrEnum

import strawberry

from gateway.domain.consents.consent import ConsentStatus
from gateway.domain.decisions.claim import ClaimStatus
from gateway.domain.decisions.dispute import Contested, DisputeStatus, Party
from gateway.domain.decisions.transitions import BreachKind, ClaimKind, Status, Transition
from gateway.domain.events import Actor, Topic
from gateway.domain.merchants import Product
from gateway.domain.scoring.score import ThresholdAnswer
from gateway.domain.scoring.tier import Tier
from gateway.domain.webhooks.variant import WebhookVariant
from gateway.services.sandbox.consents import ConsentAnswer
from gateway.services.sandbox.decisions import SimulatedEvent
from gateway.settings import EnvironmentName
from gateway.store.webhooks.delivery_rows import DeliveryStatus
from gateway.store.webhooks.endpoints import DisabledReason
from schema.strawberry_adapter import describe_enum_values


class DecisionOrder(StrEnum):
    CREATED_AT_DESC = "CREATED_AT_DESC"
    CREATED_AT_ASC = "CREATED_AT_ASC"
    UPDATED_AT_DESC = "UPDATED_AT_DESC"


def publish(enum: type[Enum], name: str, description: str, values: Mapping[str, str]) -> None:
    """Makes an enum a part of the contract. `values` are the descriptions of its values."""
    strawberry.enum(enum, name=name, description=description)
    describe_enum_values(enum, values)


publish(
    EnvironmentName,
    "Environment",
    "Kind of deployment.",
    {"SANDBOX": "Test users and test money.", "LIVE": "Real users."},
)
publish(
    Tier,
    "Tier",
    "Band of the score, which runs from 350 to 950 points. A tier that a user has had may be held for up to 60 days"
    " when ageing takes the score a few points below its cut-off; see ScoreTier.heldUntil.",
    {
        "UNSCORED": "Too little data for a score.",
        "BUILDING": "From 350 points.",
        "FAIR": "From 550 points.",
        "GOOD": "From 600 points.",
        "VERY_GOOD": "From 650 points.",
        "EXCELLENT": "From 700 points.",
    },
)
publish(
    ThresholdAnswer,
    "ThresholdAnswer",
    "Result of meetsTier.",
    {
        "YES": "The user's tier is the requested one or higher.",
        "NO": "The user's tier is lower than the requested one.",
        "CANNOT_ASSESS": "The user has no score.",
    },
)
publish(
    ConsentStatus,
    "ConsentStatus",
    "Status of a consent.",
    {
        "ACTIVE": "The consent is in force.",
        "EXPIRED": "The consent has passed its expiresAt.",
        "REVOKED": "The user revoked the consent.",
    },
)
publish(
    ConsentAnswer,
    "SandboxConsentAnswer",
    "What a test user answers to a request for consent.",
    {
        "ALLOW": "Everything, also the optional permissions.",
        "NARROW": "As little as the consent page lets a user allow: no optional permission, half of each maximum"
        " amount, the shortest duration.",
        "DENY": "Nothing.",
    },
)
publish(
    SimulatedEvent,
    "SandboxDecisionEvent",
    "What happens to a decision without its merchant.",
    {
        "APPROVE_PENDING": "The operator approves a PENDING decision on the terms of the least generous rule. Consent"
        " and credit limit are checked again.",
        "DECLINE_PENDING": "The operator declines a PENDING decision.",
        "USER_PAYS": "The user claims to have paid. The decision stays ACTIVE: report the payment with decisionFulfill,"
        " or contradict the claim with decisionReportBreach.",
        "USER_RETURNS": "The user claims to have returned the item, as with USER_PAYS. For DEPOSIT_WAIVER.",
        "USER_MISSES_DEADLINE": "The user does nothing, and the overdue flag is set if the due date and the grace"
        " period have passed: move the time with sandboxClockMove first. Changes nothing if the flag is set.",
        "USER_DISPUTES": "The user opens a dispute about the breach or the overdue flag.",
        "DISPUTE_UPHELD": "The operator decides the dispute for the user. Refuse it first with disputeRespond.",
        "DISPUTE_REJECTED": "The operator decides the dispute for you. Refuse it first with disputeRespond.",
    },
)
publish(
    Product,
    "DecisionProduct",
    "Product that a merchant can request a decision for.",
    {
        "DEPOSIT_WAIVER": "The deposit is waived in full or in part.",
        "PAY_LATER": "The user receives the goods first and pays later.",
        "EXPRESS_CHECK_IN": "A hotel stay without a deposit, with express check-in and check-out.",
        "CREDIT_OFFER": "A credit limit with a discount on the interest rate.",
    },
)
publish(
    Status,
    "DecisionStatus",
    "Status of a decision. PENDING changes to APPROVED, DECLINED, CANCELLED or EXPIRED; APPROVED to ACTIVE, CANCELLED"
    " or EXPIRED; ACTIVE to FULFILLED or BREACHED; BREACHED to FULFILLED, or back to ACTIVE if a dispute is upheld.",
    {
        "PENDING": "In manual review by the operator.",
        "APPROVED": "Granted. Activate it before Approval.validUntil.",
        "DECLINED": "Not granted. This is a normal result, not an error.",
        "ACTIVE": "The user has the goods, the room or the money. The obligation is open.",
        "FULFILLED": "The user met the obligation, or cured the breach.",
        "BREACHED": "The merchant reported that the user did not meet the obligation.",
        "CANCELLED": "The merchant cancelled the decision before activation.",
        "EXPIRED": "Not activated, or not reviewed, in time.",
    },
)
publish(
    Transition,
    "DecisionTransition",
    "Transition of a decision that a merchant can make.",
    {
        "ACTIVATE": "Report that the user has the goods, the room or the money, with decisionActivate.",
        "EXTEND": "Move the due date later, with decisionExtend.",
        "REDUCE": "Lower the amount due, with decisionReduce.",
        "FULFILL": "Report a settlement, with decisionFulfill.",
        "REPORT_BREACH": "Report that the user did not meet the obligation, with decisionReportBreach.",
        "CANCEL": "Cancel the decision before activation, with decisionCancel.",
    },
)
publish(
    BreachKind,
    "BreachKind",
    "Kind of breach. Each kind can be reported from a certain moment on; before it the error is TooEarlyError.",
    {
        "NOT_PAID": "The user did not pay the amount due. From the due date plus the grace period.",
        "NOT_RETURNED": "The user did not return the item. From the due date plus the grace period.",
        "DAMAGED": "The item was damaged. From activation.",
        "NO_SHOW": "The user did not arrive. From the start of the period in the ask; without a period, from the due"
        " date plus the grace period.",
        "OTHER": "Another breach. Describe it in the note. From activation; it does not count against the user before"
        " the due date.",
    },
)
publish(
    ClaimKind,
    "ClaimKind",
    "How the user says that the obligation was met.",
    {"RETURNED": "The user says that the item was returned.", "PAID": "The user says that everything was paid."},
)
publish(
    ClaimStatus,
    "ClaimStatus",
    "Status of a claim.",
    {
        "OPEN": "You can contradict it.",
        "ACCEPTED": "You did not contradict it in time: the obligation counts as kept for the user's score.",
        "CONTRADICTED": "You contradicted it, or a dispute about the overdue flag was rejected or withdrawn.",
        "WITHDRAWN": "The user withdrew it.",
    },
)
publish(
    Contested,
    "DisputeSubject",
    "What the user disputes.",
    {"BREACH": "A reported breach.", "OVERDUE": "An overdue flag, also of an obligation that was settled late."},
)
publish(Party, "DisputeParty", "Party to a dispute.", {"USER": "The user.", "MERCHANT": "The merchant."})
publish(
    DisputeStatus,
    "DisputeStatus",
    "Status of a dispute.",
    {
        "AWAITING_MERCHANT": "Waiting for your response, until respondBy.",
        "UNDER_REVIEW": "You refused the dispute. The operator decides.",
        "UPHELD": "Decided for the user. The breach or overdue flag no longer counts.",
        "REJECTED": "Decided against the user by the operator. The breach or overdue flag counts.",
        "WITHDRAWN": "The user withdrew the dispute. The breach or overdue flag counts.",
    },
)
publish(
    Topic,
    "WebhookTopic",
    "Kind of event.",
    {
        "DECISION_PENDING": "A request went to manual review.",
        "DECISION_APPROVED": "A request was approved.",
        "DECISION_DECLINED": "A request was declined.",
        "DECISION_ACTIVATED": "A decision was activated.",
        "DECISION_EXTENDED": "A due date was moved later.",
        "DECISION_REDUCED": "An amount due was lowered.",
        "DECISION_PART_SETTLED": "A part of the outstanding amount was settled.",
        "DECISION_OVERDUE": "A due date and its grace period have passed.",
        "DECISION_LAPSED": "An overdue flag no longer counts: no breach was reported in time, or a dispute was upheld.",
        "DECISION_FULFILLED": "An obligation was settled in full.",
        "DECISION_BREACHED": "A breach was reported.",
        "DECISION_BREACH_VOIDED": "A breach was voided because a dispute was upheld.",
        "DECISION_WRITTEN_OFF": "A breach no longer uses the user's credit limit.",
        "DECISION_CANCELLED": "A decision was cancelled.",
        "DECISION_EXPIRING": "An approval that was not activated expires in 24 hours.",
        "DECISION_EXPIRED": "A decision was not activated, or not reviewed, in time.",
        "DECISION_CLAIMED": "A user says that an obligation was met. Unless you contradict that within seven days, it"
        " counts as kept for the user's score. Status and amounts stay as they are.",
        "DECISION_CLAIM_DELIVERED": "The message about a claim was first delivered. The seven days do not begin before"
        " that.",
        "DECISION_CLAIM_ACCEPTED": "A claim was not contradicted in time: the obligation counts as kept for the score.",
        "DECISION_CLAIM_WITHDRAWN": "A user withdrew a claim.",
        "DISPUTE_OPENED": "A user opened a dispute.",
        "DISPUTE_ANSWERED": "The merchant responded to a dispute.",
        "DISPUTE_REMINDER": "A dispute waits for your response, which is due in 48 hours. Without one it is upheld.",
        "DISPUTE_RESOLVED": "A dispute ended.",
        "TIER_CORRECTED": "A tier that you read, or with which a request was decided, was wrong: a record has been"
        " corrected. Read the tier again.",
        "CONSENT_GRANTED": "A user granted a consent, or changed one so that it still allows what it did.",
        "CONSENT_NARROWED": "A user changed a consent, and it no longer allows all that it did. Read it before you use"
        " it again.",
        "CONSENT_FIRST_USED": "You used a consent for the first time: you read a score or a tier, or previewed or"
        " requested a decision.",
        "CONSENT_REVOKED": "A user revoked a consent.",
        "CONSENT_EXPIRING": "A consent expires in seven days.",
        "CONSENT_EXPIRED": "A consent has expired.",
        "ENDPOINT_DISABLED": "A webhook endpoint was disabled, because it failed for days or answered 410. Your other"
        " endpoints get the event.",
        "TEST": "You sent a test in a sandbox. A live deployment sends none.",
    },
)
publish(
    WebhookVariant,
    "SandboxWebhookVariant",
    "How a triggered event is sent. What deviates from NORMAL does so in the first attempt at each endpoint; later"
    " attempts are right.",
    {
        "NORMAL": "As any other event.",
        "DUPLICATE": "Twice to each endpoint, with the same webhook-id. Apply it once.",
        "REORDERED": "After a later event of the same subject. Ignore the older one.",
        "BAD_SIGNATURE": "Signed with a secret that you do not have. Answer 400.",
        "UNKNOWN_TOPIC": "With a type that no version has, in each attempt. Answer 2xx, and ignore it.",
        "OLD_TIMESTAMP": "Signed with a time ten minutes ago. Answer 400.",
    },
)
publish(
    DeliveryStatus,
    "WebhookDeliveryStatus",
    "Status of a delivery.",
    {
        "PENDING": "It will be tried, for the first time or again.",
        "DELIVERED": "You answered with a status from 200 to 299.",
        "FAILED": "The last attempt of the schedule failed. Use webhookDeliveryResend.",
    },
)
publish(
    DisabledReason,
    "WebhookDisabledReason",
    "Why the gateway disabled an endpoint.",
    {
        "FAILING": "For five days no attempt succeeded.",
        "GONE": "You answered with the status 410.",
    },
)
publish(
    Actor,
    "EventActor",
    "Who caused an event.",
    {
        "MERCHANT": "The merchant.",
        "USER": "The user.",
        "OPERATOR": "Staff of the operator.",
        "CLOCK": "A deadline that passed.",
        "GATEWAY": "The gateway, by the adapter's policy, by the delivery of a message or by a corrected score.",
    },
)
publish(
    DecisionOrder,
    "DecisionOrder",
    "Order of the decision log.",
    {
        "CREATED_AT_DESC": "Newest first.",
        "CREATED_AT_ASC": "Oldest first.",
        "UPDATED_AT_DESC": "Most recently changed first.",
    },
)
