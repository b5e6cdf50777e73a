"""Attacks on a live server in its own process, and a client of another merchant that measures what it notices.

Attackers write bytes that are made before the attack, so that they take little of the processor that the server and the
victim need.
"""

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.support.merchant_client import MerchantClient, car
from tests.support.server import Sandbox

LIMIT = 0.25
"""Seconds within which 99 of 100 requests of the victim are answered, on a machine that does nothing else."""

VIEWER = json.dumps({"query": "{ viewer { appName } }"}).encode()
MIB = 1024 * 1024

_PAUSE = 0.05
"""Seconds until a refused attacker begins again: the attackers must not take the processor."""


def busyness() -> float:
    """Returns how many times longer than its own time a computation takes, 1 on a machine with a free processor."""
    began, own = time.monotonic(), time.thread_time()
    while time.thread_time() - own < 0.15:
        pass
    return (time.monotonic() - began) / (time.thread_time() - own)


def post(token: str, body: bytes) -> bytes:
    """Returns a GraphQL request as bytes."""
    lines = (
        "POST /graphql HTTP/1.1",
        "Host: a",
        "Content-Type: application/json",
        "Accept: application/graphql-response+json",
        f"Authorization: Bearer {token}",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join((*lines, "", "")).encode() + body


@dataclass
class Latencies:
    """The seconds that each request of the victim took, and the errors of others."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def p99(self) -> float:
        """The 99th percentile."""
        assert len(self.seconds) >= 10, f"only {len(self.seconds)} requests were answered"
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)]


class Target:
    """A running sandbox. `victim` is the merchant token of one merchant, `attacker` that of another one."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        parts = urlsplit(sandbox.credentials["issuer"])
        self.address: tuple[str, int] = (str(parts.hostname), int(parts.port or 0))
        self.victim = self._token("online_shop")
        self.attacker = self._token("car_rental")
        self.quiet = 0.0

    @property
    def pid(self) -> int:
        process = self.sandbox._process
        assert process is not None
        return process.pid

    def connect(self, timeout: float = 20) -> socket.socket:
        return socket.create_connection(self.address, timeout=timeout)

    def measure(self, seconds: float) -> Latencies:
        """Sends the victim's requests one after the other, every other one on a new connection."""
        latencies, connection = Latencies(), self._open()
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            began = time.monotonic()
            try:
                if len(latencies.seconds) % 2:
                    connection.close()
                    connection = self._open()
                headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.victim}"}
                connection.request("POST", "/graphql", VIEWER, headers)
                response = connection.getresponse()
                body = response.read()
                if response.status != 200 or b'"errors"' in body:
                    latencies.errors.append(f"{response.status} {body[:200]!r}")
            except (OSError, http.client.HTTPException) as error:
                latencies.errors.append(repr(error))
                connection.close()
                connection = self._open()
            latencies.seconds.append(time.monotonic() - began)
            time.sleep(0.005)
        connection.close()
        return latencies

    def limit(self) -> float:
        """LIMIT, times how much longer than its own time a computation takes because others use the processors."""
        return LIMIT * max(1.0, busyness())

    def require_unharmed(self, attack: Callable[[threading.Event], None], attackers: int, seconds: float) -> None:
        """Lets attackers run `attack` until its event is set, and the victim meanwhile. All requests of the victim must
        be answered, and 99 of 100 within the limit."""
        self.quiet, limit = self.measure(1.0).p99, self.limit()
        with attacking(attack, attackers):
            latencies = self.measure(seconds)
        limit = max(limit, self.limit())
        assert latencies.errors == []
        assert latencies.p99 < limit, (latencies.p99, limit, self.quiet)

    @contextmanager
    def bounded_memory(self, mib: int) -> Iterator[None]:
        """The server's memory may grow by this much within the block, also for a moment."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")  # the peak begins again
        before = self._memory("VmRSS")
        yield
        grown = (self._memory("VmHWM") - before) / MIB
        assert grown < mib, f"the server's memory grew by {grown:.0f} MiB"

    def _memory(self, name: str) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith(f"{name}:"))
        return int(line.split()[1]) * 1024

    def _open(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(*self.address, timeout=20)

    def _token(self, adapter: str) -> str:
        merchants: list[dict[str, Any]] = self.sandbox.credentials["merchants"]
        return str(next(each["merchant_token"] for each in merchants if each["adapter"] == adapter))


@contextmanager
def attacking(attack: Callable[[threading.Event], None], attackers: int) -> Iterator[None]:
    """Runs the attack in threads until the block ends. A refused attacker begins again."""
    over = threading.Event()

    def repeat() -> None:
        while not over.is_set():
            try:
                attack(over)
            except OSError:
                over.wait(_PAUSE)

    threads = [threading.Thread(target=repeat, daemon=True) for _ in range(attackers)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(timeout=30)


def read_response(connection: socket.socket) -> bytes:
    """Reads a response with a Content-Length. Returns its head, b"" if the connection was closed."""
    received = b""
    while b"\r\n\r\n" not in received:
        data = connection.recv(MIB)
        if not data:
            return b""
        received += data
    head, _, rest = received.partition(b"\r\n\r\n")
    (length,) = (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line)
    remaining = length - len(rest)
    while remaining > 0:
        data = connection.recv(MIB)
        if not data:
            return b""
        remaining -= len(data)
    return head


def request_decisions(sandbox: Sandbox, number: int) -> None:
    """Requests decisions of the attacker's merchant, which its documents then read."""
    merchant = MerchantClient(sandbox)
    token = merchant.token()
    for _ in range(number):
        merchant.request(token, car("10.00"))
    merchant.close()
