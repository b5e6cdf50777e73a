"""`python -m tools.bench.growth`: whether a page, a decision and an access cost more in a large database.

Makes a small and a large SQLite database with the same merchants and persons, and measures the CPU time of the thread
that calls the gateway's services on each in turn. CPU time does not include the wait for the disk.
"""

import argparse
import gc
import itertools
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from gateway.domain.identity.principal import Principal
from gateway.services.container import Container
from gateway.services.query_unit import Needs
from gateway.store.decisions.decisions import DECISIONS
from gateway.store.decisions.pages import Filter, Window
from tools.bench import gateway_data, grown_data, machine
from tools.bench.dataset import Dataset
from tools.bench.registry import STATE
from tools.bench.token_requests import ClientKeys

MOST_GROWTH = 1.25
"""The largest ratio of the costs in the large and in the small database."""
PAGE_SIZE = 50
DEEP = 0.9
"""The share of a merchant's decisions that are newer than those of a deep page, nearly."""
DEPTHS = tuple(3 * number % 10 / 10 for number in range(10))
"""The shares of pages whose decisions the process does not keep until it reads them again: with all merchants they are
more than it keeps, and no page has decisions of the one before."""
_REPEATED = 100
"""How often an operation runs in one block of measurements."""

Operation = Callable[[], object]
_Position = tuple[datetime, str]
_Page = tuple[Principal, _Position | None]


@dataclass(frozen=True, slots=True)
class Growth:
    """The costs of one operation in microseconds of CPU time, in each round, in the small and in the large database."""

    operation: str
    small: Sequence[float]
    large: Sequence[float]

    @property
    def ratio(self) -> float:
        """The median of the ratios of the rounds."""
        return statistics.median(large / small for small, large in zip(self.small, self.large, strict=True))

    @property
    def is_met(self) -> bool:
        """Whether the cost grows by MOST_GROWTH at most."""
        return self.ratio <= MOST_GROWTH


class Operations:
    """What is measured, over one database. Each call works for the next merchant or person."""

    def __init__(self, container: Container, data: Dataset) -> None:
        self._container, self._numbers = container, itertools.count()
        merchants = [gateway_data.principal_of(container, token) for token in data.merchant_tokens()]
        people = [user for user in data.people() if user.tier == "EXCELLENT"]
        self._first: Iterator[_Page] = itertools.cycle([(merchant, None) for merchant in merchants])
        self._deep = _pages(container, merchants, (DEEP,))
        self._scattered = _pages(container, merchants, DEPTHS)
        self._people = itertools.cycle([gateway_data.principal_of(container, user.token) for user in people])
        self.by_name: dict[str, Operation] = {
            f"first page of {PAGE_SIZE} decisions": lambda: self._read_page(*next(self._first)),
            f"page of {PAGE_SIZE} decisions at {DEEP:.0%} of the depth": lambda: self._read_page(*next(self._deep)),
            f"page of {PAGE_SIZE} decisions that are not kept": lambda: self._read_page(*next(self._scattered)),
            "decision, with its log entries": self.request_decision,
            "access": self.log_access,
        }

    def _read_page(self, merchant: Principal, after: _Position | None) -> object:
        window = Window(PAGE_SIZE + 1, after=after)  # one more, as the API reads to know whether there is a next page
        page = self._container.queries.run_query(
            merchant, Needs(), lambda query: self._container.decisions.list_page(query, Filter(), window)
        )
        if len(page) != window.limit:
            raise ValueError(f"The page has {len(page)} decisions.")
        return page

    def request_decision(self) -> object:
        reference = f"measured-{next(self._numbers):06}"
        return gateway_data.request_decision(self._container, next(self._people), reference, 1_000)

    def log_access(self) -> object:
        person, access_log = next(self._people), self._container.access_log
        answered = {"tier": "EXCELLENT"}
        return self._container.database.write(
            lambda unit: access_log.record(unit, person, "SCORE_TIER", "CAR_RENTAL", answered)
        )


