"""When deliveries are tried again, and when an endpoint waits."""

from datetime import timedelta

import pytest

from gateway.domain.webhooks.schedule import ATTEMPTS, RETRIES, next_wait, parse_retry_after, pause

HALF = 0.5  # no jitter
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def test_attempts_follow_the_schedule_of_the_specification() -> None:
    waits = [next_wait(tries, draw=lambda: HALF) for tries in range(1, ATTEMPTS + 1)]
    assert waits == [*RETRIES, None]
    assert sum(RETRIES, timedelta()) == timedelta(hours=75, minutes=35, seconds=5)


@pytest.mark.parametrize(("drawn", "factor"), [(0.0, 0.8), (1.0, 1.2)])
def test_waits_vary_by_a_fifth(drawn: float, factor: float) -> None:
    assert next_wait(2, draw=lambda: drawn) == RETRIES[1] * factor


def test_receiver_can_ask_for_a_longer_wait_of_at_most_a_day() -> None:
    def wait(asked: timedelta) -> timedelta | None:
        return next_wait(2, asked, lambda: HALF)

    assert wait(SECOND) == RETRIES[1]
    assert wait(timedelta(hours=1)) == timedelta(hours=1)
    assert wait(timedelta(days=365)) == timedelta(days=1)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_endpoint_that_is_too_busy_gets_nothing_for_a_while(status: int) -> None:
    assert [pause(failures, status) for failures in (1, 2, 3, 50)] == [5 * SECOND, 10 * SECOND, 20 * SECOND, 5 * MINUTE]
    assert pause(1, status, MINUTE) == MINUTE


@pytest.mark.parametrize("status", [None, 400, 404, 500, 302])
def test_ten_failures_in_a_row_pause_an_endpoint(status: int | None) -> None:
    assert [pause(failures, status) for failures in (1, 9, 10, 11, 99)] == [
        None,
        None,
        5 * SECOND,
        10 * SECOND,
        5 * MINUTE,
    ]


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("120", 120 * SECOND),
        ("0", timedelta()),
        *((text, None) for text in (None, "", "-1", "1.5", "soon", "１２", "9" * 10, "Wed, 21 Oct 2026 07:28:00 GMT")),
    ],
)
def test_retry_after_is_read_in_seconds(text: str | None, wait: timedelta | None) -> None:
    assert parse_retry_after(text) == wait
