"""Merchants' overrides of policies: the operator registers them within bounds, and they apply to each decision.

A registered override is within the bounds, and fits each installed version of the policy with which it will be
combined. Overrides and bounds that would violate this are rejected.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import product
from typing import Any

from gateway.domain.errors import Misconfigured
from gateway.domain.policies.override import PolicyBounds, PolicyOverride, effective_periods
from gateway.domain.policies.table import DecisionTable, policy_error
from gateway.kit.clock import BusinessTime, WallTime
from gateway.kit.ids import Ids
from gateway.services.merchants import MerchantService
from gateway.store.merchants.merchants import MerchantRow
from gateway.store.policies import PolicyBoundsRow, PolicyOverrideRow
from gateway.store.unit import UnitOfWork
from merchants.adapter import MerchantAdapter
from merchants.conformance.check import check_policy
from merchants.policies.overrides import read_bounds, read_override
from merchants.registry import AdapterRegistry

Adapter = MerchantAdapter[Any]


class Unreadable(Misconfigured):
    """The installed adapter cannot read a registered override, for example because it no longer has a benefit."""


@dataclass(frozen=True, slots=True)
class OverrideState:
    """One registered override that applies now or later. `fault` describes why it cannot be used, None if it can."""

    merchant_id: str
    adapter: str
    version: str
    effective: str
    fault: str | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """An override to be registered. `tables` are the versions of the policy with which it will be combined, each
    without and with the override."""

    row: PolicyOverrideRow
    tables: tuple[tuple[DecisionTable, DecisionTable], ...]


class OverrideService:
    """Registers overrides and bounds, and applies overrides, in the caller's unit of work. All days are days of the
    partner's business time in UTC."""

    def __init__(self, registry: AdapterRegistry, merchants: MerchantService, ids: Ids) -> None:
        self._registry, self._merchants, self._ids = registry, merchants, ids

    def effective_adapter(self, unit: UnitOfWork, merchant_id: str, adapter: Adapter, now: BusinessTime) -> Adapter:
        """The adapter with the merchant's override in force at `now`, or the adapter itself without an override. Raises
        Misconfigured for an override that does not fit the installed policy."""
        override = self.load_override(unit, merchant_id, adapter, now)
        return adapter if override is None else with_override(adapter, override, now)

    def load_override(
        self,
        unit: UnitOfWork,
        merchant_id: str,
        adapter: Adapter,
        now: BusinessTime,
        known_at: WallTime | None = None,
    ) -> PolicyOverride | None:
        """The merchant's override in force at `now`, None without one. With `known_at`, ignores overrides that were
        registered later. Raises Misconfigured for an override that the installed adapter cannot read."""
        row = unit.policy_overrides.load_in_force(merchant_id, adapter.key, now.date(), known_at)
        return None if row is None else _read(adapter, row)

    def find_table(self, unit: UnitOfWork, merchant_id: str, adapter: Adapter, content: str) -> DecisionTable | None:
        """The combination of an installed version and an override of the merchant that has this hash. None if no such
        combination exists any more."""
        for row, table in product(unit.policy_overrides.list_overrides(merchant_id, adapter.key), adapter.policies):
            with suppress(Misconfigured):  # not every override fits every version
                overridden = apply_override(_read(adapter, row), table)
                if overridden.hash == content:
                    return overridden
        return None

    def load_bounds(self, unit: UnitOfWork, merchant_id: str, adapter: Adapter) -> PolicyBounds | None:
        """The bounds of the merchant's overrides, None if it may not override anything."""
        row = unit.policy_overrides.load_bounds(merchant_id, adapter.key)
        return None if row is None else read_bounds(row.content, _source(row), adapter)

    def set_bounds(self, unit: UnitOfWork, merchant_id: str, key: str, text: str, source: str) -> PolicyBounds:
        """Replaces the bounds of a merchant by those in a TOML text. Raises NotFound, and Misconfigured if an override
        that applies now or later is outside of the new bounds. Such an override must be replaced first."""
        merchant, adapter = self._merchants.require(unit, merchant_id, lock=True), self._merchants.require_adapter(key)
        bounds = read_bounds(text, source, adapter)
        for row, _, _ in self._list_applicable(unit, merchant_id, key):
            with suppress(Unreadable):  # a server does not start until such an override is replaced
                bounds.require(_read(adapter, row))
        unit.policy_overrides.append_bounds(PolicyBoundsRow(**self._columns(unit, merchant, adapter, text, "bnd")))
        return bounds

    def register(self, unit: UnitOfWork, merchant_id: str, key: str, text: str, source: str) -> Proposal:
        """Registers the override in a TOML text. Raises as `propose` does."""
        self._merchants.require(unit, merchant_id, lock=True)
        proposal = self.propose(unit, merchant_id, key, text, source)
        unit.policy_overrides.append_override(proposal.row)
        return proposal

    def propose(self, unit: UnitOfWork, merchant_id: str, key: str, text: str, source: str) -> Proposal:
        """Checks the override in a TOML text as `register` does, but writes nothing.

        Raises NotFound, and Misconfigured, with file and rule, for an override that begins in the past, has the version
        of an earlier one, is outside of the bounds, does not fit a version of the policy with which it will be
        combined, or fails a check of the contract suite with it.
        """
        merchant, adapter = self._merchants.require(unit, merchant_id), self._merchants.require_adapter(key)
        override, today = read_override(text, source, adapter), unit.business_time(merchant_id).date()
        if override.effective < today:
            raise policy_error(source, f"effective is in the past: today is {today}")
        rows = unit.policy_overrides.list_overrides(merchant_id, key)
        if override.version in {each.version for each in rows}:
            raise policy_error(source, f"version {override.version} is already registered: use another name")
        row = PolicyOverrideRow(
            **self._columns(unit, merchant, adapter, text, "ovr"),
            version=override.version,
            effective=override.effective.isoformat(),
        )
        self._require_allowed(unit, merchant_id, adapter, override)
        days = [each.day for each in (*rows, row)]
        first, end = next((first, end) for index, first, end in effective_periods(days, today) if index == len(rows))
        return Proposal(row, tuple(_fitted(adapter, override, first, end)))

    def list_states(
        self, unit: UnitOfWork, *, requirements: bool = True, with_replaced: bool = False
    ) -> list[OverrideState]:
        """The overrides of all merchants that apply now or later, each checked against bounds and installed policies.

        With `requirements`, each is also checked with the contract suite, which takes up to 0.1 seconds. Omits
        overrides for adapters that are not loaded and, except `with_replaced`, those of merchants that a reset of a
        sandbox has replaced.
        """
        states = []
        for merchant_id, key in unit.policy_overrides.list_overridden(with_replaced=with_replaced):
            if key not in self._registry:
                continue
            adapter = self._registry[key]
            for row, first, end in self._list_applicable(unit, merchant_id, key):
                try:
                    override = _read(adapter, row)
                    self._require_allowed(unit, merchant_id, adapter, override)
                    list(_fitted(adapter, override, first, end, requirements=requirements))
                    error = None
                except Misconfigured as misconfigured:
                    error = misconfigured.message
                states.append(OverrideState(merchant_id, key, row.version, row.effective, error))
        return states

    def _list_applicable(
        self, unit: UnitOfWork, merchant_id: str, key: str
    ) -> list[tuple[PolicyOverrideRow, date, date | None]]:
        """The overrides that apply now or later, each with its first day (today or later) and the day after its
        last."""
        rows = unit.policy_overrides.list_overrides(merchant_id, key)
        today = unit.business_time(merchant_id).date()
        return [(rows[index], first, end) for index, first, end in effective_periods([row.day for row in rows], today)]

    def _require_allowed(self, unit: UnitOfWork, merchant_id: str, adapter: Adapter, override: PolicyOverride) -> None:
        bounds = self.load_bounds(unit, merchant_id, adapter)
        if bounds is not None:
            bounds.require(override)
        elif override.changes:
            raise policy_error(override.source, f"the operator has set no bounds for {adapter.key} and this merchant")

    def _columns(
        self, unit: UnitOfWork, merchant: MerchantRow, adapter: Adapter, text: str, noun: str
    ) -> dict[str, Any]:
        """The columns that bounds and overrides share."""
        return {
            "id": self._ids.new(noun),
            "merchant_id": merchant.id,
            "sequence": 0,
            "adapter": adapter.key,
            "content": text,
            "created_at": unit.wall,
        }


