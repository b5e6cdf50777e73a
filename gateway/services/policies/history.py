"""Policies and what they decided: the explanation of a past decision, and what another policy would have decided."""

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
"""Returns the table to try on the decision of an entry, which was made at that time. May raise Misconfigured."""

BATCH = 500
"""How many decisions one unit of work reads."""

_ALWAYS = BusinessTime(datetime.min.replace(tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Trace:
    """The first entry of a decision. `personal` is None once the person's key has been destroyed. `table` is the policy
    that decided, None where it is no longer installed; `in_force` is the policy that decides now, None where the
    adapter is not installed. Both include the merchant's override."""

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
    """For the operator, who may read all that the deployment can open. Writes nothing. Comparisons run their own units
    of work, one for each batch of decisions."""

    def __init__(self, registry: AdapterRegistry, database: Database, overrides: OverrideService) -> None:
        self._registry, self._database, self._overrides = registry, database, overrides

    def load_trace(self, unit: UnitOfWork, decision_id: str) -> Trace:
        """The explanation of a decision, with the policy that is in force now. Raises NotFound."""
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
        """Every request that the adapter decided at `since` or later, compared with the result of `table` and the
        merchant's override of that moment.

        Ask and person are those of the log entry, the time is that of the decision. Credit limits are not replayed: a
        request that was declined for lack of available limit counts as what its policy had decided.
        """

        def with_override_of_then(unit: UnitOfWork, entry: DecisionLogRow, then: BusinessTime) -> DecisionTable:
            logged = WallTime(parse_moment(decode(entry.public)["at"]))
            override = self._overrides.load_override(unit, entry.merchant_id, adapter, then, logged)
            return table if override is None else apply_override(override, table)

        return self._compare(adapter, with_override_of_then, since)

    def backtest_override(
        self,
        adapter: MerchantAdapter[Any],
        merchant_id: str,
        override: PolicyOverride,
        since: BusinessTime | None = None,
    ) -> Iterator[ResultComparison | SkipReason]:
        """The same for the requests of one merchant, compared with that override of the policy that was in force."""

        def overridden(_: UnitOfWork, __: DecisionLogRow, then: BusinessTime) -> DecisionTable:
            return apply_override(override, adapter.policies.at(then))

        return self._compare(adapter, overridden, since, merchant_id)

    def compare_shadows(
        self, adapter: MerchantAdapter[Any], since: BusinessTime | None = None
    ) -> Iterator[tuple[Shadow | None, ResultComparison | SkipReason]]:
        """Every request for which a shadow policy was evaluated, with that policy. An entry whose key is destroyed does
        not show whether there was one: it comes with None. Credit limits count for neither side, as in a backtest."""

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
        except Misconfigured:  # an override that does not fit any more explains nothing about the past
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
        """The result of `read` for the first entry of each decision of the adapter, in the order of their ids."""
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
