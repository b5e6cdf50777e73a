"""Ids: a noun, the environment mark ("test_" in a sandbox), and a sortable part (UUIDv7, RFC 9562, in base32)."""

import secrets
import struct
import threading
import time
from datetime import timedelta

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_DRAWN = 64
"""The number of ids for which random bits are drawn at once, because a call to the system takes longer than all else
that an id needs."""


class Ids:
    """Creates ids that sort in the order of their creation within this process. `mark` is the environment mark in each
    id."""

    def __init__(self, mark: str = "") -> None:
        self._mark = mark
        self._lock = threading.Lock()
        self._last = 0
        self._random: list[int] = []

    def new(self, noun: str) -> str:
        """Returns a new id such as `dec_test_01jd...`: noun, environment mark, 26 base32 characters."""
        return f"{noun}_{self._mark}{_base32(self._uuid7())}"

    def before(self, noun: str, age: timedelta) -> str:
        """Returns a text that sorts before the ids of this noun that were created within `age`, and after older
        ones."""
        millis = time.time_ns() // 1_000_000 - age // timedelta(milliseconds=1)
        return f"{noun}_{self._mark}{_base32(millis << 80)}"

    def _uuid7(self) -> int:
        # 48 bits of milliseconds, then version, a 12-bit counter for ids of one millisecond, variant, 62 random bits.
        with self._lock:
            tick = max(time.time_ns() // 1_000_000 << 12, self._last + 1)
            self._last = tick
            if not self._random:
                self._random.extend(struct.unpack(f"{_DRAWN}Q", secrets.token_bytes(8 * _DRAWN)))
            random_bits = self._random.pop() >> 2
        millis, counter = tick >> 12, tick & 0xFFF
        return millis << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62 | random_bits


def noun_of(identifier: str) -> str:
    """Returns the noun of an id, or "" for a text that is not an id."""
    noun, separator, _ = identifier.partition("_")
    return noun if separator else ""


def _base32(number: int) -> str:
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)])
