"""SIGKILL in the middle of a mixed load: what was answered is there afterwards, and all the books agree."""

import random
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from tests.support.life import MOVES, REQUEST, moving
from tests.support.partner import Partner, car, request_input, yuan
from tests.support.server import Sandbox, bare_environment

LOOKUP = "query ($id: ID!) { decision(by: {id: $id}) { status settlement { settled { amount } } } }"
WRITERS = 4
WALKS: tuple[tuple[str, ...], ...] = (
    ("activate", "fulfill"),
    ("activate", "part", "fulfill"),
    ("activate", "breach", "fulfill"),
    ("activate", "extend", "part"),
    ("cancel",),
    ("activate", "breach"),
)


@dataclass
class Told:
    """What the server has answered about decisions, by id: the last status, and the call that was then under way."""

    last: dict[str, str] = field(default_factory=dict)
    under_way: dict[str, str] = field(default_factory=dict)


@pytest.mark.parametrize("rounds", [2, pytest.param(50, marks=pytest.mark.slow)])
def test_killed_server_loses_nothing_that_was_answered(own_sandbox: Sandbox, rounds: int) -> None:
    told, chance = Told(), random.Random(20261123)
    for _ in range(rounds):
        known = len(told.last)
        threads = _writers(own_sandbox, told, chance.randrange(2**32))
        _wait_for(told, known + 2)  # on a busy machine nothing may have been answered by the time of a blind kill
        time.sleep(chance.uniform(0.0, 0.6))
        own_sandbox.kill()
        for thread in threads:
            thread.join(timeout=60)
            assert not thread.is_alive()
        own_sandbox.start()

    assert len(told.last) > rounds
    partner = Partner(own_sandbox)
    for decision_id, status in told.last.items():
        found = partner.graphql(partner.merchant_token, LOOKUP, id=decision_id).data["decision"]
        attempted = MOVES[told.under_way[decision_id]].leads_to if decision_id in told.under_way else status
        assert found["status"] in {status, attempted}, decision_id
    partner.close()
    _books_agree(own_sandbox)


def _wait_for(told: Told, many: int) -> None:
    deadline = time.monotonic() + 30
    while len(told.last) < many:
        assert time.monotonic() < deadline, "the server answers nobody"
        time.sleep(0.01)


def _writers(sandbox: Sandbox, told: Told, seed: int) -> list[threading.Thread]:
    """Threads that request decisions and walk them through their life until the server is gone."""
    partner = Partner(sandbox)
    details = [{"type": "decision", "products": ["DEPOSIT_WAIVER"]}]
    token = partner.token(scope=None, authorization_details=details)

    def write(number: int) -> None:
        chance = random.Random(seed + number)
        with httpx2.Client(timeout=30) as http:

            def call(bearer: str, document: str, variables: dict[str, Any]) -> dict[str, Any]:
                answer = http.post(
                    partner.credentials["graphql"],
                    json={"query": document, "variables": {"input": variables}},
                    headers={"Authorization": f"Bearer {bearer}"},
                )
                (payload,) = answer.json()["data"].values()
                assert payload["userErrors"] == [], payload
                decision: dict[str, Any] = payload["decision"]
                told.last[decision["id"]] = decision["status"]
                return decision

            try:
                while True:
                    # Each request is small, so that a round never reaches the ceiling of its consent.
                    decision = call(token, REQUEST, request_input(car("10.00")))
                    for move in chance.choice(WALKS):
                        told.under_way[decision["id"]] = move
                        given = moving(move, decision["id"], amount=yuan("1.00"))
                        decision = call(partner.merchant_token, MOVES[move].document, given)
                        del told.under_way[decision["id"]]
            except httpx2.TransportError:
                return

    threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    partner.close()
    return threads


def _books_agree(sandbox: Sandbox) -> None:
    command = [sys.executable, "-m", "gateway", "database", "check", "--deep", "--database-url", sandbox.database_url]
    done = subprocess.run(command, env=bare_environment(), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
