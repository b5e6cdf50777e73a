"""Measures a checkout of the gateway under load, or compares two checkouts in pairs.

    load.py run FOLDER [--scenario NAME ...] [--rounds N] [--json FILE] [--profile FILE]
    load.py compare BEFORE AFTER [--scenario NAME ...] [--rounds N] [--json FILE]

Each server is `FOLDER/.venv/bin/python -m gateway sandbox up` on core 0, with a new SQLite database in a temporary
folder. The load comes from core 1, over loopback. A round sends a fixed number of requests, so that both checkouts do
the same work, and stops after `--limit` seconds. Every response is checked; the exit code is 1 if one is incorrect.

`compare` keeps both servers running. Each round sends requests to one and then to the other, in a random order, so that
both have the same speed of the machine. Its ratios are medians of the ratios of the rounds. `cpu ms` includes what a
server does in the second after its last response. `growth` reports the cost of one more decision for a person who has
1, 100 and 1,000 open decisions; it starts new servers for each round. `others` is the share of core 0 that other
processes used: measure again if it is not small. `--profile` needs py-spy in this environment.
"""

import argparse
import asyncio
import itertools
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any

from tools.load_figures import HEAD, Figures, FiguresByLabel, figures_of, medians, ratios, row
from tools.measured_sandbox import Call, Connection, Server, profiled, running

LOAD_CORE = 1
PERSONAS = ("excellent", "threshold", "just-below", "good", "fair")
OPEN_DECISIONS = (1, 100, 1_000)
GROWTH = "growth"
WORK_AFTER_RESPONSES = 1.0
"""Seconds after the last response whose CPU time counts too: the request log and webhooks are written then."""
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
class Options:
    """Options of a measurement: rounds, a factor for the number of requests, seconds of a round at most, and the file
    of the profile."""

    rounds: int
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


async def tier_calls(server: Server) -> Iterator[Call]:
    """Returns reads of the tier, by the personas in turn."""

    def is_correct(tier: str, data: dict[str, Any]) -> bool:
        return str(data["consentedUser"]["scoreTier"]["tier"]) == tier

    return itertools.cycle(
        [call_for(server.user_token(name), partial(is_correct, server.tier(name)), TIER) for name in PERSONAS]
    )


async def new_decision_calls(server: Server) -> Iterator[Call]:
    """Returns requests for decisions, by the personas in turn."""
    return decision_calls([server.user_token(handle) for handle in PERSONAS])


async def page_calls(server: Server) -> Iterator[Call]:
    """Returns reads of a page of 50 decisions, after 250 were made."""

    def is_correct(data: dict[str, Any]) -> bool:
        page = data["merchant"]["decisions"]
        return len(page["nodes"]) == 50 and page["pageInfo"]["hasNextPage"] is True

    await prepare(server, await new_decision_calls(server), 16, 250)
    return itertools.repeat(call_for(server.merchant_token, is_correct, PAGE))


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


@dataclass(frozen=True)
class Scenario:
    """The calls for a server, over how many connections they are sent, and how many in a round."""

    calls: Callable[[Server], Awaitable[Iterator[Call]]]
    connections: int
    count: int


SCENARIOS = {
    "tier": Scenario(tier_calls, 32, 1_000),
    "decision": Scenario(new_decision_calls, 64, 400),
    "page": Scenario(page_calls, 16, 100),
}


async def alternate(name: str, servers: Mapping[str, Server], options: Options) -> AsyncIterator[tuple[str, Figures]]:
    """Yields the label of a server with its figures, for each server in each round."""
    scenario = SCENARIOS[name]
    count, calls = int(scenario.count * options.scale), {}
    for label, server in servers.items():
        calls[label] = await scenario.calls(server)
        await prepare(server, calls[label], scenario.connections, scenario.count // 4)
    with profiled(next(iter(servers.values())), options.profile):
        for _ in range(options.rounds):
            for label, server in random.sample([*servers.items()], len(servers)):
                before = server.cpu_seconds()
                figures = await load(server, name, calls[label], scenario.connections, count, options.limit)
                await asyncio.sleep(WORK_AFTER_RESPONSES)
                cpu = server.cpu_seconds() - before
                yield label, replace(figures, cpu_ms=1000 * cpu / figures.requests)


async def measure(name: str, folders: Mapping[str, Path], options: Options) -> AsyncIterator[tuple[str, Figures]]:
    """Yields the label of a folder with the figures of its server, for each folder in each round."""
    if name != GROWTH:
        with ExitStack() as stack:
            servers = {label: stack.enter_context(running(folder)) for label, folder in folders.items()}
            async for each in alternate(name, servers, options):
                yield each
        return
    for _, (label, folder) in itertools.product(range(options.rounds), folders.items()):
        with running(folder) as server:
            for figures in await measure_growth(server, options):
                yield label, figures


async def measure_all(names: Sequence[str], folders: Mapping[str, Path], options: Options) -> FiguresByLabel:
    """Returns the figures of all rounds, and prints each."""
    results: FiguresByLabel = {}
    print(HEAD, flush=True)
    for name in names:
        async for label, figures in measure(name, folders, options):
            results.setdefault(figures.scenario, {each: [] for each in folders})[label].append(figures)
            print(row(label, figures), flush=True)
    return results


def main() -> None:
    """Measures, and exits with 1 if a response was incorrect."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = (*SCENARIOS, GROWTH)
    parser.add_argument("mode", choices=("run", "compare"))
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--scenario", action="append", choices=names)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the number of requests")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds that a round of a server may take")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--profile", type=Path, help="file for the stacks of py-spy; needs run and one --scenario")
    arguments = parser.parse_args()
    labels = {"run": ("checkout",), "compare": ("before", "after")}[arguments.mode]
    if len(arguments.folders) != len(labels):
        parser.error(f"{arguments.mode} takes {len(labels)} folders")
    if arguments.profile and (arguments.mode, len(arguments.scenario or ())) != ("run", 1):
        parser.error("--profile needs run and one --scenario")
    os.sched_setaffinity(0, {LOAD_CORE})
    options = Options(arguments.rounds, arguments.scale, arguments.limit, arguments.profile)
    folders = dict(zip(labels, (folder.resolve() for folder in arguments.folders), strict=True))
    results = asyncio.run(measure_all(arguments.scenario or names, folders, options))
    if arguments.json:
        every = [{"checkout": label, **asdict(f)} for r in results.values() for label, fs in r.items() for f in fs]
        arguments.json.write_text(json.dumps(every, indent=1) + "\n")
    print(f"\nMedians of {arguments.rounds} rounds (of all rounds: errors, longest request, others)\n{HEAD}")
    for by_label in results.values():
        for label, rounds in by_label.items():
            print(row(label, medians(rounds)))
        if len(by_label) == 2:
            print(ratios(by_label["before"], by_label["after"]))
    if any(figures.errors for by_label in results.values() for rounds in by_label.values() for figures in rounds):
        sys.exit(1)


if __name__ == "__main__":
    main()
