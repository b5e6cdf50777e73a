"""Measures a checkout of the gateway under load, or compares two checkouts in pairs.

    load.py run FOLDER [--scenario NAME ...] [--rounds N] [--json FILE] [--profile FILE]
    load.py compare BEFORE AFTER [--scenario NAME ...] [--rounds N] [--json FILE]

Each run starts `FOLDER/.venv/bin/python -m gateway sandbox up` on core 0, with a new SQLite database in a temporary
folder. The load comes from core 1, over loopback. A run sends a fixed number of requests, so that both checkouts do the
same work, and stops after `--limit` seconds. Every response is checked; the exit code is 1 if one is incorrect.
`growth` reports the cost of one more decision for a person who has 1, 100 and 1,000 open decisions. `others` is the
share of core 0 that other processes used: measure again if it is not small. `--profile` needs py-spy in this
environment.
"""

import argparse
import asyncio
import itertools
import json
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any

from tools.measured_sandbox import Call, Connection, Server, profiled, running

LOAD_CORE = 1
PERSONAS = ("excellent", "threshold", "just-below", "good", "fair")
OPEN_DECISIONS = (1, 100, 1_000)
TIER = "{ consentedUser { scoreTier { tier rank } } }"
REQUEST = """mutation ($input: DecisionRequestInput!) { decisionRequest(input: $input) {
  decision { id status outcome { __typename ... on Approval { validUntil terms {
    ... on DepositTerms { waivedAmount { amount } depositDue { amount } } } } } }
  userErrors { code message field } } }"""
CANCEL = """mutation ($input: DecisionCancelInput!) { decisionCancel(input: $input) {
  decision { status } userErrors { code message field } } }"""
PAGE = """{ merchant { decisions(first: 50) {
  nodes { id status merchantReference createdAt product outcome { __typename } settlement { due { amount } } }
  pageInfo { hasNextPage endCursor } } } }"""


@dataclass(frozen=True)
class Figures:
    """The results of one scenario. `cpu_ms` is the server's CPU time per request, `others` the share of its core that
    other processes used."""

    scenario: str
    requests: int
    errors: int
    seconds: float
    per_second: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    cpu_ms: float
    others: float


@dataclass(frozen=True)
class Options:
    """Options of a measurement: a factor for the number of requests, seconds at most, and the file of the profile."""

    scale: float
    limit: float
    profile: Path | None


def call_for(token: str, is_correct: Callable[[dict[str, Any]], bool], query: str, **variables: Any) -> Call:
    return Call(token, json.dumps({"query": query, "variables": variables}).encode(), is_correct)


def decision_calls(tokens: list[str]) -> Iterator[Call]:
    """Yields new requests for a deposit waiver of 10 yuan, with the tokens in turn."""
    start = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
    ask = {
        "deposit": {"amount": "10.00", "currency": "CNY"},
        "vehicleValue": {"amount": "180000.00", "currency": "CNY"},
        "rental": {"start": start.isoformat(), "end": (start + timedelta(days=3)).isoformat()},
    }
    for token in itertools.cycle(tokens):
        new = {"idempotencyKey": token_hex(8), "merchantReference": f"order-{token_hex(8)}"}
        yield call_for(token, _is_approved, REQUEST, input={**new, "ask": {"carRental": ask}})


def cancel_call(token: str, decision_id: str) -> Call:
    new = {"decisionId": decision_id, "idempotencyKey": token_hex(8), "reason": None}
    return call_for(token, lambda data: data["decisionCancel"]["decision"]["status"] == "CANCELLED", CANCEL, input=new)


def _is_approved(data: dict[str, Any]) -> bool:
    payload = data["decisionRequest"]
    return not payload["userErrors"] and str(payload["decision"]["status"]) == "APPROVED"


