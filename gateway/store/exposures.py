"""The lines of trust: what all open promises of a person in one currency come to, over all merchants."""

from sqlalchemy import BigInteger, update
from sqlmodel import Field, col, select

from gateway.domain.money import Money
from gateway.store.base import Table, insert_into
from gateway.store.database import Session


class ExposureRow(Table, table=True):
    """`held_minor` is the sum of `held_minor` over the person's decisions in this currency."""

    __tablename__ = "exposures"

    user_id: str = Field(primary_key=True, foreign_key="users.id")
    currency: str = Field(primary_key=True)
    held_minor: int = Field(sa_type=BigInteger)


def lock(session: Session, user_id: str, currency: str) -> None:
    """Holds the person's line until the unit of work ends: what their promises come to changes only under this lock."""
    fresh = insert_into(session, ExposureRow).values(user_id=user_id, currency=currency, held_minor=0)
    session.execute(fresh.on_conflict_do_nothing(index_elements=["user_id", "currency"]))
    query = select(ExposureRow).where(ExposureRow.user_id == user_id, ExposureRow.currency == currency)
    session.exec(query.with_for_update()).one()


def reserve(session: Session, user_id: str, amount: Money, line: Money) -> bool:
    """Takes `amount` from the person's line. False, and nothing taken, where there is no room: any number of
    concurrent calls never take more than the line."""
    lock(session, user_id, amount.currency)
    return _add(session, user_id, amount, most=line.minor - amount.minor)


def release(session: Session, user_id: str, amount: Money) -> None:
    """Gives `amount` back to the person's line. Raises RuntimeError where less than that was held: the books are wrong,
    and nothing may go on as if they were not."""
    if not _add(session, user_id, Money(-amount.minor, amount.currency), least=amount.minor):
        raise RuntimeError("the exposure of a person is lower than what a decision of theirs holds")


def _add(session: Session, user_id: str, amount: Money, *, most: int | None = None, least: int | None = None) -> bool:
    held = col(ExposureRow.held_minor)
    bounds = ([held <= most] if most is not None else []) + ([held >= least] if least is not None else [])
    statement = (
        update(ExposureRow)
        .where(col(ExposureRow.user_id) == user_id, col(ExposureRow.currency) == amount.currency, *bounds)
        .values(held_minor=held + amount.minor)
        .returning(held)
    )
    return session.execute(statement).first() is not None
