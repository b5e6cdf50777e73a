"""How notices leave the gateway: to whom, when they are tried again, and why one is not sent."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from random import random

from gateway.domain.notices.notice import NoticeKind

ALWAYS_SENT = frozenset({NoticeKind.BREACH_REPORTED, NoticeKind.SIGN_IN})
"""The kinds that a person cannot switch off."""

GIVE_UP_AFTER = timedelta(days=3)
"""How long after it was written a notice is still sent."""

LONGEST_NOTICE_TIME = timedelta(days=7)
"""How long after it reached the inbox the notice about a breach counts as received, if it was not sent before."""

LEASE = timedelta(minutes=5)
"""How long one process has a notice to send it. If the process ends in this time, the notice is sent after it."""

FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=4)
JITTER = 0.2
"""The largest part by which a wait is longer or shorter."""


class NotSent(StrEnum):
    """Why a notice was not sent, and will not be. REFUSED: the receiver refuses it for good. EXPIRED: it was not
    accepted in GIVE_UP_AFTER, or nothing is configured to send it. OPTED_OUT: the person does not want this kind.
    NO_ADDRESS: the person has no email address. DISABLED: the person is disabled."""

    REFUSED = "REFUSED"
    EXPIRED = "EXPIRED"
    OPTED_OUT = "OPTED_OUT"
    NO_ADDRESS = "NO_ADDRESS"
    DISABLED = "DISABLED"


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a person wants to get outside of the inbox. `language` is None if the person has not chosen one; `not_sent`
    are the kinds that the person has switched off."""

    language: str | None = None
    not_sent: frozenset[NoticeKind] = frozenset()

    def sends(self, kind: NoticeKind) -> bool:
        """Whether notices of this kind are sent."""
        return kind in ALWAYS_SENT or kind not in self.not_sent


def next_wait(attempts: int, draw: Callable[[], float] = random) -> timedelta:
    """Returns how long to wait after the failure of attempt number `attempts`, counted from 1. `draw` returns a number
    from 0 to 1."""
    doublings = min(attempts - 1, 20)
    return min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT) * (1 + JITTER * (2 * draw() - 1))
