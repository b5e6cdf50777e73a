"""Deadlines: when they are over, and in which context."""

from itertools import count

import pytest

from gateway.kit.deadline import (
    Deadline,
    DeadlineExceeded,
    Deadlines,
    check_deadline,
    current_deadline,
    without_deadline,
)


def test_a1_deadline_is_over_after_its_time() -> None:
    time = count()
    deadline = Deadline(2, lambda: next(time))
    deadline.check()
    with pytest.raises(DeadlineExceeded):
        deadline.check()
    deadline.restart()
    deadline.check()


def test_a1_cancelled_deadline_is_over() -> None:
    called: list[str] = []
    with Deadlines(60).running() as deadline:
        deadline.on_cancel(lambda: called.append("before"))
        check_deadline()
        deadline.cancel()
        deadline.on_cancel(lambda: called.append("after"))
        with pytest.raises(DeadlineExceeded) as error:
            check_deadline()
    assert (called, deadline.remaining(), error.value.code) == (["before", "after"], 0, "CANCELLED")


def test_a1_deadline_holds_in_its_block_only() -> None:
    assert current_deadline() is None
    with Deadlines(0).running():
        with without_deadline():
            check_deadline()
        with pytest.raises(DeadlineExceeded):
            check_deadline()
    check_deadline()


def test_h2_all_deadlines_end_with_the_server() -> None:
    deadlines = Deadlines(60)
    with deadlines.running() as running:
        deadlines.cancel_all()
        assert running.is_over
    with deadlines.running() as later:
        assert later.is_over
