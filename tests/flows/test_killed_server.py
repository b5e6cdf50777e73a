"""SIGKILL in the middle of a mixed load, again and again while days pass: what was answered is there afterwards, so is
what the clock and the operator did, and all the books agree."""

import random
import time
from datetime import timedelta
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest

from tests.support.mixed_load import LEFT_ALONE, UNANSWERED, Load, Told, timeline
from tests.support.operators import Gateway
from tests.support.partner import Partner
from tests.support.partner_time import PartnerTime, until
from tests.support.referring import BOATS, install_boats
from tests.support.server import Sandbox

pytestmark = pytest.mark.postgresql

EACH_LOAD = (LEFT_ALONE, UNANSWERED, ("activate", "fulfill"), ("approve", "activate", "fulfill"))
"""What each load gets to the end of, whatever else: on a busy machine nothing may be by the time of a blind kill."""
DAYS = (3, 15)
"""What passes after each load in turn: until what was left alone is marked, and until that mark lapses. By then a
merchant that does not answer a dispute has lost it."""


@pytest.mark.parametrize("rounds", [2, pytest.param(50, marks=pytest.mark.slow)])
def test_killed_server_loses_nothing_that_was_answered(empty_database_url: str, tmp_path: Path, rounds: int) -> None:
    told, chance, time_of = Told(), random.Random(20261123), PartnerTime(empty_database_url)
    left, unanswered = told.walked[LEFT_ALONE], told.walked[UNANSWERED]
    state, packages = tmp_path / "state", install_boats(tmp_path)
    state.mkdir()
    with Sandbox(empty_database_url, state, packages=str(packages), clock_interval="PT0.1S") as sandbox:
        for days in islice(cycle(DAYS), rounds):
            before, known = walked(told), len(left)
            load = Load(sandbox, told, time_of.now, chance.randrange(2**32))
            until(partial(walked, told), partial(further, before))
            if known:  # the clock is at work beside the load
                until(partial(load.happened, left[0]), lambda topics: "DECISION_OVERDUE" in topics)
            time.sleep(chance.uniform(0.0, 0.6))
            sandbox.kill()
            load.join()
            time_of.forward(timedelta(days=days))
            sandbox.start()

        partner = Partner(sandbox, BOATS)
        for decision_id, ending in (
            (left[0], "DECISION_LAPSED"),
            (left[-1], "DECISION_OVERDUE"),
            (unanswered[0], "DISPUTE_RESOLVED"),
        ):
            until(partial(timeline, partner, decision_id), partial(ended_with, ending))
        for decision_id, answered in told.topics.items():
            attempted = (*answered, *told.under_way.get(decision_id, ()))
            assert done_by_people(timeline(partner, decision_id)) in {answered, attempted}, decision_id
        partner.close()
        assert "agree with each other" in Gateway(empty_database_url, state).answer("database", "check", "--deep")


def walked(told: Told) -> list[int]:
    return [len(told.walked[walk]) for walk in EACH_LOAD]


def further(before: list[int], after: list[int]) -> bool:
    return all(now > then for then, now in zip(before, after, strict=True))


def ended_with(topic: str, events: list[dict[str, Any]]) -> bool:
    return bool(events[-1]["topic"] == topic)


def done_by_people(events: list[dict[str, Any]]) -> tuple[str, ...]:
    """The topics without those of the clock: its steps, and the end of a dispute that goes with one."""
    kept, clock = [], False
    for event in events:
        if event["topic"] == "DISPUTE_RESOLVED" and clock:
            clock = False
            continue
        clock = event.get("actor") == "CLOCK"
        if not clock:
            kept.append(event["topic"])
    return tuple(kept)
