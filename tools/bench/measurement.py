"""One measurement: a server with a new copy of the data, one scenario, comparison, warm-up, load, and count of rows."""

import asyncio
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import uvloop

from tools.bench import equality
from tools.bench.client import Call, Connection, Load, OpenLoad, Slice, connect, exchange
from tools.bench.dataset import Dataset
from tools.bench.registry import GATEWAY, Peer
from tools.bench.scenarios import Requests, Scenario
from tools.bench.server import Server, running
from tools.bench.templates import Templates, find_row_problem
from tools.bench.token_requests import TokenRequests

OPEN_SHARE = 0.7
"""The share of the measured requests per second at which requests arrive in the open loop."""

_TOKEN_SLICE = 2.0
"""Seconds for which requests to a token endpoint are signed in advance."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The result of one measurement. `cpu_us` is the server's CPU time per request, `others` the share of its core that
    other processes used, `sender` the share of a core that the sending program used. `open_p50_ms` and `open_p99_ms`
    are the latencies of the open loop. `problems` are sentences about what was not equal or not written."""

    peer: str
    scenario: str
    requests: int
    errors: int
    per_second: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    cpu_us: float
    others: float
    sender: float
    open_p50_ms: float | None = None
    open_p99_ms: float | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """How to measure: seconds, connections if not those of the scenario, and whether to add an open loop."""

    seconds: float = 8.0
    connections: int | None = None
    open_loop: bool = False

    @property
    def warm_up(self) -> float:
        """The seconds before the measurement, in which caches are filled and programs are compiled."""
        return max(1.0, self.seconds / 4)


class Bench:
    """Measures servers. `answers` are the gateway's masked responses by scenario and kind, to which those of the others
    are compared."""

    def __init__(self, data: Dataset, templates: Templates, options: Options) -> None:
        self._data, self._templates, self._options = data, templates, options
        self._answers: dict[tuple[str, str], Any] = {}

    def measure(self, peer: Peer, scenario: Scenario) -> Figures:
        """Returns the figures of one measurement. Raises ServerFailed, and ValueError if the server answers the first
        request incorrectly."""
        file = self._templates.copy(peer)
        with running(peer, file, file.with_suffix(".log")) as server:
            run = _Run(self, peer, scenario, server)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(run.measure())
        rows = self._templates.new_rows(peer, file)
        problem = find_row_problem(peer, run.answered, run.errors.total(), rows)
        run.problems += [problem] if problem else []
        run.problems += [f"{peer.name}: {times} times: {text}" for text, times in run.errors.most_common(2)]
        return run.figures()

    def compare(self, peer: Peer, scenario: Scenario, kind: str, body: bytes) -> str | None:
        """Returns a sentence if the response differs from the gateway's, or None. Keeps the gateway's."""
        answer = equality.masked(body, kind, rest=peer.rest)
        expected = self._answers.setdefault((scenario.name, kind), answer)
        difference = equality.first_difference(expected, answer)
        return None if difference is None else f"{peer.name}, {kind}: {difference}"

    @property
    def options(self) -> Options:
        return self._options

    def requests(self, peer: Peer, port: int) -> Requests:
        """Returns the requests to a server."""
        return Requests(self._data, port, rest=peer.rest)

    def token_requests(self, peer: Peer, port: int) -> TokenRequests:
        """Returns the requests to the server's token endpoint."""
        own = self._templates
        texts = own.gateway_refresh_tokens if peer.name == GATEWAY else own.peer_refresh_tokens
        return TokenRequests(own.keys, own.client_id, texts, port, peer.token_path)