async def load(
    server: Server, scenario: str, calls: Iterator[Call], connections: int, count: int, limit: float
) -> Figures:
    """Sends `count` calls, or as many as `limit` seconds allow, over this many connections."""
    latencies: list[float] = []
    errors: Counter[str] = Counter()
    remaining = itertools.islice(calls, count)
    deadline = time.perf_counter() + limit

    async def send_all(connection: Connection) -> None:
        for call in remaining:
            began = time.perf_counter()
            if began > deadline:
                return
            try:
                await connection.send(call)
            except ValueError as error:
                errors[str(error)] += 1
            latencies.append(time.perf_counter() - began)

    async with server.connections(connections) as opened:
        cpu, other_cpu, began = server.cpu_seconds(), server.other_cpu_seconds(), time.perf_counter()
        await asyncio.gather(*map(send_all, opened))
        seconds = time.perf_counter() - began
        cpu, other_cpu = server.cpu_seconds() - cpu, server.other_cpu_seconds() - other_cpu
    for message, times in errors.most_common(3):
        print(f"{scenario}: {times} times: {message}", file=sys.stderr)
    return figures_of(scenario, latencies, errors.total(), seconds, cpu, other_cpu / seconds)


async def prepare(server: Server, calls: Iterator[Call], connections: int, count: int) -> None:
    """Sends `count` calls without measuring them. Raises RuntimeError if a response is incorrect."""
    sent = await load(server, "preparation", calls, connections, count, 600)
    if sent.errors:
        raise RuntimeError(f"{sent.errors} of {count} calls before the measurement got an incorrect response")


def figures_of(
    scenario: str, latencies: list[float], errors: int, seconds: float, cpu: float, others: float
) -> Figures:
    count, ordered = len(latencies), sorted(latencies)
    p50, p99, longest = (1000 * ordered[min(count - 1, int(count * part))] for part in (0.5, 0.99, 1))
    return Figures(scenario, count, errors, seconds, count / seconds, p50, p99, longest, 1000 * cpu / count, others)


async def measure_tier(server: Server, options: Options) -> list[Figures]:
    def is_correct(tier: str, data: dict[str, Any]) -> bool:
        return str(data["consentedUser"]["scoreTier"]["tier"]) == tier

    each = [call_for(server.user_token(name), partial(is_correct, server.tier(name)), TIER) for name in PERSONAS]
    calls = itertools.cycle(each)
    await prepare(server, calls, 32, 200)
    with profiled(server, options.profile):
        return [await load(server, "tier", calls, 32, int(4_000 * options.scale), options.limit)]


async def measure_decision(server: Server, options: Options) -> list[Figures]:
    calls = decision_calls([server.user_token(handle) for handle in PERSONAS])
    await prepare(server, calls, 64, 100)
    with profiled(server, options.profile):
        return [await load(server, "decision", calls, 64, int(1_500 * options.scale), options.limit)]


async def measure_page(server: Server, options: Options) -> list[Figures]:
    def is_correct(data: dict[str, Any]) -> bool:
        page = data["merchant"]["decisions"]
        return len(page["nodes"]) == 50 and page["pageInfo"]["hasNextPage"] is True

    decisions = decision_calls([server.user_token(handle) for handle in PERSONAS])
    await prepare(server, decisions, 16, 250)
    calls = itertools.repeat(call_for(server.merchant_token, is_correct, PAGE))
    await prepare(server, calls, 16, 32)
    with profiled(server, options.profile):
        return [await load(server, "page", calls, 16, int(400 * options.scale), options.limit)]


async def measure_growth(server: Server, options: Options) -> list[Figures]:
    """Sends one request after the other. Each decision is cancelled outside the measured time, so that the number of
    open decisions stays the same."""
    calls, results, open_decisions = decision_calls([server.user_token("excellent")]), [], 0
    for number_of_open in OPEN_DECISIONS:
        await prepare(server, calls, 8, number_of_open - open_decisions)
        open_decisions = number_of_open
        latencies: list[float] = []
        seconds = cpu = 0.0
        other_cpu, window = server.other_cpu_seconds(), time.perf_counter()
        async with server.connections(1) as (connection,):
            for number in range(60):
                cpu_before, began = server.cpu_seconds(), time.perf_counter()
                data = await connection.send(next(calls))
                if number >= 10:
                    latencies.append(time.perf_counter() - began)
                    seconds, cpu = seconds + latencies[-1], cpu + server.cpu_seconds() - cpu_before
                decision_id = data["decisionRequest"]["decision"]["id"]
                await connection.send(cancel_call(server.merchant_token, decision_id))
        others = (server.other_cpu_seconds() - other_cpu) / (time.perf_counter() - window)
        results.append(figures_of(f"growth-{number_of_open}", latencies, 0, seconds, cpu, others))
    return results


