"""The exchanges with a receiver: deliveries, their answers, and how often the receiver has applied each event."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from types import MappingProxyType

from gateway.kit.clock import WallClock, WallTime
from gateway.kit.http import HttpClient
from gateway.kit.http_address import Reason, Unreachable
from gateway.kit.webhook_signatures import sign
from gateway.services.webhooks.certification.samples import Sample, Samples
from gateway.services.webhooks.sending import LARGEST_RESPONSE, TIMEOUT

LONGEST_EFFECTS = 16 * 1024 * 1024
"""The largest list of effects, in bytes."""

_UNCHANGED: Mapping[str, str | None] = MappingProxyType({})
_PROBLEMS: Mapping[Reason, str] = {
    "unresolved": "no answer: the host has no address",
    "address_refused": "no answer: connections to this address are not allowed",
    "connection": "no answer: the connection was lost",
    "tls": "no answer: the certificate is not valid",
    "timeout": "no answer in time",
    "protocol": "no answer: the connection ended without HTTP",
    "encoding": "a compressed answer",
    "too_large": "an answer over 64 KiB",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds. After `usable` an attempt of the gateway fails. An answer should come within `good`. `wait` is how long
    this program waits, in order to measure answers that are too late."""

    good: float = 5
    usable: float = TIMEOUT.total_seconds()
    wait: float = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """What came for a delivery: a status, or the reason why there is none, and after how many seconds."""

    status: int | None
    reason: Reason | None
    seconds: float

    @property
    def is_accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_refused(self) -> bool:
        return self.status is not None and 400 <= self.status < 500

    @property
    def is_redirect(self) -> bool:
        return self.status is not None and 300 <= self.status < 400

    def __str__(self) -> str:
        if self.status is None:
            return _PROBLEMS.get(self.reason or "protocol", "no answer")
        return f"{self.status} (a redirect)" if self.is_redirect else str(self.status)


class EffectsUnreadable(Exception):
    """The receiver's list of effects cannot be read. The message says why."""


@dataclass(slots=True)
class Session:
    """Sends deliveries to one receiver and keeps the answers. `secret` is the one that the receiver has. `effects_url`
    is where the receiver says how often it has applied each event, None if it does not."""

    client: HttpClient
    url: str
    secret: str
    clock: WallClock
    limits: Limits = field(default_factory=Limits)
    effects_url: str | None = None
    answers: list[Answer] = field(default_factory=list)
    effects_problem: str | None = None
    samples: Samples = field(init=False)

    def __post_init__(self) -> None:
        self.samples = Samples(self.clock)

    def deliver(
        self,
        sample: Sample,
        *,
        ahead: float = 0,
        secrets: Sequence[str] = (),
        body: bytes | None = None,
        headers: Mapping[str, str | None] = _UNCHANGED,
        other_signatures: Sequence[str] = (),
    ) -> Answer:
        """Sends the event and returns the answer. Its time is `ahead` seconds ahead of ours. It is signed with
        `secrets`, by default with that of the receiver, and `other_signatures` stand before these. The body and headers
        are replaced after that. A header with the value None is left out."""
        at = WallTime(self.clock() + timedelta(seconds=ahead))
        own = sign(secrets or (self.secret,), sample.id, at, sample.body)
        signatures = " ".join((*other_signatures, own["webhook-signature"]))
        signed = {**own, "webhook-signature": signatures, **headers}
        sent = {"content-type": "application/json", **{name: text for name, text in signed.items() if text is not None}}
        answer = self._post(sample.body if body is None else body, sent)
        self.answers.append(answer)
        return answer

    def _post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        began = time.monotonic()
        status: int | None = None
        reason: Reason | None = None
        try:
            status = self.client.post(
                self.url, body, headers=headers, timeout=self.limits.wait, max_bytes=LARGEST_RESPONSE
            ).status
        except Unreachable as error:
            reason = error.reason
        return Answer(status, reason, time.monotonic() - began)

    def count_effects(self) -> Mapping[str, int] | None:
        """Returns how often the receiver has applied each event, by event id. None if it does not say so, or cannot be
        read; then `effects_problem` says why, and it is not read again."""
        if self.effects_url is None or self.effects_problem is not None:
            return None
        try:
            return self._read_effects(self.effects_url)
        except EffectsUnreadable as error:
            self.effects_problem = str(error)
            return None

    def _read_effects(self, url: str) -> Mapping[str, int]:
        try:
            response = self.client.get(url, timeout=self.limits.wait, max_bytes=LONGEST_EFFECTS)
        except Unreachable as error:
            raise EffectsUnreadable(_PROBLEMS.get(error.reason, "no answer")) from None
        if response.status != HTTPStatus.OK:
            raise EffectsUnreadable(str(response.status))
        try:
            effects = json.loads(response.body)["effects"]
            counts = {str(event): count for event, count in effects.items()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            counts = {"": None}
        if not all(type(count) is int for count in counts.values()):
            raise EffectsUnreadable('not {"effects": {event id: number}}')
        return counts
