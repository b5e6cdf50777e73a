"""The codes of user errors."""

from enum import StrEnum

from schema.types.enums import publish


class UserErrorCode(StrEnum):
    INVALID = "INVALID"
    INVALID_AMOUNT = "INVALID_AMOUNT"
    INVALID_PERIOD = "INVALID_PERIOD"
    TOO_EARLY = "TOO_EARLY"
    UNSUPPORTED_CURRENCY = "UNSUPPORTED_CURRENCY"
    NOT_FOUND = "NOT_FOUND"
    PRODUCT_NOT_ENABLED = "PRODUCT_NOT_ENABLED"
    CONSENT_REVOKED = "CONSENT_REVOKED"
    CONSENT_EXPIRED = "CONSENT_EXPIRED"
    CONSENT_PRODUCT_NOT_COVERED = "CONSENT_PRODUCT_NOT_COVERED"
    CONSENT_PURPOSE_MISMATCH = "CONSENT_PURPOSE_MISMATCH"
    CONSENT_AMOUNT_EXCEEDED = "CONSENT_AMOUNT_EXCEEDED"
    CONSENT_DENIED = "CONSENT_DENIED"
    INVALID_TRANSITION = "INVALID_TRANSITION"
    DECISION_EXPIRED = "DECISION_EXPIRED"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    IDEMPOTENCY_IN_PROGRESS = "IDEMPOTENCY_IN_PROGRESS"
    DUPLICATE_REFERENCE = "DUPLICATE_REFERENCE"
    SCORE_UNAVAILABLE = "SCORE_UNAVAILABLE"
    TOO_MANY_INQUIRIES = "TOO_MANY_INQUIRIES"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    UNREACHABLE_URL = "UNREACHABLE_URL"


publish(
    UserErrorCode,
    "UserErrorCode",
    "Code of a user error. New codes appear only in a new API version.",
    {
        "INVALID": "A value is not valid. The message says why.",
        "INVALID_AMOUNT": "An amount is outside its allowed range, or has too many decimals.",
        "INVALID_PERIOD": "A period ends before it starts, or its dates are outside the allowed range.",
        "TOO_EARLY": "Not possible yet. TooEarlyError.possibleFrom says from when.",
        "UNSUPPORTED_CURRENCY": "The currency does not exist or is not supported here.",
        "NOT_FOUND": "The object does not exist or is not yours.",
        "PRODUCT_NOT_ENABLED": "The adapter for this product is not enabled for your merchant.",
        "CONSENT_REVOKED": "The user revoked the consent.",
        "CONSENT_EXPIRED": "The consent has expired, or its single use is spent.",
        "CONSENT_PRODUCT_NOT_COVERED": "The consent does not cover this product.",
        "CONSENT_PURPOSE_MISMATCH": "The consent does not cover this purpose.",
        "CONSENT_AMOUNT_EXCEEDED": "The amount exceeds the consent's maximum amount, or differs from the"
        " amount agreed at the checkout.",
        "CONSENT_DENIED": "The test user has denied the consent. Only in a sandbox.",
        "INVALID_TRANSITION": "The decision's status or history does not allow this transition.",
        "DECISION_EXPIRED": "The decision has expired.",
        "IDEMPOTENCY_KEY_REUSED": "The key was first used with another input or consent.",
        "IDEMPOTENCY_IN_PROGRESS": "Another call with this key is still running.",
        "DUPLICATE_REFERENCE": "Another decision of your merchant has this merchantReference.",
        "SCORE_UNAVAILABLE": "No score source responded. Nothing was recorded; send the request again.",
        "TOO_MANY_INQUIRIES": "Too many inquiries about this user. Try again later.",
        "LIMIT_EXCEEDED": "A limit of your contract or of this server has been reached.",
        "UNREACHABLE_URL": "The address is not valid or cannot be reached.",
    },
)
