"""When a notice is tried again, and which kinds a person can switch off."""

from datetime import timedelta

import pytest

from gateway.domain.notices.delivery import ALWAYS_SENT, Preferences, next_wait
from gateway.domain.notices.notice import NoticeKind


@pytest.mark.parametrize(
    ("attempts", "wait"),
    [
        (1, timedelta(minutes=1)),
        (2, timedelta(minutes=2)),
        (5, timedelta(minutes=16)),
        (9, timedelta(hours=4)),
        (100_000, timedelta(hours=4)),
    ],
)
def test_waits_double_up_to_four_hours(attempts: int, wait: timedelta) -> None:
    assert next_wait(attempts, lambda: 0.5) == wait


def test_waits_differ_by_a_fifth() -> None:
    assert [next_wait(1, lambda draw=draw: draw) for draw in (0.0, 1.0)] == [  # type: ignore[misc]
        timedelta(seconds=48),
        timedelta(seconds=72),
    ]


def test_breaches_and_sign_ins_cannot_be_switched_off() -> None:
    nothing = Preferences(not_sent=frozenset(NoticeKind))
    assert {kind for kind in NoticeKind if nothing.sends(kind)} == ALWAYS_SENT
    assert {NoticeKind.BREACH_REPORTED, NoticeKind.SIGN_IN} == ALWAYS_SENT
    assert all(map(Preferences().sends, NoticeKind))
