"""One attacker at a live server, and a client of another merchant that must not notice it."""

import itertools
import json
import resource
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest

from tests.support.attack import MIB, Target, post, read_response, request_decisions
from tests.support.oauth import Browser
from tests.support.server import INTERPRETER, Sandbox
from tests.support.worst_documents import WORST_DOCUMENTS

pytestmark = pytest.mark.slow

DECISIONS = 100
SECONDS = 4.0
HIGH_LIMITS = ", ".join(f"{tier} 10000000.00 CNY" for tier in ("FAIR", "GOOD", "VERY_GOOD", "EXCELLENT"))
START = b"POST /graphql HTTP/1.1\r\nHost: a\r\n"


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A server that may open 1,024 files, with decisions of the attacker's merchant."""
    folder = tmp_path_factory.mktemp("attacked")
    sandbox = Sandbox(
        f"sqlite:///{folder}/gateway.db",
        folder,
        credit_limits=HIGH_LIMITS,
        log_level="INFO",
        header_timeout="PT3S",
        body_timeout="PT3S",
    )
    sandbox.python = ("sh", "-c", 'ulimit -n 1024; exec "$0" "$@"', *INTERPRETER)
    with sandbox:
        request_decisions(sandbox, DECISIONS)
        yield Target(sandbox)


def test_a1_worst_documents_of_16_connections(target: Target) -> None:
    documents = itertools.cycle(
        [
            post(target.attacker, json.dumps({"query": each.text, "variables": dict(each.variables)}).encode())
            for each in WORST_DOCUMENTS
        ]
    )

    def attack(over: threading.Event) -> None:
        with target.connect() as connection:
            while not over.is_set():
                connection.sendall(next(documents))
                if not read_response(connection):
                    raise ConnectionError

    with target.bounded_memory(200):
        target.require_unharmed(attack, 16, SECONDS)


def test_a1_abandoned_documents_are_not_executed(target: Target) -> None:
    body = json.dumps({"query": WORST_DOCUMENTS[0].text}).encode()

    def attack(over: threading.Event) -> None:
        with target.connect() as connection:
            connection.sendall(post(target.attacker, body))
        over.wait(0.02)  # then another connection, and so on

    target.require_unharmed(attack, 16, SECONDS)
    assert target.measure(0.5).errors == []  # and nothing is left of them


def test_a1_documents_do_not_delay_health_pages_and_tokens(target: Target) -> None:
    body = json.dumps({"query": WORST_DOCUMENTS[0].text}).encode()
    slowest: dict[str, float] = {}

    def attack(over: threading.Event) -> None:
        with target.connect() as connection:
            while not over.is_set():
                connection.sendall(post(target.attacker, body))
                if not read_response(connection):
                    raise ConnectionError

    def visit(over: threading.Event) -> None:
        with httpx2.Client(base_url=target.sandbox.credentials["issuer"], timeout=20) as http:
            while not over.is_set():
                for path in ("/readyz", "/login", "/oauth/jwks"):
                    began = time.monotonic()
                    assert http.get(path).status_code == 200
                    slowest[path] = max(slowest.get(path, 0.0), time.monotonic() - began)
                over.wait(0.02)

    visitor_over, limit = threading.Event(), target.limit()
    with ThreadPoolExecutor(1) as pool:
        visitor = pool.submit(visit, visitor_over)
        try:
            target.require_unharmed(attack, 16, SECONDS)
        finally:
            visitor_over.set()
        visitor.result(60)
    assert max(slowest.values()) < 4 * max(limit, target.limit()), slowest


def test_a4_headers_of_64_mib(target: Target) -> None:
    large = b"x" * (64 * MIB)

    def attack(_: threading.Event) -> None:
        with target.connect() as connection:
            connection.sendall(START + b"X: ")
            connection.sendall(large)

    with target.bounded_memory(32):
        target.require_unharmed(attack, 4, SECONDS)


def test_a4_200_mib_of_small_headers(target: Target) -> None:
    small = b"X: 1\r\n" * (200 * MIB // 6)

    def attack(_: threading.Event) -> None:
        with target.connect() as connection:
            connection.sendall(START)
            connection.sendall(small)

    with target.bounded_memory(32):
        target.require_unharmed(attack, 4, SECONDS)


def test_a5_1500_silent_connections(target: Target) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 3_000:
        pytest.skip("this process may not open 3,000 files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (3_000, hard))
    try:
        limit = target.limit()
        with ExitStack() as opened, target.bounded_memory(64):
            for _ in range(1_500):
                opened.enter_context(target.connect())
            latencies = target.measure(2.0)
            assert latencies.errors == []
            assert latencies.p99 < max(limit, target.limit())
            opened.enter_context(target.connect()).sendall(START)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a5_bodies_of_one_byte_per_second(target: Target) -> None:
    cut: list[float] = []

    def attack(over: threading.Event) -> None:
        began = time.monotonic()
        with target.connect() as connection:
            connection.sendall(START + b"Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n")
            connection.settimeout(1.0)
            while not over.is_set():
                connection.sendall(b" ")
                try:
                    if not connection.recv(1):
                        break
                except TimeoutError:
                    continue
                cut.append(time.monotonic() - began)
                return

    target.require_unharmed(attack, 60, 6.0)
    assert cut
    assert max(cut) < 10


def test_a6_60_logins_at_once(target: Target) -> None:
    def sign_in(number: int) -> int:
        with httpx2.Client(base_url=target.sandbox.credentials["issuer"], timeout=60) as http:
            return Browser(http).sign_in(f"nobody {number}", "a wrong password").status_code

    with target.bounded_memory(400), ThreadPoolExecutor(60) as pool:
        latencies = pool.submit(target.measure, 3.0)
        statuses = set(pool.map(sign_in, range(59)))
        assert latencies.result().errors == []
    assert statuses <= {400, 429, 503}  # wrong passwords, and on a slow machine logins that waited too long


def test_target_serves_on_after_all_attacks(target: Target) -> None:
    assert target.measure(1.0).errors == []
    assert Path(f"/proc/{target.pid}/fd").is_dir()
    assert len(list(Path(f"/proc/{target.pid}/fd").iterdir())) < 1_024
    with socket.create_connection(target.address, timeout=20) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
        assert read_response(connection).startswith(b"HTTP/1.1 200")
