"""Manual reviews that a sandbox decides by itself, because a persona has a delayed outcome."""

from sqlalchemy import Integer, bindparam, select
from sqlmodel import Field

from gateway.kit.clock import BusinessTime
from gateway.store.base import Record, moment_column, table_of
from gateway.store.merchants.merchants import MERCHANTS
from gateway.store.repository import Repository


class PersonaReviewRow(Record):
    """A decision in manual review that is approved or declined at `due_at`, in business time."""

    decision_id: str = Field(foreign_key="decisions.id", primary_key=True)
    merchant_id: str = Field(foreign_key="merchants.id", index=True)
    due_at: BusinessTime = moment_column()
    approves: bool


class PersonaReviewTable(PersonaReviewRow, table=True):
    __tablename__ = "persona_reviews"


PERSONA_REVIEWS = table_of(PersonaReviewTable)
_DUE = (
    select(PERSONA_REVIEWS)
    .join(MERCHANTS, MERCHANTS.c.id == PERSONA_REVIEWS.c.merchant_id)
    .where(MERCHANTS.c.partner_id == bindparam("partner_id"), PERSONA_REVIEWS.c.due_at <= bindparam("now"))
    .order_by(PERSONA_REVIEWS.c.due_at)
    .limit(bindparam("most", type_=Integer))
)
_ANY = select(PERSONA_REVIEWS.c.decision_id).limit(1)
_DELETE = PERSONA_REVIEWS.delete().where(PERSONA_REVIEWS.c.decision_id == bindparam("of_id"))


class PersonaReviewRepository(Repository):
    """Reads and writes the reviews that a sandbox decides by itself."""

    def insert(self, review: PersonaReviewRow) -> None:
        """Writes a new review."""
        self._insert(PERSONA_REVIEWS, review)

    def has_any(self) -> bool:
        """Whether a decision of any partner waits for such a review."""
        return self._row(_ANY) is not None

    def list_due(self, partner_id: str, now: BusinessTime, most: int) -> list[PersonaReviewRow]:
        """Returns at most `most` reviews of a partner that are due, the first ones first."""
        return self._all(PersonaReviewRow, _DUE, partner_id=partner_id, now=now, most=most)

    def delete(self, decision_id: str) -> None:
        """Deletes the review of a decision, if it has one."""
        self._execute(_DELETE, of_id=decision_id)
