"""The versions of one policy, each in force from its effective date until the next one's."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime

from gateway.domain.errors import Misconfigured
from gateway.domain.policies.table import DecisionTable, fault


class PolicySet:
    """One version or more, oldest first. They must agree in name, columns, benefits and currency, and no two may be
    effective from the same date. Raises Misconfigured, naming the source, for any other set."""

    def __init__(self, tables: Iterable[DecisionTable]) -> None:
        self._tables = tuple(sorted(tables, key=lambda table: table.effective))
        if not self._tables:
            raise Misconfigured("a policy needs at least one version")
        first, before = self._tables[0], None
        for table in self._tables:
            for what in ("policy", "columns", "benefits", "currency"):
                if getattr(table, what) != getattr(first, what):
                    raise fault(table.source, f"{what} differs from {first.source}: versions of one policy share it")
            if before is not None and table.effective == before.effective:
                raise fault(table.source, f"is effective from {table.effective}, as {before.source} is")
            before = table

    def __iter__(self) -> Iterator[DecisionTable]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def at(self, now: datetime) -> DecisionTable:
        """The version that decides at `now`: the newest whose effective date, from midnight UTC on, has come. Before
        all of them it is the first, which only known answers meet: a deployment does not start then."""
        return self.on(now.astimezone(UTC).date())

    def on(self, day: date) -> DecisionTable:
        """The version that decides on that day, in UTC; see `at`."""
        come = (table for table in reversed(self._tables) if table.effective <= day)
        return next(come, self._tables[0])

    def between(self, first: date, end: date | None) -> Iterator[DecisionTable]:
        """The versions that decide on some day from `first` until `end`, which is excluded; without one, for ever."""
        decides_first = self.on(first)
        for table in self._tables:
            begins = first < table.effective and (end is None or table.effective < end)
            if table is decides_first or begins:
                yield table

    def require_effective(self, now: datetime) -> None:
        """Raises Misconfigured while no version is in force at `now`."""
        first = self._tables[0]
        if first.effective > now.astimezone(UTC).date():
            raise fault(first.source, f"is effective from {first.effective} only, and there is no version before it")

    def of_hash(self, content: str) -> DecisionTable | None:
        """The version with this hash, None where it is not among them."""
        return next((table for table in self._tables if table.hash == content), None)
