"""Merchants, their contracts and the adapters they have enabled."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import BigInteger, Connection, bindparam, select
from sqlmodel import Field

from gateway.domain.merchants import Contract
from gateway.domain.money import Money
from gateway.domain.scoring.tier import Tier
from gateway.kit.clock import WallTime
from gateway.store.base import Record, json_column, moment_column, table_of
from gateway.store.logs.record_log import RecordLog
from gateway.store.merchants.partners import PARTNERS, RETIRED
from gateway.store.repository import Repository, insert_into


class MerchantRow(Record):
    """A merchant and its contract. Every merchant has exactly one contract."""

    id: str = Field(primary_key=True)
    partner_id: str = Field(foreign_key="partners.id", index=True)
    name: str
    askable_tiers: list[str] = json_column()
    ceiling_minor: int = Field(sa_type=BigInteger)
    ceiling_currency: str
    consent_seconds: int
    created_at: WallTime = moment_column()

    @property
    def contract(self) -> Contract:
        return Contract(
            askable_tiers=frozenset(Tier(tier) for tier in self.askable_tiers),
            ceiling=Money(self.ceiling_minor, self.ceiling_currency),
            consent_life=timedelta(seconds=self.consent_seconds),
        )

    def set_contract(self, contract: Contract) -> None:
        """Replaces the contract in the record."""
        self.askable_tiers = [str(tier) for tier in Tier if tier in contract.askable_tiers]
        self.ceiling_minor, self.ceiling_currency = contract.ceiling.minor, contract.ceiling.currency
        self.consent_seconds = int(contract.consent_life.total_seconds())


class MerchantTable(MerchantRow, table=True):
    __tablename__ = "merchants"


class MerchantAdapterRow(Record):
    """An adapter that a merchant has enabled."""

    merchant_id: str = Field(foreign_key="merchants.id", primary_key=True)
    adapter: str = Field(primary_key=True)
    enabled_at: WallTime = moment_column()


class MerchantAdapterTable(MerchantAdapterRow, table=True):
    __tablename__ = "merchant_adapters"


@dataclass(frozen=True, slots=True)
class Counterpart:
    """What a person's pages need of a merchant: its name, its partner, and how far its partner's business time is ahead
    of wall time."""

    name: str
    clock_offset_seconds: int
    partner_id: str


MERCHANTS = table_of(MerchantTable)
MERCHANT_ADAPTERS = table_of(MerchantAdapterTable)
_ALL = select(MERCHANTS).order_by(MERCHANTS.c.id)
REPLACED = select(MERCHANTS.c.id).where(MERCHANTS.c.partner_id.in_(RETIRED))
"""The ids of the merchants that a reset of a sandbox has replaced."""
_PRESENT = _ALL.where(MERCHANTS.c.partner_id.not_in(RETIRED))
_OF_PARTNER = _ALL.where(MERCHANTS.c.partner_id == bindparam("partner_id"))
_MERCHANT = select(MERCHANTS).where(MERCHANTS.c.id == bindparam("merchant_id"))
_LOCKED = _MERCHANT.with_for_update()
_WITH_PARTNER = MERCHANTS.join(PARTNERS, PARTNERS.c.id == MERCHANTS.c.partner_id)
_CLOCK_OFFSET = (
    select(PARTNERS.c.clock_offset_seconds).select_from(_WITH_PARTNER).where(MERCHANTS.c.id == bindparam("merchant_id"))
)
PARTNER_ID = select(MERCHANTS.c.partner_id).where(MERCHANTS.c.id == bindparam("merchant_id"))
"""The id of a merchant's partner."""
_COUNTERPARTS = (
    select(MERCHANTS.c.id, MERCHANTS.c.name, MERCHANTS.c.partner_id, PARTNERS.c.clock_offset_seconds)
    .select_from(_WITH_PARTNER)
    .where(MERCHANTS.c.id.in_(bindparam("merchant_ids", expanding=True)))
)
_UPDATE = MERCHANTS.update().where(MERCHANTS.c.id == bindparam("merchant_id"))
_ENABLED = select(MERCHANT_ADAPTERS.c.adapter).where(MERCHANT_ADAPTERS.c.merchant_id == bindparam("merchant_id"))
_ENABLED_OF_MANY = (
    select(MERCHANT_ADAPTERS.c.merchant_id, MERCHANT_ADAPTERS.c.adapter)
    .where(MERCHANT_ADAPTERS.c.merchant_id.in_(bindparam("merchant_ids", expanding=True)))
    .order_by(MERCHANT_ADAPTERS.c.merchant_id, MERCHANT_ADAPTERS.c.adapter)
)
_ENABLE = insert_into(MERCHANT_ADAPTERS).on_conflict_do_nothing().returning(MERCHANT_ADAPTERS.c.adapter)
_DISABLE = (
    MERCHANT_ADAPTERS.delete()
    .where(
        MERCHANT_ADAPTERS.c.merchant_id == bindparam("merchant_id"),
        MERCHANT_ADAPTERS.c.adapter == bindparam("adapter"),
    )
    .returning(MERCHANT_ADAPTERS.c.adapter)
)


