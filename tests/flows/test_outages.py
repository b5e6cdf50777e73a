"""Server processes during outages and at their start: bounded responses, a clean end, and simultaneous first starts."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.support.backend import persona
from tests.support.oauth import Browser
from tests.support.postgresql import Cluster
from tests.support.server import INTERPRETER, STARTS_WITHIN, Sandbox, bare_environment

pytestmark = pytest.mark.slow

LONGEST = 30.0
"""Seconds within which every request is answered, on a busy machine. The hanging lasts longer."""


@pytest.fixture
def deployment(own_postgresql: Cluster, tmp_path: Path) -> Iterator[Sandbox]:
    sandbox = Sandbox(own_postgresql.url("gateway"), tmp_path)
    sandbox.python = INTERPRETER  # the end of the interpreter is tested
    with sandbox:
        yield sandbox


def test_h2_every_request_is_answered_while_postgresql_hangs(deployment: Sandbox, own_postgresql: Cluster) -> None:
    issuer = deployment.credentials["issuer"]
    token = deployment.credentials["merchants"][0]["merchant_token"]

    def ask(number: int) -> tuple[int, float]:
        began = time.monotonic()
        with httpx2.Client(base_url=issuer, timeout=2 * LONGEST, headers={"Authorization": f"Bearer {token}"}) as http:
            if number % 2:
                response = http.get("/account", headers={"Accept": "text/html", "Cookie": "sesame_session=x"})
            else:
                response = http.post("/graphql", json={"query": "{ viewer { appName } }"})
        return response.status_code, time.monotonic() - began

    assert ask(0)[0] == 200
    with own_postgresql.hanging(), ThreadPoolExecutor(24) as pool:
        answers = [pool.submit(ask, number) for number in range(24)]
        with httpx2.Client(base_url=issuer, timeout=LONGEST) as http:
            began = time.monotonic()
            assert http.get("/healthz").status_code == 200
            while (response := http.get("/readyz")).status_code == 200:  # the last result is used for a second
                assert time.monotonic() - began < LONGEST / 2
            assert (response.status_code, set(response.json()["not_ready"])) == (503, {"database"})
            assert time.monotonic() - began < LONGEST / 2
        statuses = {answer.result()[0] for answer in answers}
        assert max(answer.result()[1] for answer in answers) < LONGEST
    assert statuses == {503}
    assert ask(0)[0] == 200
    assert "Traceback" not in deployment.log


def test_h2_server_ends_while_postgresql_hangs(deployment: Sandbox, own_postgresql: Cluster) -> None:
    with own_postgresql.hanging():
        deployment.stop()  # fails after 20 seconds
    assert "Traceback" not in deployment.log


def test_h5_two_hundred_failures_make_few_lines(deployment: Sandbox, own_postgresql: Cluster) -> None:
    own_postgresql.kill()
    with httpx2.Client(base_url=deployment.credentials["issuer"], timeout=LONGEST) as http:
        statuses = {http.get("/oauth/jwks").status_code for _ in range(200)}
    assert statuses == {503}
    lines = [json.loads(line) for line in deployment.log.splitlines() if '"unavailable"' in line]
    assert 0 < len([line for line in lines if line.get("path") == "/oauth/jwks"]) < 20
    assert {line["cause"] for line in lines} <= {"NOT_RESPONDING", "57P01", "57P03"}


@contextmanager
def started(url: str, folder: Path, number: int) -> Iterator[list[Path]]:
    """Starts `number` sandboxes at the same moment. Yields their files of credentials."""
    environment = {
        **bare_environment(),
        "GATEWAY_DATABASE_URL": url,
        "GATEWAY_STATE_DIRECTORY": str(folder),
        "GATEWAY_ISSUER": "http://127.0.0.1:9",  # nothing listens there: each must ask itself
    }
    files = [folder / f"credentials-{each}.json" for each in range(number)]
    command = [sys.executable, "-m", "gateway", "sandbox", "up", "--port", "0", "--credentials"]
    processes = []
    for file in files:
        with file.with_suffix(".log").open("wb") as log:
            processes.append(
                subprocess.Popen([*command, str(file)], env=environment, stdout=subprocess.DEVNULL, stderr=log)
            )
    try:
        yield files
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=30)


def test_h8_three_first_starts_at_once(empty_database_url: str, tmp_path: Path) -> None:
    with started(empty_database_url, tmp_path, 3) as files:
        deadline = time.monotonic() + 3 * STARTS_WITHIN
        while not all(file.exists() for file in files):
            errors = [file.with_suffix(".log").read_text() for file in files]
            assert time.monotonic() < deadline, errors
            assert not any("error:" in error or "Traceback" in error for error in errors), errors
            time.sleep(0.1)
        credentials = [json.loads(file.read_text()) for file in files]
    assert len({tuple(merchant["id"] for merchant in each["merchants"]) for each in credentials}) == 1
    assert len({tuple(person["password"] for person in each["personas"]) for each in credentials}) == 1
    assert all(merchant["merchant_token"] for each in credentials for merchant in each["merchants"])


def test_h4_page_says_that_it_is_not_available(deployment: Sandbox, own_postgresql: Cluster) -> None:
    someone = persona(deployment)
    with httpx2.Client(base_url=deployment.credentials["issuer"], timeout=LONGEST) as http:
        browser = Browser(http)
        assert browser.sign_in(someone["username"], someone["password"]).status_code == 303
        own_postgresql.kill()
        response = http.get("/account")
        assert response.status_code == 503
        assert "not available right now" in response.text
        own_postgresql.start()
        assert http.get("/login").status_code == 200
