"""Faults that a partner injects into the next calls of its client in a sandbox."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from gateway.domain.errors import InvalidInput

MOST_CALLS = 100
"""The largest number of calls that one injection affects."""

LONGEST_LATENCY = timedelta(seconds=30)
HTTP_STATUSES = (429, 500, 502, 503, 504)
"""What a proxy between the client and the gateway answers."""

ERROR_CODES = (
    "INTERNAL_SERVER_ERROR",
    "UNAVAILABLE",
    "DEADLINE_EXCEEDED",
    "MAX_COST_EXCEEDED",
    "BAD_REQUEST",
    "BAD_USER_INPUT",
    "GRAPHQL_PARSE_FAILED",
    "GRAPHQL_VALIDATION_FAILED",
    "DOCUMENT_NOT_FOUND",
    "DOCUMENT_ID_REQUIRED",
    "PERSISTED_QUERY_NOT_SUPPORTED",
)
"""The codes of errors of a whole request. Those of fields and of user errors have other causes in a sandbox."""


class FaultKind(StrEnum):
    """What happens to a call."""

    LATENCY = "latency"
    HTTP_STATUS = "httpStatus"
    GRAPHQL_ERROR_CODE = "graphqlErrorCode"
    SCORE_SERVICE_DOWN = "scoreServiceDown"
    THROTTLE = "throttle"
    WEBHOOK_FAILURES = "webhookFailures"
    DROP_RESPONSE = "dropResponse"
    DPOP_NONCE = "dpopNonce"
    IDEMPOTENCY_IN_PROGRESS = "idempotencyInProgress"


_FLAGS = frozenset(
    {
        FaultKind.SCORE_SERVICE_DOWN,
        FaultKind.THROTTLE,
        FaultKind.DROP_RESPONSE,
        FaultKind.DPOP_NONCE,
        FaultKind.IDEMPOTENCY_IN_PROGRESS,
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault. `value` is the latency in milliseconds, the HTTP status, the error code or the demanded nonce. It is
    None for the other kinds."""

    kind: FaultKind
    value: str | None = None

    @property
    def latency(self) -> timedelta:
        """How much later the response comes."""
        return timedelta(milliseconds=int(self.value or 0) if self.kind is FaultKind.LATENCY else 0)

    @property
    def status(self) -> int:
        """The status of the response of a proxy, or of the endpoint of a webhook."""
        return int(self.value or 0)


def require_fault(kind: FaultKind, value: timedelta | int | str | bool) -> Fault:
    """Returns the fault of this kind. Raises InvalidInput with the kind as field for a value that is not possible."""
    if kind in _FLAGS:
        if value is not True:
            raise InvalidInput("INVALID", "is true or absent. To end a fault, set count to 0.", (kind.value,))
        return Fault(kind)
    if isinstance(value, timedelta):
        if not timedelta(0) < value <= LONGEST_LATENCY:
            seconds = int(LONGEST_LATENCY.total_seconds())
            raise InvalidInput("INVALID_PERIOD", f"is longer than zero and at most PT{seconds}S", (kind.value,))
        return Fault(kind, str(round(value / timedelta(milliseconds=1))))
    _require_possible(kind, value)
    return Fault(kind, str(value))


def _require_possible(kind: FaultKind, value: int | str) -> None:
    if kind is FaultKind.HTTP_STATUS and value not in HTTP_STATUSES:
        raise InvalidInput("INVALID", f"is one of {', '.join(map(str, HTTP_STATUSES))}", (kind.value,))
    if kind is FaultKind.WEBHOOK_FAILURES and not (isinstance(value, int) and 400 <= value <= 599):
        raise InvalidInput("INVALID", "is an HTTP status from 400 to 599", (kind.value,))
    if kind is FaultKind.GRAPHQL_ERROR_CODE and value not in ERROR_CODES:
        raise InvalidInput("INVALID", f"is one of {', '.join(ERROR_CODES)}", (kind.value,))
