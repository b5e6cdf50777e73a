"""The error classes of the gateway, by what the caller can do. HTTP status codes are chosen in the upper layers.

    GatewayError
    ├── InvalidInput          change the input
    │   └── TooEarly          send it again at the named moment
    ├── NotFound              the object does not exist, or is not the caller's (not distinguished)
    ├── ConsentRefused        ask the person for a consent
    ├── StateConflict         read the current state first
    ├── IdempotencyConflict   use another key, or send the first input again
    ├── Unavailable           repeat the request later
    ├── RateLimitReached      wait
    ├── Unauthenticated       get a new token
    ├── Forbidden             get a token with the named scope
    ├── RecordMismatch        the operator must act: a stored record differs from the log
    └── Misconfigured         the operator must act; never caused by the input of a request

Codes are stable and meant for programs. Messages are English sentences for engineers, without personal data.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from gateway.kit.clock import rfc3339

FieldPath = tuple[str, ...]


class GatewayError(Exception):
    """Base of all expected failures: `code` for programs, `message` for engineers, `field` if one field caused it."""

    def __init__(self, code: str, message: str, field: Sequence[str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field: FieldPath | None = tuple(field) if field is not None else None

    def with_prefix(self, *prefix: str) -> "GatewayError":
        """Returns the same error with `prefix` put before its field path, for an error in a nested input."""
        self.field = (*prefix, *(self.field or ()))
        return self


class InvalidInput(GatewayError):
    """The input is not valid. Codes: INVALID, INVALID_AMOUNT, INVALID_PERIOD, UNSUPPORTED_CURRENCY,
    PRODUCT_NOT_ENABLED, DUPLICATE_REFERENCE."""


class TooEarly(InvalidInput):
    """The same input is possible later. Code: TOO_EARLY. `possible_from` is the earliest moment (UTC)."""

    def __init__(self, message: str, possible_from: datetime, field: Sequence[str]) -> None:
        super().__init__("TOO_EARLY", f"{message} It is possible from {rfc3339(possible_from)}.", field)
        self.possible_from = possible_from


class NotFound(GatewayError):
    def __init__(self, message: str, field: Sequence[str] | None = None) -> None:
        super().__init__("NOT_FOUND", message, field)


class ConsentRefused(GatewayError):
    """The consent does not cover the request. Codes: CONSENT_REVOKED, CONSENT_EXPIRED, CONSENT_PRODUCT_NOT_COVERED,
    CONSENT_PURPOSE_MISMATCH, CONSENT_AMOUNT_EXCEEDED, CONSENT_DENIED. `covered` holds the authorization details in
    force."""

    def __init__(
        self, code: str, message: str, field: Sequence[str] | None = None, covered: Sequence[Any] = ()
    ) -> None:
        super().__init__(code, message, field)
        self.covered = tuple(covered)


class StateConflict(GatewayError):
    """A decision does not allow a transition. Codes: INVALID_TRANSITION, DECISION_EXPIRED. `status` is the current
    status, `transitions` are the available transitions."""

    def __init__(self, code: str, message: str, status: Any, transitions: Sequence[Any]) -> None:
        super().__init__(code, message)
        self.status = status
        self.transitions = tuple(transitions)


class IdempotencyConflict(GatewayError):
    """An idempotency key was reused with another input or consent, or another call used it first. Code:
    IDEMPOTENCY_KEY_REUSED. `differing` lists the input paths that differ from the first use. It can be empty."""

    def __init__(self, message: str, differing: Sequence[FieldPath]) -> None:
        super().__init__("IDEMPOTENCY_KEY_REUSED", message, ("idempotencyKey",))
        self.differing = tuple(differing)


class Unavailable(GatewayError):
    """A service that the gateway depends on did not respond. Code: SCORE_UNAVAILABLE. The request can be repeated."""


class RateLimitReached(GatewayError):
    """A rate limit is reached. Code: TOO_MANY_INQUIRIES. `retry_after` is how long to wait."""

    def __init__(self, code: str, message: str, retry_after: timedelta) -> None:
        super().__init__(code, message)
        self.retry_after = retry_after


class Unauthenticated(GatewayError):
    """The token is not valid, or its consent has ended."""

    def __init__(self, message: str) -> None:
        super().__init__("UNAUTHENTICATED", message)


class Forbidden(GatewayError):
    """The token is valid, but a scope is missing or the contract does not allow the inquiry. `required` holds the
    alternatives, each a list of scopes. It is empty if no scope would help."""

    def __init__(self, message: str, required: Sequence[Sequence[str]]) -> None:
        super().__init__("FORBIDDEN", message)
        self.required = tuple(tuple(group) for group in required)


class RecordMismatch(GatewayError):
    """A stored record differs from its log entry, so nothing is signed over it."""

    def __init__(self, message: str) -> None:
        super().__init__("RECORD_MISMATCH", message)


class Misconfigured(GatewayError):
    """A setting, a policy file or an adapter is wrong. For a policy file the message names file and position."""

    def __init__(self, message: str) -> None:
        super().__init__("MISCONFIGURED", message)
