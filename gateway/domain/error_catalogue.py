"""The catalogue of GraphQL error codes: what each means and what to do. The error pages that user errors link to,
and the reference, are made from it. A test checks that it has every code."""

from dataclasses import dataclass
from typing import Any

from gateway.domain.error_examples import EXAMPLES


@dataclass(frozen=True, slots=True)
class ErrorText:
    """One error code: where it appears, what it means, what to do."""

    code: str
    appears_in: str
    meaning: str
    remedy: str

    def example(self, issuer: str) -> dict[str, Any] | None:
        """Returns the error as it stands in a response, as JSON. "..." stands for text that differs. None for a
        reserved code, which no response has."""
        example = EXAMPLES.get(self.code)
        if example is None or "errors" in example:
            return None if example is None else dict(example)
        return {"code": self.code, **example, "documentation": documentation_address(issuer, self.code)}


def documentation_address(issuer: str, code: str) -> str:
    """Returns the address of the page that explains an error code."""
    return f"{issuer}/docs/errors/{code}"


_INPUT, _REQUEST, _FIELD = "userErrors", "errors, the whole request", "errors, one field"

_ALL = (
    ErrorText("INVALID", _INPUT, "A value is not valid.", "Read `message` and `field`, and correct that value."),
    ErrorText(
        "INVALID_AMOUNT",
        _INPUT,
        "An amount is not a plain decimal string, is negative or zero, has too many decimals, or is too large.",
        'Send the amount as a string such as "3000.00", above zero, with at most the decimals of its currency.',
    ),
    ErrorText(
        "INVALID_PERIOD",
        _INPUT,
        "A date is too early or too late, or a period ends before it starts or is too long.",
        "Correct the dates. Each needs a UTC offset, such as a trailing Z. Times of past events are between the"
        " decision's own earlier events and now, with 15 seconds of allowance for your clock.",
    ),
    ErrorText(
        "TOO_EARLY",
        _INPUT,
        "The input is possible later, not now. Each kind of breach can be reported from a certain moment on.",
        "Send it again at `possibleFrom`. A kind of breach that is possible now can be reported now.",
    ),
    ErrorText(
        "UNSUPPORTED_CURRENCY",
        _INPUT,
        "The currency is unknown, or this merchant's policy does not cover it.",
        "Use the currency of your contract.",
    ),
    ErrorText(
        "NOT_FOUND",
        _INPUT,
        "The object does not exist, or does not belong to your merchant.",
        "Check the id, and that you used the right token.",
    ),
    ErrorText(
        "PRODUCT_NOT_ENABLED",
        _INPUT,
        "The adapter of this ask is not enabled for your merchant.",
        "Ask the operator to enable it, or use another member of DecisionAsk.",
    ),
    ErrorText(
        "CONSENT_REVOKED",
        _INPUT,
        "The person revoked the consent during the request.",
        "Stop, and delete data that you no longer need. Ask for a new consent only if the person wants to continue.",
    ),
    ErrorText(
        "CONSENT_EXPIRED",
        _INPUT,
        "The consent has expired, or it was for one decision at a point of sale and that decision has been made.",
        "Ask the person for a new authorization. To repeat a request, repeat its idempotency key.",
    ),
    ErrorText(
        "CONSENT_PRODUCT_NOT_COVERED",
        _INPUT,
        "The consent does not cover this product, or covers it at another point of sale only.",
        "Compare with `covered`. Ask for a consent with this product, at a point of sale with its store and terminal.",
    ),
    ErrorText(
        "CONSENT_PURPOSE_MISMATCH",
        _INPUT,
        "The consent is for another purpose.",
        "Use a purpose listed in `covered`, or ask for a consent with this purpose.",
    ),
    ErrorText(
        "CONSENT_AMOUNT_EXCEEDED",
        _INPUT,
        "The amount plus the open decisions under this consent exceeds the maximum amount of the consent. At a point"
        " of sale: the amount is not exactly the amount that the person agreed to.",
        "At a point of sale request the agreed amount, or start a new device authorization. Otherwise request a smaller"
        " amount, complete open decisions, or ask for a consent with a higher `maximum_amount`.",
    ),
    ErrorText(
        "CONSENT_DENIED",
        _INPUT,
        "The persona has denied the request, as sandboxConsentGrant was told. Only a sandbox has this error. In a"
        " browser a person's denial comes to your redirect URI as error=access_denied.",
        "Go on without the consent, as you would for a person who denies it.",
    ),
    ErrorText(
        "INVALID_TRANSITION",
        _INPUT,
        "The status or history of the decision does not allow this transition.",
        "Use `availableTransitions` instead of a copy of the transition table.",
    ),
    ErrorText("DECISION_EXPIRED", _INPUT, "The approval expired before activation.", "Request a new decision."),
    ErrorText(
        "IDEMPOTENCY_KEY_REUSED",
        _INPUT,
        "This key was used before with another input or another consent.",
        "Use a new key for a new request. `differingFields` shows which fields differ.",
    ),
    ErrorText(
        "IDEMPOTENCY_IN_PROGRESS",
        _INPUT,
        "A request with this key is still running. Only a sandbox has this error, by sandboxFaultInject.",
        "Wait a moment, then send the same request again.",
    ),
    ErrorText(
        "DUPLICATE_REFERENCE",
        _INPUT,
        "Another decision of your merchant has this reference.",
        "Use each booking or order number once. To repeat a request, repeat its idempotency key.",
    ),
    ErrorText(
        "SCORE_UNAVAILABLE",
        "userErrors, or errors of one field",
        "The score source is not available. Nothing was decided or recorded.",
        "Send the same request again later.",
    ),
    ErrorText(
        "TOO_MANY_INQUIRIES",
        _INPUT,
        "Too many inquiries about one person. Reads of tiers and scores, threshold inquiries, previews and requests of"
        " all merchants of a partner count together.",
        "Wait as long as the message says. Store results instead of inquiring again.",
    ),
    ErrorText(
        "LIMIT_EXCEEDED",
        _INPUT,
        "A limit of your contract is reached. Reserved: this version does not return it.",
        "Wait, or contact the operator.",
    ),
    ErrorText(
        "UNREACHABLE_URL",
        _INPUT,
        "The URL cannot be reached. Reserved: this version does not return it.",
        "Check it from outside your network.",
    ),
    ErrorText(
        "UNAUTHENTICATED",
        "HTTP 401",
        "The access token is missing or not valid, or its consent has ended. Or the token is bound to a key, and the"
        " scheme is Bearer or the proof is by another key.",
        "Refresh the token once. If that fails, the consent has ended. A merchant token has no refresh token: request a"
        " new one. A token that is bound to a key needs the scheme DPoP and a proof by this key.",
    ),
    ErrorText(
        "FORBIDDEN",
        _FIELD,
        "The token lacks a scope listed in `requiredScopes`, or the contract does not allow the inquiry.",
        "The field is null, the rest of the result is valid. Ask for the scope in the next authorization request."
        " A scope of merchants needs a merchant token, and a scope of users a token for a consent.",
    ),
    ErrorText(
        "RECORD_MISMATCH",
        _FIELD,
        "The stored decision differs from its log entry, or that entry is not authentic. No receipt is signed over it.",
        "Tell the operator. Receipts that you have already stay valid.",
    ),
    ErrorText(
        "BAD_USER_INPUT",
        "errors, one field or the whole request",
        "Variables or arguments are not valid: a wrong type, an invalid cursor, or a page size above 100.",
        "Correct the variables. Validate them against the SDL.",
    ),
    ErrorText(
        "BAD_REQUEST",
        _REQUEST,
        "The HTTP request is not a GraphQL request: wrong method or content type, too large, or malformed JSON.",
        "POST a JSON object with `query` or `documentId` and, if needed, `variables` and `operationName`.",
    ),
    ErrorText(
        "PERSISTED_QUERY_NOT_SUPPORTED",
        "errors, the whole request, HTTP 200",
        "`extensions.persistedQuery` names no document that the operator has registered for your client, or comes with"
        " a `query`. Clients cannot register documents themselves.",
        "Send the document as `query`, without `persistedQuery`. Apollo Client does it by itself after this error. Or"
        " let the operator register the manifest (docs/documents.md).",
    ),
    ErrorText(
        "DOCUMENT_NOT_FOUND",
        _REQUEST,
        "Your client has no registered document with this `documentId`. Documents of other clients are not found.",
        "Compare the identifier with the manifest that the operator has registered (docs/documents.md).",
    ),
    ErrorText(
        "DOCUMENT_ID_REQUIRED",
        _REQUEST,
        "The request has the text of a document, and this deployment executes registered documents only.",
        "Let the operator register the document, and send its identifier as `documentId` (docs/documents.md).",
    ),
    ErrorText(
        "GRAPHQL_PARSE_FAILED",
        _REQUEST,
        "The document has a GraphQL syntax error or too many tokens.",
        "Check the syntax near the location.",
    ),
    ErrorText(
        "GRAPHQL_VALIDATION_FAILED",
        _REQUEST,
        "The document does not match the schema, or exceeds a limit of depth, aliases, directives or fragments.",
        "Validate the document against the SDL of your API version.",
    ),
    ErrorText(
        "UNAVAILABLE",
        "errors, one field or the whole request",
        "The database or the shared store cannot be used at the moment, a lock was held for too long, or too many"
        " requests wait for their turn. `message` says whether something was recorded. HTTP 503 with `Retry-After` if"
        " nothing of the document ran, else 200.",
        "Send the same request again later, with the same idempotency key.",
    ),
    ErrorText(
        "DEADLINE_EXCEEDED",
        "errors, one field or the whole request",
        "The request took too long, and the gateway ended it. Of mutations, those that have a payload were recorded."
        " HTTP 503 with `Retry-After` if nothing of the document ran, else 200.",
        "Send the same request again later, with the same idempotency key. Ask for less in one query.",
    ),
    ErrorText(
        "MAX_COST_EXCEEDED",
        _REQUEST,
        "The document costs more than the maximum of one document. `cost` is its cost, `maximumCost` the maximum, and"
        " `dearestPath` leads to the dearest field.",
        "Ask for smaller pages, or for less of each object, and send several documents.",
    ),
    ErrorText(
        "THROTTLED",
        "errors, the whole request, HTTP 429",
        "The client has fewer points left than the document costs, or too many of its documents wait for their turn."
        " Nothing was executed.",
        "Send the same request again after the seconds in the header `Retry-After`. `extensions.cost` of every response"
        " shows how many points are left, and how many are restored each second.",
    ),
    ErrorText(
        "INTERNAL_SERVER_ERROR",
        "errors",
        "The gateway failed. Details are in the operator's log, never in the response.",
        "Repeat the request with the same idempotency key. If it fails again, send `requestId` to the operator.",
    ),
)

ERRORS = {error.code: error for error in _ALL}