SCENARIOS = {"tier": measure_tier, "decision": measure_decision, "page": measure_page, "growth": measure_growth}


def measure(folder: Path, scenario: str, options: Options) -> list[Figures]:
    """Runs a scenario once, with its own server."""
    with running(folder) as server:
        return asyncio.run(SCENARIOS[scenario](server, options))


def medians(rounds: list[Figures]) -> Figures:
    """Returns the median of each figure. Errors are added up; `max_ms` and `others` are the largest of all rounds."""
    names = ("seconds", "per_second", "p50_ms", "p99_ms", "cpu_ms")
    return Figures(
        scenario=rounds[0].scenario,
        requests=min(figures.requests for figures in rounds),
        errors=sum(figures.errors for figures in rounds),
        max_ms=max(figures.max_ms for figures in rounds),
        others=max(figures.others for figures in rounds),
        **{name: statistics.median(getattr(figures, name) for figures in rounds) for name in names},
    )


def row(label: str, figures: Figures) -> str:
    return (
        f"{figures.scenario:<12} {label:<8} {figures.requests:>6} {figures.errors:>6} {figures.per_second:>8.1f}"
        f" {figures.p50_ms:>8.1f} {figures.p99_ms:>8.1f} {figures.max_ms:>8.1f} {figures.cpu_ms:>8.2f}"
        f" {figures.others:>6.0%}"
    )


HEAD = "scenario     checkout  count errors    req/s   p50 ms   p99 ms   max ms   cpu ms others"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=("run", "compare"))
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--scenario", action="append", choices=tuple(SCENARIOS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the number of requests")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds that a measurement may take")
    parser.add_argument("--json", type=Path)
    parser.add_argument(
        "--profile", type=Path, help="file for the stacks of py-spy; needs one --scenario and --rounds 1"
    )
    arguments = parser.parse_args()
    labels = {"run": ("checkout",), "compare": ("before", "after")}[arguments.mode]
    if len(arguments.folders) != len(labels):
        parser.error(f"{arguments.mode} takes {len(labels)} folders")
    if arguments.profile and (arguments.rounds, len(arguments.scenario or ())) != (1, 1):
        parser.error("--profile needs one --scenario and --rounds 1")
    os.sched_setaffinity(0, {LOAD_CORE})
    options = Options(arguments.scale, arguments.limit, arguments.profile)
    folders = dict(zip(labels, (folder.resolve() for folder in arguments.folders), strict=True))
    runs: dict[str, dict[str, list[Figures]]] = {}
    print(HEAD, flush=True)
    for scenario in arguments.scenario or SCENARIOS:
        for _, (label, folder) in itertools.product(range(arguments.rounds), folders.items()):
            for figures in measure(folder, scenario, options):
                runs.setdefault(figures.scenario, {}).setdefault(label, []).append(figures)
                print(row(label, figures), flush=True)
    if arguments.json:
        every = [{"checkout": label, **asdict(f)} for r in runs.values() for label, fs in r.items() for f in fs]
        arguments.json.write_text(json.dumps(every, indent=1) + "\n")
    print(f"\nMedians of {arguments.rounds} rounds (of all rounds: errors, longest request, others)\n{HEAD}")
    for by_label in runs.values():
        middle = {label: medians(rounds) for label, rounds in by_label.items()}
        for label, figures in middle.items():
            print(row(label, figures))
        if len(middle) == 2:
            before, after = middle["before"], middle["after"]
            print(
                f"{'':12} ratio: {after.per_second / before.per_second:.2f} times the requests per second,"
                f" {before.p50_ms / after.p50_ms:.2f} times faster at p50, {before.p99_ms / after.p99_ms:.2f} at p99,"
                f" 1/{before.cpu_ms / after.cpu_ms:.2f} of the CPU"
            )
    if any(figures.errors for by_label in runs.values() for rounds in by_label.values() for figures in rounds):
        sys.exit(1)


if __name__ == "__main__":
    main()