def _source(row: PolicyOverrideRow | PolicyBoundsRow) -> str:
    return f"{row.merchant_id}/{row.adapter} {row.id}"


def _fitted(
    adapter: Adapter, override: PolicyOverride, first: date, end: date | None, *, requirements: bool = True
) -> Iterator[tuple[DecisionTable, DecisionTable]]:
    """Yields every version of the policy from `first` until before `end`, without and with the override. Raises
    Misconfigured for a version that the override does not fit or, with `requirements`, with which it fails a check."""
    for table in adapter.policies.between(first, end):
        overridden = apply_override(override, table)
        for finding in check_policy(adapter, overridden) if requirements else ():
            raise policy_error(overridden.source, f"{overridden.version} fails the check: {finding.requirement}")
        yield table, overridden


def _read(adapter: Adapter, row: PolicyOverrideRow) -> PolicyOverride:
    return _override(adapter, row.content, _source(row))


@lru_cache(maxsize=4096)
def _override(adapter: Adapter, content: str, source: str) -> PolicyOverride:
    try:
        return read_override(content, source, adapter)
    except Misconfigured as error:
        raise Unreadable(error.message) from None


def with_override(adapter: Adapter, override: PolicyOverride, now: BusinessTime) -> Adapter:
    """The adapter with the policy in force at `now`, combined with the override. Raises Misconfigured if the override
    does not fit the policy."""
    return _with_policy(adapter, apply_override(override, adapter.policies.at(now)))


@lru_cache(maxsize=4096)
def _with_policy(adapter: Adapter, table: DecisionTable) -> Adapter:
    """`MerchantAdapter.with_policy`, cached."""
    return adapter.with_policy(table)


@lru_cache(maxsize=4096)
def apply_override(override: PolicyOverride, table: DecisionTable) -> DecisionTable:
    """`PolicyOverride.apply_to`, cached, because every decision needs it."""
    return override.apply_to(table)
