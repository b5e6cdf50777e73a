"""Policy bounds of the operator and policy overrides of merchants. Rows are never changed, so that each past decision
can be explained by the override that was in force. The newest bounds apply."""

from collections.abc import Callable
from datetime import date

from sqlalchemy import Select, Table, bindparam, func, select
from sqlmodel import Field, UniqueConstraint

from gateway.kit.clock import WallTime
from gateway.store.base import Record, moment_column, table_of
from gateway.store.merchants.merchants import REPLACED
from gateway.store.repository import Repository


class _PolicyDocumentRow(Record):
    """Base of both rows. `content` is the submitted TOML text, `sequence` counts the merchant's rows in the table."""

    id: str = Field(primary_key=True)
    merchant_id: str = Field(foreign_key="merchants.id")
    sequence: int
    adapter: str
    content: str
    created_at: WallTime = moment_column()


class PolicyBoundsRow(_PolicyDocumentRow):
    """The bounds within which a merchant may override a policy."""


class PolicyBoundsTable(PolicyBoundsRow, table=True):
    __tablename__ = "policy_bounds"
    __table_args__ = (UniqueConstraint("merchant_id", "sequence"),)


class PolicyOverrideRow(_PolicyDocumentRow):
    """An override. `effective` is the first day (YYYY-MM-DD, UTC) on which it applies."""

    version: str
    effective: str

    @property
    def day(self) -> date:
        return date.fromisoformat(self.effective)


class PolicyOverrideTable(PolicyOverrideRow, table=True):
    __tablename__ = "policy_overrides"
    __table_args__ = (UniqueConstraint("merchant_id", "sequence"),)


POLICY_BOUNDS = table_of(PolicyBoundsTable)
POLICY_OVERRIDES = table_of(PolicyOverrideTable)


def _of_adapter(table: Table) -> Select[tuple[object, ...]]:
    """Returns a query for the rows of one merchant and one adapter."""
    return select(table).where(table.c.merchant_id == bindparam("merchant_id"), table.c.adapter == bindparam("adapter"))


def _last_number(table: Table) -> Select[tuple[int | None]]:
    """Returns a query for the sequence number of a merchant's last row."""
    return select(func.max(table.c.sequence)).where(table.c.merchant_id == bindparam("merchant_id"))


_BOUNDS = _of_adapter(POLICY_BOUNDS).order_by(POLICY_BOUNDS.c.sequence.desc()).limit(1)
_OVERRIDES = _of_adapter(POLICY_OVERRIDES).order_by(POLICY_OVERRIDES.c.sequence)
_IN_FORCE = (
    _of_adapter(POLICY_OVERRIDES)
    .where(POLICY_OVERRIDES.c.effective <= bindparam("day"))
    .order_by(POLICY_OVERRIDES.c.effective.desc(), POLICY_OVERRIDES.c.sequence.desc())
    .limit(1)
)
_KNOWN_IN_FORCE = _IN_FORCE.where(POLICY_OVERRIDES.c.created_at <= bindparam("known_at"))
_OVERRIDDEN = (
    select(POLICY_OVERRIDES.c.merchant_id, POLICY_OVERRIDES.c.adapter)
    .distinct()
    .order_by(POLICY_OVERRIDES.c.merchant_id, POLICY_OVERRIDES.c.adapter)
)
_LAST_BOUNDS = _last_number(POLICY_BOUNDS)
_LAST_OVERRIDE = _last_number(POLICY_OVERRIDES)


_PRESENT_OVERRIDDEN = _OVERRIDDEN.where(POLICY_OVERRIDES.c.merchant_id.not_in(REPLACED))


class PolicyOverrideRepository(Repository):
    """Reads and appends bounds and overrides."""

    def load_bounds(self, merchant_id: str, adapter: str) -> PolicyBoundsRow | None:
        """Returns the bounds in force, or None if the merchant may override nothing."""
        return self._first(PolicyBoundsRow, _BOUNDS, merchant_id=merchant_id, adapter=adapter)

    def load_in_force(
        self, merchant_id: str, adapter: str, day: date, known_at: WallTime | None = None
    ) -> PolicyOverrideRow | None:
        """Returns the override in force on a day (UTC), or None: the one with the latest effective date, of several
        with the same date the one registered last. With `known_at`, only overrides registered until then are
        considered."""
        wanted = {"merchant_id": merchant_id, "adapter": adapter, "day": day.isoformat()}
        if known_at is None:
            return self._first(PolicyOverrideRow, _IN_FORCE, **wanted)
        return self._first(PolicyOverrideRow, _KNOWN_IN_FORCE, **wanted, known_at=known_at)

    def list_overrides(self, merchant_id: str, adapter: str) -> list[PolicyOverrideRow]:
        """Returns the overrides of one merchant and one adapter in the order of registration."""
        return self._all(PolicyOverrideRow, _OVERRIDES, merchant_id=merchant_id, adapter=adapter)

    def list_overridden(self, *, with_replaced: bool = False) -> list[tuple[str, str]]:
        """Returns merchant id and adapter key of all overrides. Merchants that a reset of a sandbox has replaced are
        left out, except `with_replaced`."""
        rows = self._rows(_OVERRIDDEN if with_replaced else _PRESENT_OVERRIDDEN)
        return [(row.merchant_id, row.adapter) for row in rows]

    def copy(
        self, merchant_id: str, new_merchant_id: str, adapter: str, new_id: Callable[[str], str], now: WallTime
    ) -> None:
        """Writes the bounds in force and the overrides of a merchant for another one, which is new."""
        bounds = self.load_bounds(merchant_id, adapter)
        changed = {"merchant_id": new_merchant_id, "created_at": now}
        if bounds is not None:
            self.append_bounds(bounds.model_copy(update={**changed, "id": new_id("bnd")}))
        for override in self.list_overrides(merchant_id, adapter):
            self.append_override(override.model_copy(update={**changed, "id": new_id("ovr")}))

    def append_bounds(self, bounds: PolicyBoundsRow) -> None:
        """Writes the bounds with the merchant's next sequence number, which is also set in the record. The caller must
        have locked the merchant: otherwise two units of work take the same number and one fails."""
        bounds.sequence = (self._value(_LAST_BOUNDS, merchant_id=bounds.merchant_id) or 0) + 1
        self._insert(POLICY_BOUNDS, bounds)

    def append_override(self, override: PolicyOverrideRow) -> None:
        """Writes the override with the merchant's next sequence number, which is also set in the record. The caller
        must have locked the merchant, as for `append_bounds`."""
        override.sequence = (self._value(_LAST_OVERRIDE, merchant_id=override.merchant_id) or 0) + 1
        self._insert(POLICY_OVERRIDES, override)