def _pages(container: Container, merchants: Sequence[Principal], depths: Sequence[float]) -> Iterator[_Page]:
    """Returns the pages of all merchants at each depth, without end."""
    return itertools.cycle([(each, _position(container, each, depth)) for depth in depths for each in merchants])


def _position(container: Container, merchant: Principal, depth: float) -> _Position:
    """Returns the position before a page: that of the newest decision at depth 0, and of the last page at depth 1."""
    own = DECISIONS.c.merchant_id == merchant.merchant_id
    columns = DECISIONS.c.created_at, DECISIONS.c.id
    with container.database.engine.connect() as connection:
        count = connection.scalar(select(func.count()).select_from(DECISIONS).where(own)) or 0
        newest_first = select(*columns).where(own).order_by(*(each.desc() for each in columns))
        row = connection.execute(newest_first.offset(int(depth * (count - PAGE_SIZE - 2))).limit(1)).one()
    return row.created_at, row.id


def measure(operation: Operation, repeated: int = _REPEATED) -> float:
    """Returns the microseconds of CPU time of one call, after some that are not measured."""
    for _ in range(repeated // 4):
        operation()
    gc.collect()
    began = time.thread_time_ns()
    for _ in range(repeated):
        operation()
    return (time.thread_time_ns() - began) / repeated / 1_000


def compare(small: Operations, large: Operations, rounds: int) -> list[Growth]:
    """Measures each operation in each round once in both databases, in alternating order."""
    found = []
    for name in small.by_name:
        growth = Growth(name, [], [])
        sides: list[tuple[Any, Operation]] = [
            (growth.small, small.by_name[name]),
            (growth.large, large.by_name[name]),
        ]
        for number in range(rounds):
            for costs, operation in sides if number % 2 == 0 else reversed(sides):
                costs.append(measure(operation))
        found.append(growth)
    return found


def markdown(growths: Sequence[Growth], sizes: Sequence[int], conditions: str) -> str:
    """Returns the section for the report."""
    small, large = sizes
    lines = [
        "### Growth",
        "",
        conditions,
        "",
        f"| operation | µs of CPU with {small:,} decisions | with {large:,} | ratio | aim | reached |",
        "|---|---|---|---|---|---|",
    ]
    for growth in growths:
        costs = f"{statistics.median(growth.small):,.0f} | {statistics.median(growth.large):,.0f}"
        reached = "yes" if growth.is_met else "no"
        lines.append(f"| {growth.operation} | {costs} | {growth.ratio:.2f} | at most {MOST_GROWTH:g} | {reached} |")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.growth", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs=2, default=(10_000, 1_000_000), help="multiples of 2,000 decisions")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--data", type=Path, default=STATE, help="folder for the databases: 9 KB for each decision")
    parser.add_argument("--check", action="store_true", help=f"exit with 1 if a ratio is above {MOST_GROWTH:g}")
    options = parser.parse_args(arguments)
    options.data.mkdir(exist_ok=True)
    data, began = Dataset(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="growth-", dir=options.data) as name, ExitStack() as stack:
        folders = [Path(name) / str(number) for number in range(2)]
        folders[0].mkdir()
        gateway_data.write(folders[0], data, ClientKeys().jwks)
        shutil.copytree(folders[0], folders[1])
        for folder, size in zip(folders, options.sizes, strict=True):
            grown_data.grow(folder / gateway_data.FILE, size)
        described = machine.sentence(machine.describe(Path(name)))
        containers = [
            stack.enter_context(gateway_data.running_services(gateway_data.url_of(folder), folder))
            for folder in folders
        ]
        small, large = (Operations(container, data) for container in containers)
        growths = compare(small, large, options.rounds)
    minutes = (time.monotonic() - began) / 60
    conditions = (
        f"{described} Both databases have {data.merchants} merchants and {data.users:,} persons. Rounds:"
        f" {options.rounds}, of {_REPEATED} operations in each database in turn; in all {minutes:.0f} minutes. Medians"
        " of the CPU time of the thread, and of the ratios of the rounds."
    )
    print(markdown(growths, options.sizes, conditions))
    return 1 if options.check and not all(growth.is_met for growth in growths) else 0


if __name__ == "__main__":
    sys.exit(main())