class MerchantRepository(Repository):
    """Reads and writes merchants and their adapters. Each change of a merchant, and so of its contract, is noted for
    the record log."""

    def __init__(self, connection: Connection, records: RecordLog) -> None:
        super().__init__(connection)
        self._records = records

    def load(self, merchant_id: str) -> MerchantRow | None:
        """Returns the merchant, or None if it is unknown."""
        return self._first(MerchantRow, _MERCHANT, merchant_id=merchant_id)

    def lock(self, merchant_id: str) -> MerchantRow | None:
        """Returns the merchant as `load` does, and locks it until the unit of work ends."""
        return self._first(MerchantRow, _LOCKED, merchant_id=merchant_id)

    def list_merchants(self, partner_id: str | None = None, *, with_replaced: bool = False) -> list[MerchantRow]:
        """Returns all merchants or those of one partner, oldest first. Of all, those that a reset of a sandbox has
        replaced are left out, except `with_replaced`."""
        if partner_id is None:
            return self._all(MerchantRow, _ALL if with_replaced else _PRESENT)
        return self._all(MerchantRow, _OF_PARTNER, partner_id=partner_id)

    def load_counterparts(self, merchant_ids: Iterable[str]) -> Mapping[str, Counterpart]:
        """Returns these merchants by id, without unknown ones. One statement loads all."""
        rows = self._rows(_COUNTERPARTS, merchant_ids=sorted(set(merchant_ids)))
        return {row.id: Counterpart(row.name, row.clock_offset_seconds, row.partner_id) for row in rows}

    def load_clock_offset(self, merchant_id: str) -> int:
        """Returns how far the business time of the merchant's partner is ahead of wall time, in seconds. Raises
        LookupError for an unknown merchant."""
        offset: int | None = self._value(_CLOCK_OFFSET, merchant_id=merchant_id)
        if offset is None:
            raise LookupError(f"There is no merchant {merchant_id}.")
        return offset

    def load_partner_id(self, merchant_id: str) -> str:
        """Returns the id of the merchant's partner. Raises LookupError for an unknown merchant."""
        partner_id: str | None = self._value(PARTNER_ID, merchant_id=merchant_id)
        if partner_id is None:
            raise LookupError(f"There is no merchant {merchant_id}.")
        return partner_id

    def insert(self, merchant: MerchantRow) -> None:
        """Writes a new merchant."""
        self._insert(MERCHANTS, merchant)
        self._records.note(MERCHANTS, merchant.id)

    def update(self, merchant: MerchantRow) -> None:
        """Writes all columns of a stored merchant."""
        self._execute(_UPDATE, merchant_id=merchant.id, **merchant.model_dump(exclude={"id"}))
        self._records.note(MERCHANTS, merchant.id)

    def list_enabled_adapters(self, merchant_id: str) -> tuple[str, ...]:
        """Returns the keys of the enabled adapters in alphabetical order."""
        return tuple(sorted(self._values(_ENABLED, merchant_id=merchant_id)))

    def load_enabled_adapters(self, merchant_ids: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
        """Returns the keys of the enabled adapters of each of these merchants, in alphabetical order. One statement
        loads all."""
        ids = sorted(set(merchant_ids))
        rows = self._rows(_ENABLED_OF_MANY, merchant_ids=ids)
        return {each: tuple(row.adapter for row in rows if row.merchant_id == each) for each in ids}

    def enable_adapter(self, merchant_id: str, adapter: str, now: WallTime) -> bool:
        """Enables the adapter. Returns False if it was already enabled."""
        return self._changes(_ENABLE, merchant_id=merchant_id, adapter=adapter, enabled_at=now)

    def disable_adapter(self, merchant_id: str, adapter: str) -> bool:
        """Disables the adapter. Returns False if it was not enabled."""
        return self._changes(_DISABLE, merchant_id=merchant_id, adapter=adapter)
