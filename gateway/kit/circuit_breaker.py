"""A circuit breaker: stops the calls of a service that keeps failing, and tries it again after a pause."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

_random = secrets.SystemRandom().random


@dataclass(frozen=True, slots=True)
class Attempt:
    """A call that may be made. `is_probe` is True for the one call after a pause."""

    is_probe: bool = False


class CircuitBreaker:
    """Its circuit is closed at first. `failures` consecutive failed attempts open it: then no attempt may begin for
    `pause` seconds and up to half of that more. After that one attempt, the probe, may begin. Its success closes the
    circuit, its failure opens it for another pause. While the circuit is open, other attempts that began before have no
    effect. `monotonic` returns seconds, `random` a number from 0 to 1. Safe to use from any thread."""

    def __init__(
        self,
        failures: int,
        pause: float,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = _random,
    ) -> None:
        self._most, self._pause, self._monotonic, self._random = failures, pause, monotonic, random
        self._lock = Lock()
        self._failures = 0
        self._open_until: float | None = None  # None if the circuit is closed
        self._is_probing = False

    @property
    def is_open(self) -> bool:
        """Whether the circuit is open, also while it is probed."""
        return self._open_until is not None

    def begin_attempt(self) -> Attempt | None:
        """Returns an attempt, or None if none may begin now. Exactly one of the methods below must follow."""
        with self._lock:
            if self._open_until is None:
                return Attempt()
            if self._is_probing or self._monotonic() < self._open_until:
                return None
            self._is_probing = True
            return Attempt(is_probe=True)

    def succeed(self, attempt: Attempt) -> None:
        """Records that the attempt succeeded."""
        with self._lock:
            if attempt.is_probe or self._open_until is None:
                self._failures, self._open_until = 0, None
            self._end_probe(attempt)

    def fail(self, attempt: Attempt) -> None:
        """Records that the attempt failed."""
        with self._lock:
            if attempt.is_probe:
                self._open()
            elif self._open_until is None:
                self._failures += 1
                if self._failures >= self._most:
                    self._open()
            self._end_probe(attempt)

    def abandon(self, attempt: Attempt) -> None:
        """Records that the attempt ended, and says nothing about the service."""
        with self._lock:
            self._end_probe(attempt)

    def _open(self) -> None:
        self._open_until = self._monotonic() + self._pause * (1 + self._random() / 2)

    def _end_probe(self, attempt: Attempt) -> None:
        if attempt.is_probe:
            self._is_probing = False
