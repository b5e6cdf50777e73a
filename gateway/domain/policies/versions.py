"""The versions of one policy. Each is in force from its effective date until that of the next version."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime

from gateway.domain.errors import Misconfigured
from gateway.domain.policies.table import DecisionTable, policy_error


class PolicySet:
    """One or more versions of a policy, oldest first. They have the same name, columns, benefits and currency, but
    neither the same version nor the same effective date. Raises Misconfigured with the source otherwise."""

    def __init__(self, tables: Iterable[DecisionTable]) -> None:
        self._tables = tuple(sorted(tables, key=lambda table: table.effective))
        if not self._tables:
            raise Misconfigured("a policy needs at least one version")
        first, previous, sources = self._tables[0], None, dict[str, str]()
        for table in self._tables:
            for name in ("policy", "columns", "benefits", "currency"):
                if getattr(table, name) != getattr(first, name):
                    raise policy_error(
                        table.source, f"{name} differs from {first.source}: all versions must have the same"
                    )
            if previous is not None and table.effective == previous.effective:
                raise policy_error(table.source, f"has the same effective date {table.effective} as {previous.source}")
            if table.version in sources:
                raise policy_error(table.source, f"has the same version {table.version} as {sources[table.version]}")
            previous, sources[table.version] = table, table.source

    def __iter__(self) -> Iterator[DecisionTable]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def at(self, now: datetime) -> DecisionTable:
        """Returns the version in force at `now`: the newest whose effective date, from midnight UTC, has come. Before
        the first effective date, returns the first version. Only golden cases reach this, since a deployment does not
        start then."""
        return self.on(now.astimezone(UTC).date())

    def on(self, day: date) -> DecisionTable:
        """Returns the version in force on a day in UTC; see `at`."""
        effective = (table for table in reversed(self._tables) if table.effective <= day)
        return next(effective, self._tables[0])

    def between(self, first: date, end: date | None) -> Iterator[DecisionTable]:
        """Yields the versions that are in force on any day from `first` until `end` (excluded; None: no end)."""
        in_force_first = self.on(first)
        for table in self._tables:
            begins_within = first < table.effective and (end is None or table.effective < end)
            if table is in_force_first or begins_within:
                yield table

    def require_effective(self, now: datetime) -> None:
        """Raises Misconfigured if no version is in force at `now`."""
        first = self._tables[0]
        if first.effective > now.astimezone(UTC).date():
            raise policy_error(first.source, f"is effective from {first.effective}, and there is no earlier version")

    def of_hash(self, content: str) -> DecisionTable | None:
        """Returns the version with this hash, or None."""
        return next((table for table in self._tables if table.hash == content), None)
