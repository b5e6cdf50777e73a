"""One attempt of a delivery: the signed request, and what its result means."""

import time
from dataclasses import dataclass
from datetime import timedelta

from gateway.domain.webhooks.schedule import parse_retry_after
from gateway.domain.webhooks.variant import WebhookVariant
from gateway.kit.clock import WallClock, WallTime
from gateway.kit.http import HttpClient, HttpResponse
from gateway.kit.http_address import Unreachable
from gateway.kit.logging import get_logger
from gateway.kit.webhook_signatures import new_secret, sign, sign_body
from gateway.store.base import Row
from gateway.store.webhooks.delivery_rows import WebhookAttemptRow, WebhookMessageRow
from gateway.store.webhooks.endpoints import WebhookEndpointRow
from merchants.wire import Signature

TIMEOUT = timedelta(seconds=15)
"""How long an attempt takes at most, from the resolution of the name to the end of the response."""

LARGEST_RESPONSE = 64 * 1024
"""The largest response in bytes. A larger one counts as a failure."""

TOO_OLD = timedelta(minutes=10)
"""How long ago an attempt with the variant OLD_TIMESTAMP seems to be made. Receivers accept five minutes."""

KEPT_RESPONSE = 1_000
"""How many characters of a response are kept for the merchant."""
FORCED = b"This attempt was not made. Its failure was forced by sandboxFaultInject."
"""What the receiver seems to answer to an attempt with an injected fault."""

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt to be made. `number` counts the attempts of the delivery, `tries` those of the schedule. `message` is
    None if it could not be rendered. `secrets` are the valid secrets of the endpoint, newest first. `was_failing`:
    whether an attempt at the endpoint had failed since the last success. `forced_status` is an injected fault of a
    sandbox: nothing is sent, and the receiver seems to answer with it."""

    delivery_id: str
    event_id: str
    number: int
    tries: int
    endpoint_id: str
    url: str
    was_failing: bool
    secrets: tuple[str, ...]
    message: WebhookMessageRow | None
    forced_status: int | None = None

    @classmethod
    def of(
        cls,
        delivery: Row,
        endpoint: WebhookEndpointRow,
        secrets: tuple[str, ...],
        message: WebhookMessageRow | None,
        forced_status: int | None,
    ) -> "Attempt":
        """Returns the next attempt of a delivery, whose row is `delivery`."""
        return cls(
            delivery_id=delivery.id,
            event_id=delivery.event_id,
            number=delivery.attempts,
            tries=delivery.tries,
            endpoint_id=endpoint.id,
            url=endpoint.url,
            was_failing=endpoint.failures > 0,
            secrets=secrets,
            message=message,
            forced_status=forced_status,
        )

    @property
    def variant(self) -> WebhookVariant:
        """How the attempt deviates. Only the first one of a delivery does. Raises ValueError for an unknown name."""
        name = self.message.variant if self.message is not None and self.number == 1 else None
        return WebhookVariant(name or WebhookVariant.NORMAL)


@dataclass(frozen=True, slots=True)
class Result:
    """What an attempt has led to. `retry_after` is the wait that the receiver asked for."""

    attempt: Attempt
    row: WebhookAttemptRow
    retry_after: timedelta | None = None

    @property
    def delivered(self) -> bool:
        """Whether the receiver has accepted the message."""
        return self.row.response_status is not None and 200 <= self.row.response_status < 300


class WebhookSender:
    """Sends messages. `http` refuses addresses that are not public, follows no redirects, limits time and size, and may
    keep connections."""

    def __init__(self, http: HttpClient, clock: WallClock) -> None:
        self._http, self._clock = http, clock

    def close_unused(self) -> None:
        """Closes the connections that were not used for some seconds."""
        self._http.close_unusable()

    def close(self) -> None:
        """Closes all connections that are not in use."""
        self._http.close()

    def send(self, attempt: Attempt) -> Result:
        """Makes an attempt. An error of our own is logged, and counts as a failure."""
        started, begun = self._clock(), time.perf_counter()
        response: HttpResponse | None = None
        error: str | None = None
        retry_after: timedelta | None = None
        if attempt.forced_status is not None:
            response = HttpResponse(attempt.forced_status, {}, FORCED)
        elif attempt.message is None:
            error = "not_rendered"
        else:
            try:
                if attempt.variant is WebhookVariant.DUPLICATE:
                    self._post(attempt, attempt.message, started)
                response = self._post(attempt, attempt.message, started)
                retry_after = parse_retry_after(response.headers.get("retry-after"))
            except Unreachable as unreachable:
                error = unreachable.reason
            except Exception as unexpected:  # noqa: BLE001  # else the attempt would be made again for ever
                error = "internal"
                _log.error("webhook_not_sent", delivery=attempt.delivery_id, error=type(unexpected).__name__)
        row = WebhookAttemptRow.of_values(
            {
                "delivery_id": attempt.delivery_id,
                "number": attempt.number,
                "started_at": started,
                "duration_ms": round((time.perf_counter() - begun) * 1000),
                "response_status": None if response is None else response.status,
                "response_body": None if response is None else _kept(response.body),
                "error": error,
            }
        )
        return Result(attempt, row, retry_after)

    def _post(self, attempt: Attempt, message: WebhookMessageRow, at: WallTime) -> HttpResponse:
        secrets = attempt.secrets
        if attempt.variant is WebhookVariant.BAD_SIGNATURE:
            secrets = (new_secret(),)
        elif attempt.variant is WebhookVariant.OLD_TIMESTAMP:
            at = WallTime(at - TOO_OLD)
        headers = {"content-type": message.content_type, **sign(secrets, attempt.event_id, at, message.body)}
        if message.signature == Signature.HMAC_SHA256_HEX:
            headers[message.header] = sign_body(secrets[0], message.body)
        return self._http.post(
            attempt.url,
            message.body,
            timeout=TIMEOUT.total_seconds(),
            max_bytes=LARGEST_RESPONSE,
            headers=headers,
        )


def _kept(body: bytes) -> str:
    """The beginning of a response as text without control characters, which PostgreSQL and terminals do not take."""
    text = body[: 4 * KEPT_RESPONSE].decode("utf-8", "replace")[:KEPT_RESPONSE]
    return "".join(each if each.isprintable() or each in "\n\t" else "\N{REPLACEMENT CHARACTER}" for each in text)
