"""The outcomes of asking the score provider, and why it gave no usable answer."""

from enum import StrEnum

from gateway.kit.outage import Outage

FETCHED, STALE, UNAVAILABLE = "fetched", "stale", "unavailable"
"""Outcomes: a new answer, an older answer because the provider failed, and no answer."""


class Cause(StrEnum):
    """A cause, for metrics and logs. The first nine are those of `gateway.kit.http_address`."""

    URL = "url"
    UNRESOLVED = "unresolved"
    ADDRESS_REFUSED = "address_refused"
    CONNECTION = "connection"
    TLS = "tls"
    TIMEOUT = "timeout"
    PROTOCOL = "protocol"
    ENCODING = "encoding"
    TOO_LARGE = "too_large"
    STATUS = "status"  # another status than 200
    SERVER_ERROR = "server_error"  # a status from 500 on
    MALFORMED = "malformed"  # not a compact JWS, or a member of its payload is missing or not valid
    SIGNATURE = "signature"  # not signed by a configured key
    ISSUER = "issuer"
    AUDIENCE = "audience"
    SUBJECT = "subject"
    NONCE = "nonce"
    EXPIRED = "expired"  # `iat`, `exp`, `asOf` or `validUntil` do not hold now
    UNKNOWN_REASON = "unknown_reason"  # a reason code is not in the catalogue
    CIRCUIT_OPEN = "circuit_open"  # not asked: the last calls failed
    BUSY = "busy"  # not asked: too many requests wait for the provider
    NO_TIME = "no_time"  # not asked: the request must end soon


TRANSIENT = frozenset({Cause.UNRESOLVED, Cause.CONNECTION, Cause.TIMEOUT, Cause.PROTOCOL, Cause.SERVER_ERROR})
"""Causes that may be gone at the next attempt."""


class ProviderFailed(Outage):
    """The provider gave no usable answer. The message names the cause only."""

    def __init__(self, cause: Cause) -> None:
        super().__init__("score provider", cause, f"The score provider gave no usable answer: {cause}.")
        self.cause = cause


class AnswerRefused(ProviderFailed):
    """The provider works and has signed an answer to this request, but it cannot be used. It says nothing about the
    answers about other persons."""


class CatalogueRefused(Exception):
    """The provider's catalogue of reasons cannot be used. The message says why, and has no text of the provider."""
