"""What was decided about a person, at whichever merchant: for the person, who alone sees the advice."""

from dataclasses import dataclass
from datetime import datetime

from gateway.domain.decision import Decision
from gateway.domain.money import Money
from gateway.kit.clock import business_time
from gateway.store import decisions, merchants
from gateway.store.database import Session


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision. `requested` is the amount of trust that the merchant asked for."""

    decision: Decision
    requested: Money
    merchant_name: str


class DecidedService:
    """Reads a person's decisions, in as many statements for a hundred of them as for one."""

    def of_user(self, session: Session, user_id: str, wall: datetime, limit: int) -> tuple[Decided, ...]:
        """The newest `limit` of them, newest first, each as of its partner's own time."""
        rows = decisions.newest_of_user(session, user_id, limit)
        met = merchants.counterparts(session, (row.merchant_id for row in rows))
        return tuple(
            Decided(
                decision=decisions.value(row, business_time(wall, met[row.merchant_id].clock_offset_seconds)),
                requested=decisions.standing_of(row).requested,
                merchant_name=met[row.merchant_id].name,
            )
            for row in rows
        )