class _Run:
    """The state of one measurement. `answered` and `errors` include the warm-up."""

    def __init__(self, bench: Bench, peer: Peer, scenario: Scenario, server: Server) -> None:
        self._bench, self._peer, self._scenario, self._server = bench, peer, scenario, server
        self._options = bench.options
        self.answered: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.problems: list[str] = []
        self._latencies, self._open = array("d"), array("d")
        self._seconds = self._cpu = self._others = self._sender = 0.0
        self._measured_errors = 0

    async def measure(self) -> None:
        """Sends everything."""
        connections = await connect(self._server.port, self._options.connections or self._scenario.connections)
        try:
            if self._scenario.name == "token":
                await self._measure_tokens(connections)
            else:
                await self._measure_calls(connections)
        finally:
            for connection in connections:
                connection.close()

    async def _measure_calls(self, connections: list[Connection]) -> None:
        requests = self._bench.requests(self._peer, self._server.port)
        for kind in self._scenario.samples:
            call = requests.sample(kind)
            body = await exchange(connections[0], call)
            self.answered[call.kind] += 1
            difference = self._bench.compare(self._peer, self._scenario, kind, body)
            self.problems += [difference] if difference else []
        calls = requests.calls(self._scenario.name)
        self._count(await Load(calls, self._options.warm_up).run(connections))
        await self._measure_slice(connections, calls, self._options.seconds)
        if self._options.open_loop:
            rate = OPEN_SHARE * len(self._latencies) / self._seconds
            opened = await OpenLoad(calls, self._options.seconds / 2, rate).run(connections)
            self._count(opened)
            self._open = opened.latencies

    async def _measure_tokens(self, connections: list[Connection]) -> None:
        requests = self._bench.token_requests(self._peer, self._server.port)
        self.answered["token"] += await requests.begin(connections[0])
        warm_up = await Load(iter(requests.sign(int(500 * self._options.warm_up))), 30).run(connections)
        self._count(warm_up)
        rate = len(warm_up.latencies) / warm_up.seconds
        while self._seconds < self._options.seconds:
            length = min(_TOKEN_SLICE, self._options.seconds - self._seconds + 0.01)
            await self._measure_slice(connections, iter(requests.sign(int(1.5 * rate * length) + 50)), length)
            rate = len(self._latencies) / self._seconds

    async def _measure_slice(self, connections: list[Connection], calls: Iterator[Call], seconds: float) -> None:
        server = self._server
        cpu, others = server.cpu_seconds(), server.other_cpu_seconds()
        result = await Load(calls, seconds).run(connections)
        self._cpu += server.cpu_seconds() - cpu
        self._others += server.other_cpu_seconds() - others
        self._seconds, self._sender = self._seconds + result.seconds, self._sender + result.sender_cpu
        self._latencies.extend(result.latencies)
        self._measured_errors += result.errors.total()
        self._count(result)

    def _count(self, result: Slice) -> None:
        self.answered.update(result.answered)
        self.errors.update(result.errors)

    def figures(self) -> Figures:
        """Returns the figures of the measured time."""
        requests = len(self._latencies)
        p50, p99, longest = percentiles_ms(self._latencies)
        open_p50, open_p99, _ = percentiles_ms(self._open) if self._open else (None, None, None)
        return Figures(
            peer=self._peer.name,
            scenario=self._scenario.name,
            requests=requests,
            errors=self._measured_errors,
            per_second=(requests - self._measured_errors) / self._seconds,
            p50_ms=p50,
            p99_ms=p99,
            max_ms=longest,
            cpu_us=1e6 * self._cpu / requests,
            others=max(0.0, self._others / self._seconds),
            sender=self._sender / self._seconds,
            open_p50_ms=open_p50,
            open_p99_ms=open_p99,
            problems=tuple(self.problems),
        )


def percentiles_ms(latencies: "array[float]") -> tuple[float, float, float]:
    """Returns the median, the 99th percentile and the longest in milliseconds. Raises ValueError without any."""
    if not latencies:
        raise ValueError("no request was answered")
    ordered = sorted(latencies)
    p50, p99, longest = (1_000 * ordered[min(len(ordered) - 1, int(len(ordered) * part))] for part in (0.5, 0.99, 1.0))
    return p50, p99, longest
