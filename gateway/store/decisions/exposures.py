"""Totals over decisions: a person's exposure, in total and per merchant, and the committed amount of a consent. The
decision repository changes them together with the decisions."""

from typing import Any

from sqlalchemy import BigInteger, Connection, Executable, bindparam, select
from sqlmodel import Field

from gateway.domain.decisions.state import DecisionState
from gateway.domain.money import Money
from gateway.store.base import Record, table_of
from gateway.store.repository import Repository, insert_into


class ExposureRow(Record):
    """A person's total exposure: the sum of `exposure_minor` over the person's decisions in this currency. It is
    changed only under a lock on its row."""

    user_id: str = Field(primary_key=True, foreign_key="users.id")
    currency: str = Field(primary_key=True)
    exposure_minor: int = Field(sa_type=BigInteger)


class ExposureTable(ExposureRow, table=True):
    __tablename__ = "exposures"


class MerchantExposureRow(Record):
    """The part of a person's exposure at one merchant."""

    user_id: str = Field(primary_key=True, foreign_key="users.id")
    merchant_id: str = Field(primary_key=True, foreign_key="merchants.id")
    currency: str = Field(primary_key=True)
    exposure_minor: int = Field(sa_type=BigInteger)


class MerchantExposureTable(MerchantExposureRow, table=True):
    __tablename__ = "merchant_exposures"


class CommitmentRow(Record):
    """The committed amount of a consent: the sum of `committed_minor` over its decisions in this currency."""

    consent_id: str = Field(primary_key=True, foreign_key="consents.id")
    currency: str = Field(primary_key=True)
    committed_minor: int = Field(sa_type=BigInteger)


class CommitmentTable(CommitmentRow, table=True):
    __tablename__ = "consent_commitments"


EXPOSURES, MERCHANT_EXPOSURES = table_of(ExposureTable), table_of(MerchantExposureTable)
COMMITMENTS = table_of(CommitmentTable)
_NEW = insert_into(EXPOSURES).on_conflict_do_nothing(index_elements=["user_id", "currency"])
_LOCK = (
    select(EXPOSURES.c.exposure_minor)
    .where(EXPOSURES.c.user_id == bindparam("user_id"), EXPOSURES.c.currency == bindparam("currency"))
    .with_for_update()
)
_CHANGE = (
    EXPOSURES.update()
    .where(
        EXPOSURES.c.user_id == bindparam("of_user"),
        EXPOSURES.c.currency == bindparam("in_currency"),
        EXPOSURES.c.exposure_minor + bindparam("change", type_=BigInteger) >= 0,
    )
    .values(exposure_minor=EXPOSURES.c.exposure_minor + bindparam("change", type_=BigInteger))
    .returning(EXPOSURES.c.user_id)
)
BY_MERCHANT = select(MERCHANT_EXPOSURES.c.merchant_id, MERCHANT_EXPOSURES.c.exposure_minor).where(
    MERCHANT_EXPOSURES.c.user_id == bindparam("user_id"),
    MERCHANT_EXPOSURES.c.currency == bindparam("currency"),
    MERCHANT_EXPOSURES.c.exposure_minor > 0,
)
_NEW_AT_MERCHANT = insert_into(MERCHANT_EXPOSURES)
_ADD_AT_MERCHANT = _NEW_AT_MERCHANT.on_conflict_do_update(
    index_elements=["user_id", "merchant_id", "currency"],
    set_={"exposure_minor": MERCHANT_EXPOSURES.c.exposure_minor + _NEW_AT_MERCHANT.excluded.exposure_minor},
).returning(MERCHANT_EXPOSURES.c.exposure_minor)
_NEW_COMMITTED = insert_into(COMMITMENTS)
_ADD_COMMITTED = _NEW_COMMITTED.on_conflict_do_update(
    index_elements=["consent_id", "currency"],
    set_={"committed_minor": COMMITMENTS.c.committed_minor + _NEW_COMMITTED.excluded.committed_minor},
).returning(COMMITMENTS.c.committed_minor)
_NEGATIVE_TOTAL = "a total would be negative: the totals do not match the decisions"


class ExposureRepository(Repository):
    """Reads and changes the totals."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._locked = set[tuple[str, str]]()

    def lock(self, user_id: str, currency: str) -> Money:
        """Locks the person's exposure until the unit of work ends, and returns it. It changes only under this lock."""
        total = self._value(_LOCK, user_id=user_id, currency=currency)
        if total is None:
            self._execute(_NEW, user_id=user_id, currency=currency, exposure_minor=0)
            total = self._value(_LOCK, user_id=user_id, currency=currency)
        self._locked.add((user_id, currency))
        return Money(int(total), currency)

    def load_by_merchant(self, user_id: str, currency: str) -> dict[str, Money]:
        """Returns the person's stored exposure by merchant id. Merchants without exposure are absent."""
        rows = self._rows(BY_MERCHANT, user_id=user_id, currency=currency)
        return {row.merchant_id: Money(int(row.exposure_minor), currency) for row in rows}

    def follow(self, user_id: str, state: DecisionState, before: DecisionState | None) -> None:
        """Changes the totals by the difference between a decision and what it was before; None for a new decision."""
        zero = Money.zero(state.currency)
        exposure = state.exposure - (before.exposure if before else zero)
        committed = state.committed - (before.committed if before else zero)
        if exposure.minor:
            self.change(user_id, state.merchant_id, exposure)
        if committed.minor:
            self.change_committed(state.consent_id, committed)

    def change(self, user_id: str, merchant_id: str, by: Money) -> None:
        """Adds `by`, which may be negative, to the person's exposure in total and at the merchant. Raises RuntimeError
        if a total would be negative: then the totals are wrong, and nothing may be written."""
        if by.minor > 0 and (user_id, by.currency) not in self._locked:
            self.lock(user_id, by.currency)
        if not self._changes(_CHANGE, of_user=user_id, in_currency=by.currency, change=by.minor):
            raise RuntimeError(_NEGATIVE_TOTAL)
        self._add(
            _ADD_AT_MERCHANT,
            user_id=user_id,
            merchant_id=merchant_id,
            currency=by.currency,
            exposure_minor=by.minor,
        )

    def change_committed(self, consent_id: str, by: Money) -> None:
        """Adds `by`, which may be negative, to the committed amount of the consent. Raises RuntimeError as `change`
        does."""
        self._add(_ADD_COMMITTED, consent_id=consent_id, currency=by.currency, committed_minor=by.minor)

    def _add(self, statement: Executable, **values: Any) -> None:
        if self._value(statement, **values) < 0:
            raise RuntimeError(_NEGATIVE_TOTAL)
