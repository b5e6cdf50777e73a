"""The program that sends the load: persistent HTTP/1.1 connections that check every response."""

import asyncio
import gc
import time
from array import array
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

LONGEST_WAIT = 30.0
"""Seconds after the end of a slice until which responses are awaited."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request. Its response is correct if its status is 200, it has no member `errors`, and `marker` is in its body
    `times` times. `kind` is counted."""

    kind: str
    request: bytes
    marker: bytes
    times: int = 1


@dataclass(slots=True)
class Slice:
    """What was sent and answered in one slice of time. `latencies` are in seconds, `sender_cpu` is the CPU time of this
    process."""

    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    answered: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    sender_cpu: float = 0.0


class Connection(asyncio.Protocol):
    """One connection. It sends the next call when the response to the last one is complete."""

    def __init__(self) -> None:
        self._load: Load | None = None
        self._buffer, self._began = b"", 0.0
        self._call: Call | None = None
        self._head, self.body = b"", b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's does not inherit from it

    def connection_lost(self, exc: Exception | None) -> None:
        if self._load is not None and self._call is not None:
            self._load.result.errors["connection closed"] += 1
            self._load.finish(self)
        self._load = None

    def close(self) -> None:
        self._transport.close()

    def header(self, name: str) -> str | None:
        """Returns a header of the last response. `name` is in lower case."""
        for line in self._head.decode("latin-1").split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name:
                return value.strip()
        return None

    def start(self, load: "Load") -> None:
        """Takes calls of this load from now on."""
        self._load = load
        load.send_next(self)

    def send(self, call: Call, began: float) -> None:
        self._call, self._began = call, began
        self._transport.write(call.request)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer = self._buffer + data if self._buffer else data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = buffer[:end].lower()
        place = head.find(b"\r\ncontent-length:")
        if place >= 0:
            stop = head.find(b"\r\n", place + 2)
            length = int(head[place + 17 : stop if stop > 0 else end])
            if len(buffer) < end + 4 + length:
                return
            body = buffer[end + 4 :]
        elif b"\r\ntransfer-encoding: chunked" in head:
            if not buffer.endswith(b"0\r\n\r\n"):
                return
            body = join_chunks(buffer[end + 4 :])
        else:
            body = b""
        self._buffer = b""
        call, load, now = self._call, self._load, time.perf_counter()
        self._call, self._head, self.body = None, buffer[:end], body
        if call is None or load is None:
            return
        load.result.latencies.append(now - self._began)
        if head.startswith(b"http/1.1 200") and body.count(call.marker) == call.times and b'"errors"' not in body:
            load.result.answered[call.kind] += 1
        else:
            load.result.errors[f"{head[9:12].decode()} {body[:200].decode(errors='replace')}"] += 1
        load.send_next(self)


class Load:
    """A closed loop: each connection sends its next call as soon as it has the response to the last one."""

    def __init__(self, calls: Iterator[Call], seconds: float) -> None:
        self.result, self.done = Slice(), asyncio.get_running_loop().create_future()
        self._calls, self._deadline, self._finished = calls, time.perf_counter() + seconds, 0
        self._connections = 0

    def send_next(self, connection: Connection) -> None:
        """Sends the connection's next call, if there is one before the deadline."""
        now = time.perf_counter()
        call = next(self._calls, None) if now < self._deadline else None
        if call is None:
            self.finish(connection)
        else:
            connection.send(call, now)

    def finish(self, connection: Connection) -> None:
        """The connection sends no more calls."""
        self._finished += 1
        if self._finished == self._connections and not self.done.done():
            self.done.set_result(None)

    async def run(self, connections: list[Connection]) -> Slice:
        """Returns what was answered. Responses that do not come within LONGEST_WAIT are errors."""
        self._connections = len(connections)
        cpu, began = time.process_time(), time.perf_counter()
        gc.disable()  # a collection in this process would be measured as latency
        for connection in connections:
            connection.start(self)
        try:
            async with asyncio.timeout(self._deadline - began + LONGEST_WAIT):
                await self.done
        except TimeoutError:
            self.result.errors["no response"] += self._connections - self._finished
        finally:
            gc.enable()
        self.result.seconds, self.result.sender_cpu = time.perf_counter() - began, time.process_time() - cpu
        return self.result


class OpenLoad(Load):
    """An open loop: calls arrive at a constant rate, whether or not earlier ones were answered. A latency begins when
    the call arrives, so it includes the wait for a free connection."""

    def __init__(self, calls: Iterator[Call], seconds: float, rate: float) -> None:
        super().__init__(calls, seconds)
        self._rate, self._began, self._arrived = rate, self._deadline - seconds, 0
        self._waiting: deque[float] = deque()
        self._idle: list[Connection] = []
        self._loop = asyncio.get_running_loop()
        self._loop.call_soon(self._arrive)

    def send_next(self, connection: Connection) -> None:
        """Sends a call that has arrived, or waits for the next one."""
        call = next(self._calls, None) if self._waiting else None
        if call is not None:
            connection.send(call, self._waiting.popleft())
        elif time.perf_counter() >= self._deadline:
            self.finish(connection)
        else:
            self._idle.append(connection)

    def _arrive(self) -> None:
        now = min(time.perf_counter(), self._deadline)
        due = int((now - self._began) * self._rate + 1e-6)
        self._waiting.extend(self._began + number / self._rate for number in range(self._arrived, due))
        self._arrived = due
        while self._idle and self._waiting:
            self.send_next(self._idle.pop())
        if now < self._deadline:
            self._loop.call_later(0.001, self._arrive)
            return
        for connection in self._idle:
            self.finish(connection)


def join_chunks(body: bytes) -> bytes:
    """Returns the content of a body in chunks (RFC 9112 section 7.1)."""
    parts: list[bytes] = []
    place = 0
    while True:
        end = body.index(b"\r\n", place)
        size = int(body[place:end].partition(b";")[0], 16)
        if size == 0:
            return b"".join(parts)
        parts.append(body[end + 2 : end + 2 + size])
        place = end + 4 + size


async def connect(port: int, count: int) -> list[Connection]:
    """Opens connections to 127.0.0.1."""
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(Connection, "127.0.0.1", port))[1] for _ in range(count)]


async def exchange(connection: Connection, call: Call) -> bytes:
    """Sends one call and returns the body of its response. Raises ValueError for an incorrect response."""
    result = await Load(iter((call,)), LONGEST_WAIT).run([connection])
    if result.errors:
        raise ValueError(next(iter(result.errors)))
    return connection.body
