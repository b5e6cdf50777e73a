"""Every error code that a GraphQL caller can meet: what it means and what to do. The page that each user error links
to, the reference and a test that no code goes without are all made from this."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ErrorText:
    """One code: where it appears, what it means, how to go on."""

    code: str
    appears_in: str
    meaning: str
    remedy: str


_INPUT, _REQUEST, _FIELD = "userErrors", "errors, the whole request", "errors, one field"

_ALL = (
    ErrorText("INVALID", _INPUT, "A value cannot be used.", "Read `message` and `field`, correct that value."),
    ErrorText(
        "INVALID_AMOUNT",
        _INPUT,
        "An amount is not a plain decimal string, is negative or zero, has too many decimals, or is too large.",
        'Send the amount as text, such as "3000.00", above zero, with at most the decimals of its currency.',
    ),
    ErrorText(
        "INVALID_PERIOD",
        _INPUT,
        "A period ends before it starts, lies in the past, is too long, or is too far off.",
        "Correct `start` and `end`; both need an offset, such as a trailing Z.",
    ),
    ErrorText(
        "UNSUPPORTED_CURRENCY",
        _INPUT,
        "The currency is unknown, or this merchant's policy does not cover it.",
        "Use the currency of your contract.",
    ),
    ErrorText("NOT_FOUND", _INPUT, "It does not exist, or is not yours.", "Check the id and which token you used."),
    ErrorText(
        "PRODUCT_NOT_ENABLED",
        _INPUT,
        "Your merchant has not enabled the adapter behind this ask.",
        "Ask the operator to enable it, or use another member of DecisionAsk.",
    ),
    ErrorText(
        "CONSENT_REVOKED",
        _INPUT,
        "The person withdrew the consent while the request was under way.",
        "Stop, and delete what you no longer need. Ask again only if the person wants to go on.",
    ),
    ErrorText(
        "CONSENT_EXPIRED",
        _INPUT,
        "The consent ran out, or it was for one decision at a till, and that has been made.",
        "Send the person through authorization again. To repeat a request, repeat its idempotency key.",
    ),
    ErrorText(
        "CONSENT_PRODUCT_NOT_COVERED",
        _INPUT,
        "The person did not agree to this product, or agreed to it at another till.",
        "Compare with `covered`; ask for a consent with the product in its decision detail, or from its own till.",
    ),
    ErrorText(
        "CONSENT_PURPOSE_MISMATCH",
        _INPUT,
        "The person agreed to another purpose.",
        "Use a purpose listed in `covered`, or ask for a consent with this one.",
    ),
    ErrorText(
        "CONSENT_AMOUNT_EXCEEDED",
        _INPUT,
        "The amount, with what is already open under this consent, is above the ceiling that the person set. At a till:"
        " it is not the very amount that the person agreed to there, be it more or less.",
        "At a till ask for the agreed amount, or start a new device authorization. Elsewhere ask for less, finish open"
        " decisions, or ask for a consent with a higher `maximum_amount`.",
    ),
    ErrorText(
        "INVALID_TRANSITION",
        _INPUT,
        "The decision is in a state that does not allow this.",
        "Use `availableTransitions`; do not keep a copy of the state machine.",
    ),
    ErrorText("DECISION_EXPIRED", _INPUT, "The approval was not used in time.", "Request a new decision."),
    ErrorText(
        "IDEMPOTENCY_KEY_REUSED",
        _INPUT,
        "This key did other work before: another input, or another consent.",
        "Use a fresh key for a new request; `differingFields` shows what differs.",
    ),
    ErrorText(
        "IDEMPOTENCY_IN_PROGRESS",
        _INPUT,
        "A call with this key is still running.",
        "Wait a moment and send the same request again.",
    ),
    ErrorText(
        "DUPLICATE_REFERENCE",
        _INPUT,
        "Another decision of your merchant has this reference.",
        "Use each booking or order number once; to repeat a request, repeat its idempotency key.",
    ),
    ErrorText(
        "SCORE_UNAVAILABLE",
        "userErrors, or errors of one field",
        "No score source answered. Nothing was decided and nothing recorded.",
        "Send the same request again later.",
    ),
    ErrorText(
        "TOO_MANY_INQUIRIES",
        _INPUT,
        "Too many inquiries about one person: threshold inquiries, previews and requests count together.",
        "Wait as long as the message says; keep what you learned instead of asking again.",
    ),
    ErrorText("LIMIT_EXCEEDED", _INPUT, "A limit of your contract is reached.", "Wait, or talk to the operator."),
    ErrorText("UNREACHABLE_URL", _INPUT, "The address cannot be reached.", "Check it from outside your network."),
    ErrorText(
        "UNAUTHENTICATED",
        "HTTP 401",
        "There is no access token, or it or its consent is no longer alive.",
        "Refresh the token once; if that fails the consent has ended.",
    ),
    ErrorText(
        "FORBIDDEN",
        _FIELD,
        "The token lacks a scope, named in `requiredScopes`, or the contract does not allow the inquiry.",
        "The field is null, the rest of the answer stands. Ask for the scope in the next authorization request.",
    ),
    ErrorText(
        "BAD_USER_INPUT",
        "errors, one field or the whole request",
        "Variables or arguments do not fit the schema: a wrong type, a bad cursor, a page above 100.",
        "Correct the variables; validate them against the SDL.",
    ),
    ErrorText(
        "BAD_REQUEST",
        _REQUEST,
        "The HTTP request is not a GraphQL request: wrong method or content type, too large, malformed JSON.",
        "POST a JSON object with `query` and, if needed, `variables` and `operationName`.",
    ),
    ErrorText(
        "GRAPHQL_PARSE_FAILED",
        _REQUEST,
        "The document is not GraphQL, or has too many tokens.",
        "Check the syntax near the location.",
    ),
    ErrorText(
        "GRAPHQL_VALIDATION_FAILED",
        _REQUEST,
        "The document does not fit the schema, or goes beyond a limit of depth, aliases, directives or fragments.",
        "Validate the document against the SDL of your API version.",
    ),
    ErrorText(
        "INTERNAL_SERVER_ERROR",
        "errors",
        "Something failed inside. Details are in the operator's log, never in the answer.",
        "Repeat with the same idempotency key; if it persists, quote `requestId` to the operator.",
    ),
)

ERRORS = {error.code: error for error in _ALL}
