"""Merchants' overrides of policies: registered by the operator, kept within its bounds, and applied to each decision.

A registered override fits the bounds and each installed version of the policy with which it will decide. Neither an
override nor bounds are accepted that would break this.
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
from gateway.domain.policies.table import DecisionTable, fault
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
    """A registered override that the adapter, as it is installed now, cannot read: it lacks a benefit, say."""


@dataclass(frozen=True, slots=True)
class OverrideState:
    """One registered override that counts now or will. `fault` says why it cannot be used, None where it can."""

    merchant_id: str
    adapter: str
    version: str
    effective: str
    fault: str | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """An override to be registered, and each version of the policy with which it will decide, as it is and as the
    merchant gives it."""

    row: PolicyOverrideRow
    tables: tuple[tuple[DecisionTable, DecisionTable], ...]


class OverrideService:
    """Changes happen in the caller's unit of work. All days are those of the partner's business time, in UTC."""

    def __init__(self, registry: AdapterRegistry, merchants: MerchantService, ids: Ids) -> None:
        self._registry, self._merchants, self._ids = registry, merchants, ids

    def effective_adapter(self, unit: UnitOfWork, merchant_id: str, adapter: Adapter, now: BusinessTime) -> Adapter:
        """The adapter with the merchant's override in force at `now`, or the adapter itself where there is none. Raises
        Misconfigured for an override that does not fit what is installed."""
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
        """The override that counts at `now`, or None; with `known_at`, of those that were registered
        until then. Raises Misconfigured for one that cannot be read with the adapter that is installed."""
        row = unit.policy_overrides.load_in_force(merchant_id, adapter.key, now.date(), known_at)
        return None if row is None else _read(adapter, row)

    def find_table(self, unit: UnitOfWork, merchant_id: str, adapter: Adapter, content: str) -> DecisionTable | None:
        """The table with this hash that an override of the merchant made of an installed version, None where there is
        none any more."""
        for row, table in product(unit.policy_overrides.list_overrides(merchant_id, adapter.key), adapter.policies):
            with suppress(Misconfigured):  # not every override fits every version
                made = apply_override(_read(adapter, row), table)
                if made.hash == content:
                    return made
        return None

    def load_bounds(self, unit: UnitOfWork, merchant_id: str, adapter: Adapter) -> PolicyBounds | None:
        """What the merchant may override, None for nothing."""
        row = unit.policy_overrides.load_bounds(merchant_id, adapter.key)
        return None if row is None else read_bounds(row.content, _source(row), adapter)

    def set_bounds(self, unit: UnitOfWork, merchant_id: str, key: str, text: str, source: str) -> PolicyBounds:
        """Sets the bounds in a TOML text in place of those before. Raises NotFound, and Misconfigured for bounds that
        an override of the merchant does not keep, now or from a later date on: another override has to come first."""
        merchant, adapter = self._merchants.require(unit, merchant_id, lock=True), self._merchants.require_adapter(key)
        drawn = read_bounds(text, source, adapter)
        for row, _, _ in self._list_counting(unit, merchant_id, key):
            with suppress(Unreadable):  # by this adapter; a server refuses to start, until there is another
                drawn.require(_read(adapter, row))
        unit.policy_overrides.append_bounds(PolicyBoundsRow(**self._columns(unit, merchant, adapter, text, "bnd")))
        return drawn

    def register(self, unit: UnitOfWork, merchant_id: str, key: str, text: str, source: str) -> Proposal:
        """Registers the override in a TOML text. Raises what `propose` does."""
        self._merchants.require(unit, merchant_id, lock=True)
        proposal = self.propose(unit, merchant_id, key, text, source)
        unit.policy_overrides.append_override(proposal.row)
        return proposal

    def propose(self, unit: UnitOfWork, merchant_id: str, key: str, text: str, source: str) -> Proposal:
        """What registering it would come to; nothing is written. Raises NotFound, and Misconfigured, with file and
        rule, for an override that begins in the past, whose version was there before, that leaves the bounds, does not
        fit a version of the policy with which it is to decide, or breaks with it what every adapter promises."""
        merchant, adapter = self._merchants.require(unit, merchant_id), self._merchants.require_adapter(key)
        override, today = read_override(text, source, adapter), unit.business_time(merchant_id).date()
        if override.effective < today:
            raise fault(source, f"effective lies in the past: it is {today}")
        rows = unit.policy_overrides.list_overrides(merchant_id, key)
        if override.version in {each.version for each in rows}:
            raise fault(source, f"version {override.version} was registered before: give it another name")
        row = PolicyOverrideRow(
            **self._columns(unit, merchant, adapter, text, "ovr"),
            version=override.version,
            effective=override.effective.isoformat(),
        )
        self._require_allowed(unit, merchant_id, adapter, override)
        days = [each.day for each in (*rows, row)]
        first, end = next((first, end) for index, first, end in effective_periods(days, today) if index == len(rows))
        return Proposal(row, tuple(_fitted(adapter, override, first, end)))

    def list_states(self, unit: UnitOfWork, *, requirements: bool = True) -> list[OverrideState]:
        """Every merchant's overrides that count now or will, each checked against bounds and installed policies, and
        with `requirements` against those of every adapter, which takes up to a tenth of a second each. Those of an
        adapter that is not loaded are left out: it decides nothing."""
        states = []
        for merchant_id, key in unit.policy_overrides.list_overridden():
            if key not in self._registry:
                continue
            adapter = self._registry[key]
            for row, first, end in self._list_counting(unit, merchant_id, key):
                try:
                    override = _read(adapter, row)
                    self._require_allowed(unit, merchant_id, adapter, override)
                    list(_fitted(adapter, override, first, end, requirements=requirements))
                    error = None
                except Misconfigured as misconfigured:
                    error = misconfigured.message
                states.append(OverrideState(merchant_id, key, row.version, row.effective, error))
        return states

    def _list_counting(
        self, unit: UnitOfWork, merchant_id: str, key: str
    ) -> list[tuple[PolicyOverrideRow, date, date | None]]:
        """The overrides that count now or later, each with its first day from today on and the day after its last."""
        rows = unit.policy_overrides.list_overrides(merchant_id, key)
        today = unit.business_time(merchant_id).date()
        return [(rows[index], first, end) for index, first, end in effective_periods([row.day for row in rows], today)]

    def _require_allowed(self, unit: UnitOfWork, merchant_id: str, adapter: Adapter, override: PolicyOverride) -> None:
        drawn = self.load_bounds(unit, merchant_id, adapter)
        if drawn is not None:
            drawn.require(override)
        elif override.changes:
            raise fault(override.source, f"the operator lets this merchant override nothing of {adapter.key}")

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
    """Every version of the policy from `first` until before `end`, as it is and with the override. Raises Misconfigured
    for one that the override does not fit or, with `requirements`, with which it breaks one of every adapter."""
    for table in adapter.policies.between(first, end):
        made = apply_override(override, table)
        for finding in check_policy(adapter, made) if requirements else ():
            raise fault(made.source, f"{made.version} fails the check: {finding.requirement}")
        yield table, made


def _read(adapter: Adapter, row: PolicyOverrideRow) -> PolicyOverride:
    return _override(adapter, row.content, _source(row))


@lru_cache(maxsize=4096)
def _override(adapter: Adapter, content: str, source: str) -> PolicyOverride:
    try:
        return read_override(content, source, adapter)
    except Misconfigured as error:
        raise Unreadable(error.message) from None


def with_override(adapter: Adapter, override: PolicyOverride, now: BusinessTime) -> Adapter:
    """The adapter with the override of the policy that is in force at `now`. Raises Misconfigured where it does not
    fit."""
    return _with_policy(adapter, apply_override(override, adapter.policies.at(now)))


@lru_cache(maxsize=4096)
def _with_policy(adapter: Adapter, table: DecisionTable) -> Adapter:
    """`MerchantAdapter.with_policy`, made once."""
    return adapter.with_policy(table)


@lru_cache(maxsize=4096)
def apply_override(override: PolicyOverride, table: DecisionTable) -> DecisionTable:
    """`PolicyOverride.on`, made once: every decision needs it."""
    return override.apply_to(table)
