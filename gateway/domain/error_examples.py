"""An example of each error code that a client can get: what a response has. "..." stands for text that differs. A test
causes each of them."""

from collections.abc import Mapping
from typing import Any

EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "INVALID": {"message": "Must have 1 to 255 characters that can be seen.", "field": ["input", "idempotencyKey"]},
    "INVALID_AMOUNT": {
        "message": "must be above zero, and not too large",
        "field": ["input", "ask", "onlineOrder", "amount", "amount"],
    },
    "INVALID_PERIOD": {
        "message": "end must be later than start",
        "field": ["input", "ask", "carRental", "rental", "end"],
    },
    "TOO_EARLY": {
        "message": "A breach of the kind NOT_PAID cannot be reported yet. It is possible from ....",
        "field": ["input", "kind"],
        "possibleFrom": "...",
    },
    "UNSUPPORTED_CURRENCY": {"message": "must be CNY", "field": ["input", "ask", "onlineOrder", "amount", "currency"]},
    "NOT_FOUND": {"message": "There is no such decision.", "field": ["input", "decisionId"]},
    "PRODUCT_NOT_ENABLED": {
        "message": "This product is not enabled for the merchant.",
        "field": ["input", "ask", "carRental"],
    },
    "CONSENT_REVOKED": {"message": "The consent is revoked. Ask the person again.", "field": None, "covered": []},
    "CONSENT_EXPIRED": {"message": "The consent is expired. Ask the person again.", "field": None, "covered": []},
    "CONSENT_PRODUCT_NOT_COVERED": {
        "message": "The consent was given at another point of sale.",
        "field": ["input", "ask"],
        "covered": [
            {
                "type": "decision",
                "purpose": "STORE_PURCHASE",
                "products": ["PAY_LATER"],
                "maximumAmount": {"amount": "300.00", "currency": "CNY"},
            }
        ],
    },
    "CONSENT_PURPOSE_MISMATCH": {
        "message": "The consent was not given for the purpose LENDING.",
        "field": ["input", "purpose"],
        "covered": [
            {
                "type": "decision",
                "purpose": "ONLINE_PURCHASE",
                "products": ["PAY_LATER"],
                "maximumAmount": {"amount": "300.00", "currency": "CNY"},
            }
        ],
    },
    "CONSENT_AMOUNT_EXCEEDED": {
        "message": "The amount plus the open decisions under this consent is more than the person agreed to.",
        "field": ["input", "ask"],
        "covered": [
            {
                "type": "decision",
                "purpose": "ONLINE_PURCHASE",
                "products": ["PAY_LATER"],
                "maximumAmount": {"amount": "300.00", "currency": "CNY"},
            }
        ],
    },
    "CONSENT_DENIED": {"message": "excellent has denied the request.", "field": None, "covered": []},
    "INVALID_TRANSITION": {
        "message": "A decision that is CANCELLED does not allow CANCEL.",
        "field": None,
        "currentStatus": "CANCELLED",
        "availableTransitions": [],
    },
    "DECISION_EXPIRED": {
        "message": "A decision that is EXPIRED does not allow ACTIVATE.",
        "field": None,
        "currentStatus": "EXPIRED",
        "availableTransitions": [],
    },
    "IDEMPOTENCY_KEY_REUSED": {
        "message": "This key was first used with another input.",
        "field": ["input", "idempotencyKey"],
        "differingFields": [["input", "ask", "onlineOrder", "amount", "amount"]],
    },
    "IDEMPOTENCY_IN_PROGRESS": {
        "message": "Another call with this key is still running. Send the same call again in a moment.",
        "field": ["input", "idempotencyKey"],
    },
    "DUPLICATE_REFERENCE": {
        "message": "Another decision has this merchant reference.",
        "field": ["input", "merchantReference"],
    },
    "SCORE_UNAVAILABLE": {"message": "The score source is not available. Send the request again later.", "field": None},
    "UNAUTHENTICATED": {
        "errors": [
            {
                "message": "The access token is not valid. Get a new one.",
                "extensions": {"code": "UNAUTHENTICATED", "requestId": "req_..."},
            }
        ]
    },
    "FORBIDDEN": {
        "data": {"consentedUser": {"score": None}},
        "errors": [
            {
                "message": "This token lacks the scope score:exact.",
                "locations": [{"line": 1, "column": 19}],
                "path": ["consentedUser", "score"],
                "extensions": {"code": "FORBIDDEN", "requiredScopes": [["score:exact"]]},
            }
        ],
        "extensions": {"requestId": "req_..."},
    },
    "BAD_USER_INPUT": {
        "data": {"merchant": {"decisions": None}},
        "errors": [
            {
                "message": "first must be 1 to 100.",
                "locations": [{"line": 1, "column": 14}],
                "path": ["merchant", "decisions"],
                "extensions": {"code": "BAD_USER_INPUT"},
            }
        ],
        "extensions": {"requestId": "req_..."},
    },
    "BAD_REQUEST": {
        "errors": [
            {
                "message": "Batches are not supported. Send one operation at a time.",
                "extensions": {"code": "BAD_REQUEST"},
            }
        ],
        "extensions": {"requestId": "req_..."},
    },
    "PERSISTED_QUERY_NOT_SUPPORTED": {
        "errors": [{"message": "PersistedQueryNotSupported", "extensions": {"code": "PERSISTED_QUERY_NOT_SUPPORTED"}}],
        "extensions": {"requestId": "req_..."},
    },
    "DOCUMENT_NOT_FOUND": {
        "errors": [
            {
                "message": "Your client has no registered document with this documentId.",
                "extensions": {"code": "DOCUMENT_NOT_FOUND"},
            }
        ],
        "extensions": {"requestId": "req_..."},
    },
    "DOCUMENT_ID_REQUIRED": {
        "errors": [
            {
                "message": "This deployment executes registered documents only. Let the operator register the"
                " document, and send its identifier as documentId instead of query.",
                "extensions": {"code": "DOCUMENT_ID_REQUIRED"},
            }
        ],
        "extensions": {"requestId": "req_..."},
    },
    "GRAPHQL_PARSE_FAILED": {
        "errors": [
            {
                "locations": [{"line": 1, "column": 21}],
                "message": "Syntax Error: Expected Name, found <EOF>.",
                "extensions": {"code": "GRAPHQL_PARSE_FAILED"},
            }
        ],
        "extensions": {"requestId": "req_..."},
    },
    "GRAPHQL_VALIDATION_FAILED": {
        "errors": [
            {
                "locations": [{"line": 1, "column": 12}],
                "message": "Cannot query field 'name' on type 'Viewer'.",
                "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"},
            }
        ],
        "extensions": {"requestId": "req_..."},
    },
    "UNAVAILABLE": {
        "errors": [
            {
                "message": "The gateway cannot be used at the moment. Nothing was recorded. Send the same request"
                " again later, with the same idempotency key.",
                "extensions": {"code": "UNAVAILABLE", "requestId": "req_..."},
            }
        ],
        "extensions": {"requestId": "req_..."},
    },
    "DEADLINE_EXCEEDED": {
        "errors": [
            {
                "message": "The request took too long and was ended. Nothing was recorded. Send the same request"
                " again later, with the same idempotency key.",
                "extensions": {"code": "DEADLINE_EXCEEDED", "requestId": "req_..."},
            }
        ],
        "extensions": {"requestId": "req_..."},
    },
    "MAX_COST_EXCEEDED": {
        "errors": [
            {
                "message": "The document costs 10403 points, more than the maximum of "
                "1000. The dearest field is merchant.decisions.nodes.timeline.nodes.",
                "extensions": {
                    "code": "MAX_COST_EXCEEDED",
                    "cost": 10403,
                    "maximumCost": 1000,
                    "dearestPath": ["merchant", "decisions", "nodes", "timeline", "nodes"],
                },
            }
        ],
        "extensions": {"requestId": "req_..."},
    },
    "THROTTLED": {
        "errors": [
            {
                "message": "The client has 0 of the 1 points that the document costs.",
                "extensions": {"code": "THROTTLED", "cost": 1, "retryAfter": 1},
            }
        ],
        "extensions": {"requestId": "req_..."},
    },
    "INTERNAL_SERVER_ERROR": {
        "data": {"consentedUser": {"scoreTier": None}},
        "errors": [
            {
                "message": "Internal server error",
                "path": ["consentedUser", "scoreTier"],
                "extensions": {"code": "INTERNAL_SERVER_ERROR", "requestId": "req_..."},
            }
        ],
        "extensions": {"requestId": "req_..."},
    },
    "TOO_MANY_INQUIRIES": {"message": "Too many inquiries about this person. Ask again in ... seconds.", "field": None},
    "RECORD_MISMATCH": {
        "data": {"decision": {"inclusionProof": None}},
        "errors": [
            {
                "message": "The log does not match its newest checkpoint. Tell the operator.",
                "path": ["decision", "inclusionProof"],
                "extensions": {"code": "RECORD_MISMATCH"},
            }
        ],
        "extensions": {"requestId": "req_..."},
    },
}
"""The members of a user error besides `code` and `documentation`, or else the body of a response, without its cost."""
