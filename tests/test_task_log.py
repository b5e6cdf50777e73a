"""What a task of the server logs when it fails."""

import pytest
from structlog.testing import capture_logs

from gateway.app import run_or_log
from gateway.kit.deadline import Deadlines
from gateway.kit.outage import Outage, outage_log


@pytest.fixture(autouse=True)
def new_log() -> None:
    outage_log.forget()


def test_task_that_is_cancelled_at_the_end_of_the_server_is_not_logged() -> None:
    deadlines = Deadlines(1)
    with deadlines.running() as deadline, capture_logs() as lines:
        deadlines.cancel_all()
        run_or_log("checkpoint", deadline.check)
    assert lines == []


def test_task_that_takes_too_long_is_logged() -> None:
    with Deadlines(0).running() as deadline, capture_logs() as lines:
        run_or_log("checkpoint", deadline.check)
    assert [(line["cause"], line["path"]) for line in lines] == [("DEADLINE_EXCEEDED", "checkpoint")]


def test_outage_of_a_task_is_logged() -> None:
    def fail() -> None:
        raise Outage("database", "08006", "The connection was lost.")

    with capture_logs() as lines:
        run_or_log("purge", fail)
    assert [(line["service"], line["cause"], line["path"]) for line in lines] == [("database", "08006", "purge")]
