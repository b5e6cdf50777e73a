"""Merchants' overrides of policies: taken from the operator, kept within its bounds, and applied to each decision.

What is registered fits: every version of the policy that is installed and still to decide, and the bounds that count.
Nothing is registered, and no bounds are drawn, that would leave an override behind which does not.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import product
from typing import Any

from gateway.domain.errors import Misconfigured
from gateway.domain.policy import DecisionTable, fault
from gateway.domain.policy_override import PolicyBounds, PolicyOverride, reigns
from gateway.kit.clock import WallClock, business_time
from gateway.kit.ids import Ids
from gateway.services.merchants import MerchantService
from gateway.store import partners, policy_overrides
from gateway.store.database import Session
from gateway.store.merchants import MerchantRow
from gateway.store.policy_overrides import PolicyBoundsRow, PolicyOverrideRow
from merchants.contract import MerchantAdapter
from merchants.contract_run import run_under
from merchants.overrides import read_bounds, read_override
from merchants.registry import AdapterRegistry

Adapter = MerchantAdapter[Any]


class Unreadable(Misconfigured):
    """A registered override that the adapter, as it is installed now, cannot read: it lacks a benefit, say."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One registered override that counts now or will. `fault` says why it cannot be used with what is installed."""

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
    """Changes happen in the caller's writing unit. All days are those of the partner's business time, in UTC."""

    def __init__(self, registry: AdapterRegistry, merchants: MerchantService, ids: Ids, clock: WallClock) -> None:
        self._registry, self._merchants, self._ids, self._clock = registry, merchants, ids, clock

    def carried(self, session: Session, merchant_id: str, adapter: Adapter, now: datetime) -> Adapter:
        """The adapter as the merchant carries it at `now`: itself where there is no override. Raises Misconfigured for
        one that does not fit what is installed."""
        override = self.override_at(session, merchant_id, adapter, now)
        return adapter if override is None else under(adapter, override, now)

    def override_at(
        self, session: Session, merchant_id: str, adapter: Adapter, now: datetime, known_at: datetime | None = None
    ) -> PolicyOverride | None:
        """The override that counts at `now`, None where there is none; with `known_at`, as it was at that wall time.
        Raises Misconfigured for one that cannot be read with the adapter that is installed."""
        row = policy_overrides.in_force(session, merchant_id, adapter.key, now.astimezone(UTC).date(), known_at)
        return None if row is None else _read(adapter, row)

    def recorded(self, session: Session, merchant_id: str, adapter: Adapter, content: str) -> DecisionTable | None:
        """The table with this hash that an override of the merchant made of an installed version, None where there is
        none any more."""
        for row, table in product(policy_overrides.overrides(session, merchant_id, adapter.key), adapter.policies):
            with suppress(Misconfigured):  # not every override fits every version
                made = combined(_read(adapter, row), table)
                if made.hash == content:
                    return made
        return None

    def bounds(self, session: Session, merchant_id: str, adapter: Adapter) -> PolicyBounds | None:
        """What the merchant may override, None for nothing."""
        row = policy_overrides.bounds(session, merchant_id, adapter.key)
        return None if row is None else read_bounds(row.content, _source(row), adapter)

    def draw(self, session: Session, merchant_id: str, key: str, text: str, source: str) -> PolicyBounds:
        """Sets the bounds in a TOML text in place of those before. Raises NotFound, and Misconfigured for bounds that
        an override of the merchant does not keep, now or from a later date on: another override has to come first."""
        merchant, adapter = self._merchants.require(session, merchant_id, lock=True), self._merchants.adapter(key)
        drawn = read_bounds(text, source, adapter)
        for row, _, _ in self._counting(session, merchant, key):
            with suppress(Unreadable):  # by this adapter; a server refuses to start, until there is another
                drawn.require(_read(adapter, row))
        policy_overrides.append(session, PolicyBoundsRow(**self._agreed(merchant, adapter, text, "bnd")))
        return drawn

    def register(self, session: Session, merchant_id: str, key: str, text: str, source: str) -> Proposal:
        """Registers the override in a TOML text. Raises what `propose` does."""
        self._merchants.require(session, merchant_id, lock=True)
        proposal = self.propose(session, merchant_id, key, text, source)
        policy_overrides.append(session, proposal.row)
        return proposal

    def propose(self, session: Session, merchant_id: str, key: str, text: str, source: str) -> Proposal:
        """What registering it would come to; nothing is written. Raises NotFound, and Misconfigured, with file and
        rule, for an override that begins in the past, whose version was there before, that leaves the bounds, does not
        fit a version of the policy with which it is to decide, or breaks with it what every adapter promises."""
        merchant, adapter = self._merchants.require(session, merchant_id), self._merchants.adapter(key)
        override, today = read_override(text, source, adapter), self._today(session, merchant)
        if override.effective < today:
            raise fault(source, f"effective lies in the past: it is {today}")
        rows = policy_overrides.overrides(session, merchant.id, key)
        if override.version in {each.version for each in rows}:
            raise fault(source, f"version {override.version} was registered before: give it another name")
        row = PolicyOverrideRow(
            **self._agreed(merchant, adapter, text, "ovr"),
            version=override.version,
            effective=override.effective.isoformat(),
        )
        self._require_allowed(session, merchant.id, adapter, override)
        days = [each.day for each in (*rows, row)]
        first, end = next((first, end) for index, first, end in reigns(days, today) if index == len(rows))
        return Proposal(row, tuple(_fitted(adapter, override, first, end)))

    def standing(self, session: Session, *, promises: bool = True) -> Iterator[Standing]:
        """Every merchant's overrides that count now or will, each held against bounds and installed policies; without
        `promises` not against what every adapter keeps, which takes up to a tenth of a second each. Those of an adapter
        that is not loaded are left out: it decides nothing."""
        for merchant_id, key in policy_overrides.overridden(session):
            if key in self._registry:
                merchant, adapter = self._merchants.require(session, merchant_id), self._registry[key]
                for row, first, end in self._counting(session, merchant, key):
                    try:
                        override = _read(adapter, row)
                        self._require_allowed(session, merchant_id, adapter, override)
                        list(_fitted(adapter, override, first, end, promises=promises))
                        broken = None
                    except Misconfigured as error:
                        broken = error.message
                    yield Standing(merchant_id, key, row.version, row.effective, broken)

    def _counting(
        self, session: Session, merchant: MerchantRow, key: str
    ) -> Iterator[tuple[PolicyOverrideRow, date, date | None]]:
        """The overrides that count now or later, each with its first day from today on and the day after its last."""
        rows = policy_overrides.overrides(session, merchant.id, key)
        for index, first, end in reigns([row.day for row in rows], self._today(session, merchant)):
            yield rows[index], first, end

    def _require_allowed(self, session: Session, merchant_id: str, adapter: Adapter, override: PolicyOverride) -> None:
        drawn = self.bounds(session, merchant_id, adapter)
        if drawn is not None:
            drawn.require(override)
        elif override.changes:
            raise fault(override.source, f"the operator lets this merchant override nothing of {adapter.key}")

    def _today(self, session: Session, merchant: MerchantRow) -> date:
        partner = partners.load(session, merchant.partner_id)
        assert partner is not None  # a foreign key says so
        return business_time(self._clock(), partner.clock_offset_seconds).astimezone(UTC).date()

    def _agreed(self, merchant: MerchantRow, adapter: Adapter, text: str, noun: str) -> dict[str, Any]:
        return {
            "id": self._ids.new(noun),
            "merchant_id": merchant.id,
            "sequence": 0,
            "adapter": adapter.key,
            "content": text,
            "created_at": self._clock(),
        }


