"""SIGKILL in the middle of a loop of decision requests: what was answered is there afterwards, and the logs agree."""

import random
import subprocess
import sys
import threading
import time

import httpx2
import pytest

from tests.support.partner import REQUEST, Partner, car, request_input
from tests.support.server import Sandbox, bare_environment

LOOKUP = "query ($reference: String!) { decision(by: {merchantReference: $reference}) { id status } }"
WRITERS = 4


@pytest.mark.parametrize("rounds", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_server_loses_nothing_that_was_answered(own_sandbox: Sandbox, rounds: int) -> None:
    answered: dict[str, str] = {}
    chance = random.Random(20261123)
    for _ in range(rounds):
        threads = _writers(own_sandbox, answered)
        time.sleep(chance.uniform(0.2, 0.8))
        own_sandbox.kill()
        for thread in threads:
            thread.join(timeout=60)
            assert not thread.is_alive()
        own_sandbox.start()

    assert len(answered) > rounds
    partner = Partner(own_sandbox)
    for reference, decision_id in answered.items():
        found = partner.graphql(partner.merchant_token, LOOKUP, reference=reference).data["decision"]
        assert found == {"id": decision_id, "status": "APPROVED"}
    partner.close()
    _logs_agree(own_sandbox)


def _writers(sandbox: Sandbox, answered: dict[str, str]) -> list[threading.Thread]:
    """Threads that request decisions until the server is gone, and note each answer."""
    partner = Partner(sandbox)
    details = [{"type": "decision", "products": ["DEPOSIT_WAIVER"]}]
    token = partner.token(scope=None, authorization_details=details)

    def write() -> None:
        # Each request is small, so that a round never reaches the ceiling of its consent.
        with httpx2.Client(timeout=30) as http:
            while True:
                given = request_input(car("10.00"))
                try:
                    answer = http.post(
                        partner.credentials["graphql"],
                        json={"query": REQUEST, "variables": {"input": given}},
                        headers={"Authorization": f"Bearer {token}"},
                    )
                    decision = answer.json()["data"]["decisionRequest"]["decision"]
                except httpx2.TransportError:
                    return
                answered[given["merchantReference"]] = decision["id"]

    threads = [threading.Thread(target=write) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    partner.close()
    return threads


def _logs_agree(sandbox: Sandbox) -> None:
    command = [sys.executable, "-m", "gateway", "log", "verify", "--database-url", sandbox.database_url]
    done = subprocess.run(command, env=bare_environment(), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
