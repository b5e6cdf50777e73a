"""What a person has promised and has not settled yet, what of it is held against them, and what they can contest."""

from dataclasses import dataclass
from datetime import datetime

from gateway.domain.decision import Decision, Status
from gateway.domain.dispute import Contested, Dispute, contestable
from gateway.domain.errors import InvalidInput
from gateway.domain.standing import Standing
from gateway.kit.clock import business_time
from gateway.services.disputes import DisputeService
from gateway.store import decisions, merchants
from gateway.store.database import Session
from gateway.store.decisions import DecisionRow
from gateway.store.merchants import Counterpart


@dataclass(frozen=True, slots=True)
class Obligation:
    """One open promise. `standing` says since when something is held against the person; `contestable` what of it can
    be contested now, None for nothing; `dispute` is the newest one about it."""

    decision: Decision
    standing: Standing
    merchant_name: str
    contestable: Contested | None
    dispute: Dispute | None


class ObligationService:
    """Reads a person's open promises at all merchants, in as many statements for a hundred of them as for one."""

    def __init__(self, disputes: DisputeService) -> None:
        self._disputes = disputes

    def of_user(self, session: Session, user_id: str, wall: datetime) -> tuple[Obligation, ...]:
        """The person's approvals, active promises and breaches, newest first, each in its partner's own time."""
        rows = decisions.open_of_user(session, user_id)
        met = merchants.counterparts(session, (row.merchant_id for row in rows))
        contested = self._disputes.newest(session, (row.id for row in rows))
        found = (_obligation(row, met[row.merchant_id], contested.get(row.id), wall) for row in rows)
        return tuple(each for each in found if each.decision.status is not Status.EXPIRED)


def _obligation(row: DecisionRow, merchant: Counterpart, dispute: Dispute | None, wall: datetime) -> Obligation:
    now, standing = business_time(wall, merchant.clock_offset_seconds), decisions.standing_of(row)
    return Obligation(
        decision=decisions.value(row, now),
        standing=standing,
        merchant_name=merchant.name,
        contestable=_contestable(standing, now),
        dispute=dispute,
    )


def _contestable(standing: Standing, now: datetime) -> Contested | None:
    try:
        return contestable(standing, now)
    except InvalidInput:
        return None
