"""Measures the delivery of webhooks of a checkout.

    webhook_load.py beside FOLDER [--rate N] [--seconds N] [--rounds N]
    webhook_load.py worker FOLDER [--events N] [--rounds N]

`beside` requests `--rate` decisions a second from a sandbox that also delivers their events, once without and once with
an endpoint in each round. It reports how much slower the requests are, and the largest number of deliveries that
waited. `worker` requests decisions from a server that leaves the deliveries to `gateway worker`, then starts one of
these and reports how many events a second it delivers; both use PostgreSQL. The receiver answers 204 at once. The
server or the worker runs on core 0, and everything else on core 1. The exit code is 1 if a response is incorrect or an
event is not delivered.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy import Engine, TextClause, create_engine, text

from tests.support.postgresql import Cluster
from tools.load import LOAD_CORE, PERSONAS, call_for, decision_calls, prepare
from tools.measured_sandbox import SERVER_CORE, Call, Connection, Server, running

CONNECTIONS = 8
LONGEST_WAIT = 120.0
"""Seconds until all events must be delivered."""
CREATE = """mutation ($url: String!) { webhookEndpointCreate(input: {url: $url, topics: [DECISION_APPROVED]}) {
  webhookEndpoint { id } userErrors { code message field } } }"""
SEPARATE = {"GATEWAY_DELIVER_WEBHOOKS": "false", "GATEWAY_OUTGOING_NETWORKS": "127.0.0.0/8"}
WAITING = text(
    "SELECT (SELECT count(*) FROM outbox WHERE position IS NULL)"
    " + (SELECT count(*) FROM webhook_deliveries WHERE status = 'PENDING')"
)
DELIVERED = text("SELECT count(*) FROM webhook_deliveries WHERE status = 'DELIVERED'")


@dataclass(frozen=True)
class Beside:
    """What one run with a constant rate gave. `late` is the longest time in milliseconds by which a request was sent
    after its time, because all connections were in use."""

    p50_ms: float
    mean_ms: float
    p99_ms: float
    cpu_ms: float
    late_ms: float
    errors: int
    most_waiting: int
    others: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    beside = commands.add_parser("beside", help="requests beside deliveries")
    beside.add_argument("--rate", type=int, default=100, help="decisions a second")
    beside.add_argument("--seconds", type=int, default=15, help="length of a run")
    worker = commands.add_parser("worker", help="gateway worker alone")
    worker.add_argument("--events", type=int, default=5_000, help="deliveries of a run")
    for command in (beside, worker):
        command.add_argument("folder", type=Path, help="the checkout")
        command.add_argument("--rounds", type=int, default=4)
    commands.add_parser("receive", help="the receiver: used by the other commands")
    options = parser.parse_args()
    if options.command == "receive":
        asyncio.run(answer_all())
        return
    os.sched_setaffinity(0, {LOAD_CORE})
    folder = options.folder.resolve()
    if options.command == "worker":
        measure_worker(folder, options.events, options.rounds)
    elif not compare(folder, options.rate, options.seconds, options.rounds):
        sys.exit(1)


def compare(folder: Path, rate: int, seconds: int, rounds: int) -> bool:
    """Prints the figures of runs without and with an endpoint, and their ratios. Returns whether nothing went wrong."""
    print(
        f"{'endpoint':<9} {'p50 ms':>7} {'mean ms':>8} {'p99 ms':>7} {'cpu ms':>7} {'late ms':>8} {'waiting':>8} others"
    )
    pairs: list[tuple[Beside, Beside]] = []
    with receiver() as url:
        for number in range(rounds):
            found: dict[bool, Beside] = {}
            for with_endpoint in (False, True) if number % 2 == 0 else (True, False):
                with running(folder) as server:
                    run = found[with_endpoint] = asyncio.run(
                        measure_beside(server, url if with_endpoint else None, rate, seconds)
                    )
                print(
                    f"{'yes' if with_endpoint else 'no':<9} {run.p50_ms:>7.2f} {run.mean_ms:>8.2f} {run.p99_ms:>7.1f}"
                    f" {run.cpu_ms:>7.2f} {run.late_ms:>8.1f} {run.most_waiting:>8} {run.others:>6.0%}",
                    flush=True,
                )
            pairs.append((found[False], found[True]))
    for name in ("p50_ms", "mean_ms", "p99_ms", "cpu_ms"):
        ratios = [getattr(other, name) / getattr(one, name) for one, other in pairs]
        print(
            f"{name}: with an endpoint {statistics.median(ratios):.2f} times ({min(ratios):.2f} to {max(ratios):.2f})"
        )
    return not any(run.errors for pair in pairs for run in pair)


async def measure_beside(server: Server, url: str | None, rate: int, seconds: int) -> Beside:
    """Requests decisions at a constant rate, whatever the time of each response. With an endpoint, waits at the end
    until all events are delivered. Raises TimeoutError if they are not."""
    calls = decision_calls([server.user_token(handle) for handle in PERSONAS])
    await prepare(server, calls, CONNECTIONS, 100)
    if url is not None:
        await add_endpoint(server, url)
    engine = engine_of(server.environment)
    latencies: list[float] = []
    late, errors, most_waiting = 0.0, 0, 0
    began = time.perf_counter() + 0.1
    cpu, other_cpu = server.cpu_seconds(), server.other_cpu_seconds()

    async def send_all(connection: Connection, own: Iterator[tuple[float, Call]]) -> None:
        nonlocal late, errors
        for due, call in own:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            sent = time.perf_counter()
            late = max(late, sent - due)
            try:
                await connection.send(call)
            except ValueError as error:
                errors += 1
                print(error, file=sys.stderr)
            latencies.append(time.perf_counter() - due)

    async def watch() -> None:
        nonlocal most_waiting
        while True:
            await asyncio.sleep(0.5)
            most_waiting = max(most_waiting, count(engine, WAITING) if url is not None else 0)

    planned = ((began + number / rate, next(calls)) for number in range(rate * seconds))
    async with server.connections(CONNECTIONS) as opened:
        watching = asyncio.create_task(watch())
        await asyncio.gather(*(send_all(connection, planned) for connection in opened))
        watching.cancel()
    used, duration = server.cpu_seconds() - cpu, time.perf_counter() - began
    others = (server.other_cpu_seconds() - other_cpu) / duration
    if url is not None:
        wait_for(lambda: count(engine, WAITING) == 0)
        if count(engine, DELIVERED) != len(latencies) - errors:
            raise RuntimeError(f"{count(engine, DELIVERED)} of {len(latencies)} events were delivered")
    ordered = sorted(1000 * latency for latency in latencies)
    return Beside(
        p50_ms=statistics.median(ordered),
        mean_ms=statistics.mean(ordered),
        p99_ms=ordered[int(0.99 * len(ordered))],
        cpu_ms=1000 * used / len(ordered),
        late_ms=1000 * late,
        errors=errors,
        most_waiting=most_waiting,
        others=others,
    )


def measure_worker(folder: Path, events: int, rounds: int) -> None:
    """Prints how many events a second one worker delivers. Raises TimeoutError if one is not delivered."""
    rates: list[float] = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="load-", ignore_cleanup_errors=True) as parent, receiver() as url:
            Path(parent).chmod(0o777)  # the user of the server removes its folder
            with Cluster(parent=Path(parent)) as cluster:
                with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
                    connection.execute("CREATE DATABASE load")
                address = cluster.url("load")
                with running(folder, GATEWAY_DATABASE_URL=address, **SEPARATE) as server:
                    asyncio.run(request_decisions(server, url, events))
                    rates.append(deliver(folder, server.environment, events))
        print(f"{rates[-1]:.0f} events a second", flush=True)
    print(f"median: {statistics.median(rates):.0f} events a second")


async def request_decisions(server: Server, url: str, events: int) -> None:
    """Adds an endpoint, and makes that many decisions."""
    calls = decision_calls([server.user_token(handle) for handle in PERSONAS])
    await add_endpoint(server, url)
    await prepare(server, calls, 32, events)


def deliver(folder: Path, environment: dict[str, str], events: int) -> float:
    """Starts a worker, and returns how many events a second it delivered from its first to its last commit."""
    engine = engine_of(environment)
    command = [str(folder / ".venv" / "bin" / "python"), "-m", "gateway", "worker"]
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)  # noqa: S603
    os.sched_setaffinity(process.pid, {SERVER_CORE})
    try:
        wait_for(lambda: count(engine, DELIVERED) > 0, 0.01)
        began, first = time.perf_counter(), count(engine, DELIVERED)
        wait_for(lambda: count(engine, DELIVERED) == events, 0.05)
        return (events - first) / (time.perf_counter() - began)
    finally:
        process.terminate()
        process.wait(timeout=30)


def engine_of(environment: dict[str, str]) -> Engine:
    return create_engine(environment["GATEWAY_DATABASE_URL"].replace("postgresql:", "postgresql+psycopg:"))


def count(engine: Engine, statement: TextClause) -> int:
    with engine.connect() as connection:
        return int(connection.execute(statement).scalar_one())


def wait_for(condition: Callable[[], bool], interval: float = 0.2) -> None:
    """Raises TimeoutError if the condition is still false after LONGEST_WAIT."""
    deadline = time.monotonic() + LONGEST_WAIT
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("The events were not delivered in time.")
        time.sleep(interval)


async def add_endpoint(server: Server, url: str) -> None:
    def is_correct(data: dict[str, dict[str, object]]) -> bool:
        return not data["webhookEndpointCreate"]["userErrors"]

    async with server.connections(1) as (connection,):
        await connection.send(call_for(server.merchant_token, is_correct, CREATE, url=url))


@contextmanager
def receiver() -> Iterator[str]:
    """Runs a receiver in its own process, and yields its URL."""
    command = [sys.executable, "-m", "tools.webhook_load", "receive"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/webhooks"
    finally:
        process.terminate()
        process.wait(timeout=30)


async def answer_all() -> None:
    """Answers each request with 204, and prints the port at the beginning."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).lower():
                await reader.readexactly(int(head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]))
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                if b"\r\nconnection: close" in head:
                    break
        except asyncio.IncompleteReadError:
            pass
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    main()
