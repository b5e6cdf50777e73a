"""The client of the score provider: attempts with time limits, retries with jitter, and a circuit breaker."""

import math
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock

from gateway.kit import json
from gateway.kit.circuit_breaker import CircuitBreaker
from gateway.kit.clock import BusinessTime, rfc3339
from gateway.kit.deadline import check_deadline, current_deadline
from gateway.kit.http import HttpClient, HttpResponse
from gateway.kit.http_address import Unreachable
from gateway.sources.remote.answers import (
    LARGEST_ANSWER,
    LARGEST_CATALOGUE,
    AnswerReader,
    ReasonText,
    ScoreAnswer,
)
from gateway.sources.remote.failures import TRANSIENT, AnswerRefused, CatalogueRefused, Cause, ProviderFailed

JOSE = "application/jose"
FIRST_PAUSE = 0.2
"""Seconds of which a random part passes before the first retry. Twice as many before the second."""

SHARE_OF_REQUEST = 0.8
"""How much of a request's remaining time its calls of the provider may take."""

SHORTEST_ATTEMPT = 0.25
"""The part of the time limit of an attempt that must remain to begin one."""

RELOAD_EVERY = 60.0
"""Seconds between two fetches of the catalogue because of an unknown reason code."""

_random = secrets.SystemRandom().random


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for one attempt and for all attempts together, and the number of retries."""

    attempt: float
    total: float
    retries: int


@dataclass(frozen=True, slots=True)
class Address:
    """The base URL of the provider without a slash at its end, and the bearer token for it, None without one."""

    base: str
    token: str | None = field(default=None, repr=False)

    @property
    def headers(self) -> dict[str, str]:
        authorization = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        return {"Accept": JOSE, **authorization}


class ScoreProvider:
    """The provider. Each call blocks its thread for at most `limits.total` seconds."""

    def __init__(
        self, http: HttpClient, address: Address, reader: AnswerReader, breaker: CircuitBreaker, limits: Limits
    ) -> None:
        self._http, self._address, self._reader = http, address, reader
        self._breaker, self._limits = breaker, limits
        self._lock = Lock()
        self._reasons: Mapping[str, ReasonText] | None = None
        self._reloaded_at = -math.inf

    @property
    def reasons(self) -> Mapping[str, ReasonText]:
        """The catalogue of reasons, empty before it was fetched."""
        return self._reasons or {}

    def load_reasons(self) -> None:
        """Fetches the catalogue of reasons. Raises CatalogueRefused for one that cannot be used, and ProviderFailed."""
        self._reasons = self._fetch_reasons(self._limits.attempt)

    def ask(self, subject: str, now: BusinessTime) -> ScoreAnswer:
        """The provider's answer about a subject as of `now`. Raises ProviderFailed, and DeadlineExceeded if the request
        ends meanwhile."""
        deadline = current_deadline()
        within = self._limits.total
        if deadline is not None:
            within = min(within, SHARE_OF_REQUEST * deadline.remaining())
        end, pause = time.monotonic() + within, FIRST_PAUSE
        for _ in range(self._limits.retries):
            try:
                return self._attempt(subject, now, end)
            except ProviderFailed as failure:
                check_deadline()
                seconds = pause * _random()
                if failure.cause not in TRANSIENT or not self._is_time_for_attempt(end - seconds):
                    raise
            time.sleep(seconds)
            pause *= 2
        return self._attempt(subject, now, end)

    def _attempt(self, subject: str, now: BusinessTime, end: float) -> ScoreAnswer:
        if not self._is_time_for_attempt(end):
            raise ProviderFailed(Cause.NO_TIME)
        attempt = self._breaker.begin_attempt()
        if attempt is None:
            raise ProviderFailed(Cause.CIRCUIT_OPEN)
        try:
            answer = self._exchange(subject, now, min(end, time.monotonic() + self._limits.attempt))
        except AnswerRefused:
            self._breaker.succeed(attempt)
            raise
        except ProviderFailed:
            self._breaker.fail(attempt)
            raise
        except BaseException:
            self._breaker.abandon(attempt)
            raise
        self._breaker.succeed(attempt)
        return answer

    def _is_time_for_attempt(self, end: float) -> bool:
        return end - time.monotonic() >= SHORTEST_ATTEMPT * self._limits.attempt

    def _exchange(self, subject: str, now: BusinessTime, end: float) -> ScoreAnswer:
        """Sends one request about the subject, and fetches the catalogue if it is needed."""
        if self._reasons is None:
            self._reload_reasons(end)
        nonce = secrets.token_urlsafe(24)
        content = json.encode({"subject": subject, "nonce": nonce, "asOf": rfc3339(now)})
        headers = {**self._address.headers, "Content-Type": "application/json"}
        url, seconds = f"{self._address.base}/scores", end - time.monotonic()
        response = _reachable(
            lambda: self._http.post(url, content, timeout=seconds, max_bytes=LARGEST_ANSWER, headers=headers)
        )
        _require_jose(response)
        answer = self._reader.read_score(response.body, subject, nonce, now)
        if not self._knows(answer) and self._may_reload():
            self._reload_reasons(end)
        if not self._knows(answer):
            raise AnswerRefused(Cause.UNKNOWN_REASON)
        return answer

    def _knows(self, answer: ScoreAnswer) -> bool:
        return all(code in self.reasons for code in answer.reasons)

    def _may_reload(self) -> bool:
        with self._lock:
            now = time.monotonic()
            if now < self._reloaded_at + RELOAD_EVERY:
                return False
            self._reloaded_at = now
            return True

    def _reload_reasons(self, end: float) -> None:
        try:
            self._reasons = self._fetch_reasons(end - time.monotonic())
        except CatalogueRefused:
            raise ProviderFailed(Cause.UNKNOWN_REASON) from None

    def _fetch_reasons(self, seconds: float) -> Mapping[str, ReasonText]:
        url, headers = f"{self._address.base}/reasons", self._address.headers
        response = _reachable(
            lambda: self._http.get(url, timeout=seconds, max_bytes=LARGEST_CATALOGUE, headers=headers)
        )
        _require_jose(response)
        return self._reader.read_reasons(response.body)


def _reachable(send: Callable[[], HttpResponse]) -> HttpResponse:
    try:
        return send()
    except Unreachable as unreachable:
        raise ProviderFailed(Cause(unreachable.reason)) from None


def _require_jose(response: HttpResponse) -> None:
    if response.status != 200:
        raise ProviderFailed(Cause.SERVER_ERROR if response.status >= 500 else Cause.STATUS)
    if response.headers.get("content-type", "").partition(";")[0].strip().lower() != JOSE:
        raise ProviderFailed(Cause.MALFORMED)
