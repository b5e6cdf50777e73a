"""SIGTERM under attack: the server ends within its time, with exit code 0."""

import json
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from secrets import token_hex

import pytest

from tests.support.attack import Target, attacking, post, read_response, request_decisions
from tests.support.merchant_client import REQUEST, MerchantClient, car, request_input
from tests.support.server import INTERPRETER, Sandbox
from tests.support.worst_documents import WORST_DOCUMENTS

pytestmark = pytest.mark.slow

GRACE = 4.0
LATER = 4.0
"""Seconds that a busy machine may take in addition."""


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Target]:
    grace = f"PT{GRACE:.0f}S"
    sandbox = Sandbox(f"sqlite:///{folder}/gateway.db", folder, 0, "", shutdown_grace=grace, **settings)
    sandbox.python = INTERPRETER  # the end of the interpreter is part of the time
    with sandbox:
        yield Target(sandbox)


def terminate(target: Target) -> tuple[int, float]:
    """Sends SIGTERM. Returns exit code and the seconds until the process has ended."""
    process = target.sandbox._process
    assert process is not None
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    code = process.wait(timeout=60)
    target.sandbox._process = None
    return code, time.monotonic() - began


def test_h2_idle_server_ends_at_once(tmp_path: Path) -> None:
    with running(tmp_path) as target:
        code, seconds = terminate(target)
    assert code == 0
    assert seconds < GRACE


def test_a1_server_ends_while_it_is_attacked(tmp_path: Path) -> None:
    with running(tmp_path) as target, ExitStack() as connections:
        request_decisions(target.sandbox, 20)
        body = json.dumps({"query": WORST_DOCUMENTS[0].text}).encode()

        def attack(over: threading.Event) -> None:
            with target.connect() as connection:
                while not over.is_set():
                    connection.sendall(post(target.attacker, body))
                    if not read_response(connection):
                        raise ConnectionError

        for start in (b"", b"GET / HT", b"POST /graphql HTTP/1.1\r\nContent-Length: 9\r\n\r\n1"):
            for _ in range(20):
                connections.enter_context(target.connect()).sendall(start)
        with attacking(attack, 40):
            assert target.measure(1.0).errors == []
            code, seconds = terminate(target)
    assert code == 0
    assert seconds < GRACE + LATER


def test_h2_server_ends_while_a_lock_is_held(tmp_path: Path) -> None:
    with running(tmp_path, database_lock_wait="PT1M", request_deadline="PT1M") as target:
        merchant = MerchantClient(target.sandbox)
        token = merchant.token()
        body = json.dumps({"query": REQUEST, "variables": {"input": request_input(car())}}).encode()
        with closing(sqlite3.connect(tmp_path / "gateway.db", isolation_level=None)) as other, target.connect() as sent:
            other.execute("BEGIN IMMEDIATE")
            sent.sendall(post(token, body))
            time.sleep(0.5)  # the request waits for the lock now, or will
            code, seconds = terminate(target)
            other.execute("ROLLBACK")
            count = other.execute("SELECT count(*) FROM decisions").fetchone()[0]
        merchant.close()
    assert (code, count) == (0, 0)
    assert seconds < GRACE + LATER
    assert "shutdown_forced" in target.sandbox.log


def test_a1_running_request_is_answered_before_the_server_ends(tmp_path: Path) -> None:
    with running(tmp_path, database_lock_wait="PT1M", request_deadline="PT1M") as target:
        merchant = MerchantClient(target.sandbox)
        token, key = merchant.token(), token_hex(8)
        order = request_input(car(), idempotencyKey=key)
        body = json.dumps({"query": REQUEST, "variables": {"input": order}}).encode()
        with closing(sqlite3.connect(tmp_path / "gateway.db", isolation_level=None)) as other, target.connect() as sent:
            other.execute("BEGIN IMMEDIATE")
            sent.sendall(post(token, body))
            time.sleep(0.5)
            process = target.sandbox._process
            assert process is not None
            process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            with pytest.raises(OSError):
                socket.create_connection(target.address, timeout=1).close()
            other.execute("ROLLBACK")
            assert read_response(sent).startswith(b"HTTP/1.1 200")
            assert process.wait(timeout=60) == 0
            target.sandbox._process = None
            assert other.execute("SELECT count(*) FROM decisions").fetchone() == (1,)
        merchant.close()
