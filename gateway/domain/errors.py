"""The one error tree. What the caller can do about an error decides its class; HTTP codes live at the edges.

    GatewayError
    ├── InvalidInput          change what was sent
    ├── NotFound              it does not exist, or is not the caller's (never told apart)
    ├── ConsentRefused        ask the person
    ├── StateConflict         look at the present state first
    ├── IdempotencyConflict   use another key, or send the first input again
    ├── Unavailable           try again later, unchanged
    ├── LimitReached          slow down
    ├── Unauthenticated       get a new token
    ├── Forbidden             get a token with the scope that is named
    └── Misconfigured         the operator must act; never caused by a caller's input

Codes are stable words for programs; messages are English sentences for engineers and hold no personal data.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

FieldPath = tuple[str, ...]


class GatewayError(Exception):
    """Base of every expected failure: `code` for programs, `message` for engineers, `field` if one field did it."""

    def __init__(self, code: str, message: str, field: Sequence[str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field: FieldPath | None = tuple(field) if field is not None else None

    def under(self, *prefix: str) -> "GatewayError":
        """The same error with its field path moved below `prefix`, as seen from the outer input."""
        self.field = (*prefix, *(self.field or ()))
        return self


class InvalidInput(GatewayError):
    """The input cannot be used. Codes: INVALID, INVALID_AMOUNT, INVALID_PERIOD, UNSUPPORTED_CURRENCY,
    PRODUCT_NOT_ENABLED, DUPLICATE_REFERENCE."""


class NotFound(GatewayError):
    def __init__(self, message: str, field: Sequence[str] | None = None) -> None:
        super().__init__("NOT_FOUND", message, field)


class ConsentRefused(GatewayError):
    """The consent does not cover this. Codes: CONSENT_REVOKED, CONSENT_EXPIRED, CONSENT_PRODUCT_NOT_COVERED,
    CONSENT_PURPOSE_MISMATCH, CONSENT_AMOUNT_EXCEEDED. `covered` holds the authorization details still in force."""

    def __init__(
        self, code: str, message: str, field: Sequence[str] | None = None, covered: Sequence[Any] = ()
    ) -> None:
        super().__init__(code, message, field)
        self.covered = tuple(covered)


class StateConflict(GatewayError):
    """Codes: INVALID_TRANSITION, DECISION_EXPIRED. `status` is the present one, `transitions` what is possible."""

    def __init__(self, code: str, message: str, status: Any, transitions: Sequence[Any]) -> None:
        super().__init__(code, message)
        self.status = status
        self.transitions = tuple(transitions)


class IdempotencyConflict(GatewayError):
    """Code IDEMPOTENCY_KEY_REUSED. `differing` lists the input paths that differ from the key's first use."""

    def __init__(self, message: str, differing: Sequence[FieldPath]) -> None:
        super().__init__("IDEMPOTENCY_KEY_REUSED", message, ("idempotencyKey",))
        self.differing = tuple(differing)


class Unavailable(GatewayError):
    """Something this server depends on did not answer. Code: SCORE_UNAVAILABLE. Safe to repeat."""


class LimitReached(GatewayError):
    """Codes: TOO_MANY_INQUIRIES, LIMIT_EXCEEDED. `retry_after` says how long to wait."""

    def __init__(self, code: str, message: str, retry_after: timedelta) -> None:
        super().__init__(code, message)
        self.retry_after = retry_after


class Unauthenticated(GatewayError):
    """The token, or the consent it hangs from, is not alive."""

    def __init__(self, message: str) -> None:
        super().__init__("UNAUTHENTICATED", message)


class Forbidden(GatewayError):
    """The token is alive but lacks a scope. `required` holds the alternatives, each a list of scopes."""

    def __init__(self, message: str, required: Sequence[Sequence[str]]) -> None:
        super().__init__("FORBIDDEN", message)
        self.required = tuple(tuple(group) for group in required)


class Misconfigured(GatewayError):
    """Settings, a policy file or an adapter are wrong. The message names the file and the place."""

    def __init__(self, message: str) -> None:
        super().__init__("MISCONFIGURED", message)
