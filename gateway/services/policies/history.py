"""Explains past decisions, and compares them with the results of other policies."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from gateway.domain.errors import Misconfigured, NotFound
from gateway.domain.period import parse_moment
from gateway.domain.policies.comparison import ResultComparison, SkipReason
from gateway.domain.policies.override import PolicyOverride
from gateway.domain.policies.past_result import policy_result_from_document
from gateway.domain.policies.table import DecisionTable
from gateway.kit.clock import BusinessTime, WallTime
from gateway.kit.json import decode
from gateway.services.policies.overrides import OverrideService, apply_override
from gateway.services.policies.past_request import UNREADABLE, PastRequest
from gateway.store.database import Database
from gateway.store.logs.decision_log import DecisionLogRow
from gateway.store.unit import UnitOfWork
from merchants.adapter import MerchantAdapter
from merchants.registry import AdapterRegistry

T = TypeVar("T")
Personal = Mapping[str, Any] | None
"""The personal part of an entry, None once the person's key has been destroyed."""

TableChoice = Callable[[UnitOfWork, DecisionLogRow, BusinessTime], DecisionTable]
"""Returns the table with which the decision of an entry, made at that time, is compared. May raise Misconfigured."""

BATCH = 500
"""The number of decisions that one unit of work reads."""

_ALWAYS = BusinessTime(datetime.min.replace(tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Trace:
    """The first log entry of a decision, and its policy.

    `public` and `personal` are the parts of the entry; `personal` is None if the person's key has been destroyed.
    `table` is the policy that decided, None if it is no longer installed. `in_force` is the policy that decides now,
    None if the adapter is not installed. Both include the merchant's override.
    """

    public: Mapping[str, Any]
    personal: Personal
    table: DecisionTable | None
    in_force: DecisionTable | None


@dataclass(frozen=True, slots=True)
class Shadow:
    """Name, version and hash of a shadow policy."""

    policy: str
    version: str
    hash: str


_Shadowed = tuple[Shadow | None, ResultComparison | SkipReason]


class PolicyService:
    """Explains and compares decisions for the operator, who may read all sealed parts of the log. Writes nothing.
    Comparisons run their own units of work, one for each batch of decisions."""

    def __init__(self, registry: AdapterRegistry, database: Database, overrides: OverrideService) -> None:
        self._registry, self._database, self._overrides = registry, database, overrides

    def load_trace(self, unit: UnitOfWork, decision_id: str) -> Trace:
        """The first log entry of a decision, the policy that decided, and the policy in force now. Raises NotFound."""
        entries = unit.decision_log.list_of_decision(decision_id)
        if not entries:
            raise NotFound(f"There is no decision {decision_id}.")
        public, personal = decode(entries[0].public), unit.decision_log.open_personal(entries[0])
        adapter = self._registry.get(public["policy"]["adapter"])
        if adapter is None:
            return Trace(public, personal, None, None)
        merchant_id, recorded = entries[0].merchant_id, public["policy"]["hash"]
        table = adapter.policies.of_hash(recorded)
        table = table or self._overrides.find_table(unit, merchant_id, adapter, recorded)
        return Trace(public, personal, table, self._in_force(unit, merchant_id, adapter))

    def backtest(
        self, adapter: MerchantAdapter[Any], table: DecisionTable, since: BusinessTime | None = None
    ) -> Iterator[ResultComparison | SkipReason]:
        """Compares every request that the adapter decided at `since` or later with the result of `table`, combined with
        the merchant's override at that time.

        Ask and person are those in the log entry, the time is the time of the decision. Credit limits are not replayed:
        a request that was declined for lack of available limit counts with the outcome of its policy.
        """

        def choose_table(unit: UnitOfWork, entry: DecisionLogRow, decided_at: BusinessTime) -> DecisionTable:
            logged_at = WallTime(parse_moment(decode(entry.public)["at"]))
            override = self._overrides.load_override(unit, entry.merchant_id, adapter, decided_at, logged_at)
            return table if override is None else apply_override(override, table)

        return self._compare(adapter, choose_table, since)

    def backtest_override(
        self,
        adapter: MerchantAdapter[Any],
        merchant_id: str,
        override: PolicyOverride,
        since: BusinessTime | None = None,
    ) -> Iterator[ResultComparison | SkipReason]:
        """Compares the requests of one merchant, as `backtest` does, with the result of the policy that was in force,
        combined with `override`."""

        def choose_table(_: UnitOfWork, __: DecisionLogRow, decided_at: BusinessTime) -> DecisionTable:
            return apply_override(override, adapter.policies.at(decided_at))

        return self._compare(adapter, choose_table, since, merchant_id)

    def compare_shadows(
        self, adapter: MerchantAdapter[Any], since: BusinessTime | None = None
    ) -> Iterator[tuple[Shadow | None, ResultComparison | SkipReason]]:
        """Compares every request for which a shadow policy was evaluated, and yields the shadow policy with the
        comparison.

        An entry whose key is destroyed does not show whether there was a shadow policy; it is yielded with None. Credit
        limits are not replayed, as in `backtest`.
        """

        def compare(_: UnitOfWork, entry: DecisionLogRow, personal: Personal) -> _Shadowed | None:
            if personal is None:
                return None, SkipReason.SEALED
            if "shadow" not in personal:
                return None
            recorded = personal["shadow"]
            shadow = Shadow(recorded["policy"], recorded["policy_version"], recorded["policy_hash"])
            return shadow, _compare_shadow(adapter, entry, personal)

        return (result for result in self._read_first_entries(adapter, compare, since) if result is not None)

    def _in_force(self, unit: UnitOfWork, merchant_id: str, adapter: MerchantAdapter[Any]) -> DecisionTable:
        now = unit.business_time(merchant_id)
        try:
            return self._overrides.effective_adapter(unit, merchant_id, adapter, now).policies.at(now)
        except Misconfigured:  # the override no longer fits the installed policy
            return adapter.policies.at(now)

    def _compare(
        self,
        adapter: MerchantAdapter[Any],
        choose_table: TableChoice,
        since: BusinessTime | None,
        merchant_id: str | None = None,
    ) -> Iterator[ResultComparison | SkipReason]:
        def compare(unit: UnitOfWork, entry: DecisionLogRow, personal: Personal) -> ResultComparison | SkipReason:
            if personal is None:
                return SkipReason.SEALED
            return _compare_table(unit, adapter, entry, personal, choose_table)

        return self._read_first_entries(adapter, compare, since, merchant_id)

    def _read_first_entries(
        self,
        adapter: MerchantAdapter[Any],
        read: Callable[[UnitOfWork, DecisionLogRow, Personal], T],
        since: BusinessTime | None,
        merchant_id: str | None = None,
    ) -> Iterator[T]:
        """Yields the result of `read` for the first entry of each decision of the adapter, in the order of the ids."""
        last_id = ""

        def read_batch(unit: UnitOfWork) -> tuple[list[T], str]:
            ids = unit.decisions.list_ids_of_adapter(adapter.key, since or _ALWAYS, last_id, BATCH, merchant_id)
            entries = unit.decision_log.list_first(ids)
            personals = unit.decision_log.open_all(entries)
            results = [read(unit, entry, personal) for entry, personal in zip(entries, personals, strict=True)]
            return results, ids[-1] if ids else ""

        while True:
            results, last_id = self._database.read(read_batch)
            yield from results
            if not last_id:
                return


def _compare_table(
    unit: UnitOfWork,
    adapter: MerchantAdapter[Any],
    entry: DecisionLogRow,
    personal: Mapping[str, Any],
    choose_table: TableChoice,
) -> ResultComparison | SkipReason:
    try:
        past = PastRequest.read(adapter, decode(entry.public), personal)
    except UNREADABLE:
        return SkipReason.UNREADABLE
    try:
        table = choose_table(unit, entry, past.now)
    except Misconfigured:
        return SkipReason.OVERRIDDEN
    try:
        return past.compare(past.decide_by(table))
    except UNREADABLE:
        return SkipReason.UNREADABLE


def _compare_shadow(
    adapter: MerchantAdapter[Any], entry: DecisionLogRow, personal: Mapping[str, Any]
) -> ResultComparison | SkipReason:
    if "error" in personal["shadow"]:
        return SkipReason.FAILED
    try:
        past = PastRequest.read(adapter, decode(entry.public), personal)
        return past.compare(policy_result_from_document(personal["shadow"], adapter.benefits))
    except UNREADABLE:
        return SkipReason.UNREADABLE
