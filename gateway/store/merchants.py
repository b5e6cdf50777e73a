"""Merchants, their contracts and the adapters they have enabled."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, delete
from sqlmodel import Field, col, select

from gateway.domain.contract import Contract
from gateway.domain.money import Money
from gateway.domain.tier import Tier
from gateway.store.base import Table, json_column
from gateway.store.database import Session
from gateway.store.partners import PartnerRow


class MerchantRow(Table, table=True):
    """The contract stands in the merchant's row: a merchant without one cannot exist."""

    __tablename__ = "merchants"

    id: str = Field(primary_key=True)
    partner_id: str = Field(foreign_key="partners.id", index=True)
    name: str
    askable_tiers: list[str] = json_column()
    ceiling_minor: int = Field(sa_type=BigInteger)
    ceiling_currency: str
    consent_seconds: int
    created_at: datetime

    @property
    def contract(self) -> Contract:
        return Contract(
            askable_tiers=frozenset(Tier(tier) for tier in self.askable_tiers),
            ceiling=Money(self.ceiling_minor, self.ceiling_currency),
            consent_life=timedelta(seconds=self.consent_seconds),
        )

    def put_contract(self, contract: Contract) -> None:
        self.askable_tiers = [str(tier) for tier in Tier if tier in contract.askable_tiers]
        self.ceiling_minor, self.ceiling_currency = contract.ceiling.minor, contract.ceiling.currency
        self.consent_seconds = int(contract.consent_life.total_seconds())


class MerchantAdapterRow(Table, table=True):
    """An adapter that a merchant has enabled."""

    __tablename__ = "merchant_adapters"

    merchant_id: str = Field(foreign_key="merchants.id", primary_key=True)
    adapter: str = Field(primary_key=True)
    enabled_at: datetime


@dataclass(frozen=True, slots=True)
class Counterpart:
    """A merchant as a person meets it: its name, and how far its partner's business time stands ahead of the wall."""

    name: str
    clock_offset_seconds: int


def load(session: Session, merchant_id: str, *, lock: bool = False) -> MerchantRow | None:
    """The row; with `lock`, held until the unit of work ends."""
    if not lock:
        return session.get(MerchantRow, merchant_id)
    query = select(MerchantRow).where(MerchantRow.id == merchant_id).execution_options(populate_existing=True)
    return session.exec(query.with_for_update()).first()


def counterparts(session: Session, merchant_ids: Iterable[str]) -> Mapping[str, Counterpart]:
    """These merchants by id, in one statement however many they are; an unknown one is left out."""
    query = (
        select(MerchantRow.id, MerchantRow.name, PartnerRow.clock_offset_seconds)
        .join(PartnerRow, col(PartnerRow.id) == col(MerchantRow.partner_id))
        .where(col(MerchantRow.id).in_(set(merchant_ids)))
    )
    return {merchant_id: Counterpart(name, offset) for merchant_id, name, offset in session.exec(query)}


def listed(session: Session, partner_id: str | None = None) -> Sequence[MerchantRow]:
    """All merchants, or those of one partner, oldest first."""
    query = select(MerchantRow).order_by(col(MerchantRow.id))
    return session.exec(query.where(MerchantRow.partner_id == partner_id) if partner_id else query).all()


def enabled(session: Session, merchant_id: str) -> tuple[str, ...]:
    """Keys of the enabled adapters, in alphabetical order."""
    rows = select(MerchantAdapterRow.adapter).where(MerchantAdapterRow.merchant_id == merchant_id)
    return tuple(sorted(session.exec(rows)))


def enable(session: Session, merchant_id: str, adapter: str, now: datetime) -> bool:
    """Enables the adapter. False when it already was."""
    if session.get(MerchantAdapterRow, (merchant_id, adapter)):
        return False
    session.add(MerchantAdapterRow(merchant_id=merchant_id, adapter=adapter, enabled_at=now))
    session.flush()
    return True


def disable(session: Session, merchant_id: str, adapter: str) -> bool:
    """Disables the adapter. False when it was not enabled."""
    result: Any = session.execute(
        delete(MerchantAdapterRow).where(
            col(MerchantAdapterRow.merchant_id) == merchant_id, col(MerchantAdapterRow.adapter) == adapter
        )
    )
    return bool(result.rowcount)