def _source(row: PolicyOverrideRow | PolicyBoundsRow) -> str:
    return f"{row.merchant_id}/{row.adapter} {row.id}"


def _fitted(
    adapter: Adapter, override: PolicyOverride, first: date, end: date | None, *, promises: bool = True
) -> Iterator[tuple[DecisionTable, DecisionTable]]:
    """Every version of the policy from `first` until before `end`, as it is and with the override. Raises Misconfigured
    for one that the override does not fit or, if they are looked at, with which it breaks a promise."""
    for table in adapter.policies.between(first, end):
        made = combined(override, table)
        for finding in run_under(adapter, made) if promises else ():
            if finding.fault is not None:
                raise fault(made.source, f"{made.version} breaks what every adapter promises: {finding.promise}")
        yield table, made


def _read(adapter: Adapter, row: PolicyOverrideRow) -> PolicyOverride:
    return _override(adapter, row.content, _source(row))


@lru_cache(maxsize=4096)
def _override(adapter: Adapter, content: str, source: str) -> PolicyOverride:
    try:
        return read_override(content, source, adapter)
    except Misconfigured as error:
        raise Unreadable(error.message) from None


def under(adapter: Adapter, override: PolicyOverride, now: datetime) -> Adapter:
    """The adapter deciding by the override of what is in force at `now`. Raises Misconfigured where it does not fit."""
    return adapter.under(combined(override, adapter.policies.at(now)))


@lru_cache(maxsize=4096)
def combined(override: PolicyOverride, table: DecisionTable) -> DecisionTable:
    """`PolicyOverride.on`, made once: every decision needs it."""
    return override.on(table)
