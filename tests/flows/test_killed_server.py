"""SIGKILL during a mixed load, repeatedly, with days of business time in between. Everything that was confirmed is
stored afterwards, as are the changes of the scheduler and the operator. Everything is reconciled, and the logs match
the checkpoints."""

import random
import time
from datetime import timedelta
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest

from tests.support.merchant_client import MerchantClient
from tests.support.mixed_load import NOT_RETURNED, UNANSWERED, Acknowledged, Load, timeline
from tests.support.operators import Gateway
from tests.support.partner_time import PartnerTime, until
from tests.support.referring import BOATS, install_boats
from tests.support.server import Sandbox

EACH_LOAD = (NOT_RETURNED, UNANSWERED, ("activate", "fulfill"), ("approve", "activate", "fulfill"))
"""The paths that each load completes before the kill: on a busy machine it might complete none."""
DAYS = (3, 15)
"""The days that pass after each load in turn: until a decision is overdue, and until the overdue flag expires. By then
an unanswered dispute is upheld."""


@pytest.mark.parametrize("rounds", [2, pytest.param(50, marks=pytest.mark.slow)])
def test_killed_server_loses_nothing_that_it_confirmed(
    seeded_state: tuple[str, Path], tmp_path: Path, rounds: int
) -> None:
    database_url, state = seeded_state
    acknowledged, chance, time_of = Acknowledged(), random.Random(20261123), PartnerTime(database_url)
    not_returned, unanswered = acknowledged.completed[NOT_RETURNED], acknowledged.completed[UNANSWERED]
    packages = install_boats(tmp_path, by_amount=True)
    published, kept = tmp_path / "checkpoints", tmp_path / "kept"
    server = Sandbox(
        database_url,
        state,
        packages=str(packages),
        clock_interval="PT0.1S",
        credit_limits="UNSCORED 1000000.00 CNY",  # also after broken agreements
        checkpoint_file=str(published),
    )
    with kept.open("w") as copies, server as sandbox:
        for days in islice(cycle(DAYS), rounds):
            before, known = count_completed(acknowledged), len(not_returned)
            load = Load(sandbox, acknowledged, time_of.now, chance.randrange(2**32))
            until(partial(count_completed, acknowledged), partial(all_greater, before))
            until(published.exists, bool)  # the first one is published a second after the first entry
            if known:  # the scheduler runs during the load
                until(partial(load.topics_of, not_returned[0]), lambda topics: "DECISION_OVERDUE" in topics)
            time.sleep(chance.uniform(0.0, 0.6))
            sandbox.kill()
            load.join()
            copies.write(published.read_text())
            time_of.forward(timedelta(days=days))
            sandbox.start()

        partner = MerchantClient(sandbox, BOATS)
        for decision_id, ending in (
            (not_returned[0], "DECISION_LAPSED"),
            (not_returned[-1], "DECISION_OVERDUE"),
            (unanswered[0], "DISPUTE_RESOLVED"),
        ):
            until(partial(timeline, partner, decision_id), partial(ended_with, ending))
        for decision_id, answered in acknowledged.topics.items():
            attempted = (*answered, *acknowledged.in_flight.get(decision_id, ()))
            assert without_system_events(timeline(partner, decision_id)) in {answered, attempted}, decision_id
        partner.close()
        copies.flush()
        verified = Gateway(database_url, state).output("log", "verify", "--checkpoints", str(kept))
        assert "decision log: " in verified, "what was published before each kill is still in the logs"
        assert "agree with each other" in Gateway(database_url, state).output("database", "check", "--deep")


def count_completed(acknowledged: Acknowledged) -> list[int]:
    return [len(acknowledged.completed[path]) for path in EACH_LOAD]


def all_greater(before: list[int], after: list[int]) -> bool:
    return all(now > then for then, now in zip(before, after, strict=True))


def ended_with(topic: str, events: list[dict[str, Any]]) -> bool:
    return bool(events[-1]["topic"] == topic)


def without_system_events(events: list[dict[str, Any]]) -> tuple[str, ...]:
    """The topics without those of the scheduler: its transitions, and the resolution of a dispute that follows one."""
    topics, scheduler = [], False
    for event in events:
        if event["topic"] == "DISPUTE_RESOLVED" and scheduler:
            scheduler = False
            continue
        scheduler = event.get("actor") == "CLOCK"
        if not scheduler:
            topics.append(event["topic"])
    return tuple(topics)
