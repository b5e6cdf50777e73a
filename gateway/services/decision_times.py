"""A decision's own time: the business time of the partner whose merchant asked for it."""

from datetime import datetime

from gateway.kit.clock import business_time
from gateway.store import merchants, partners
from gateway.store.database import Session
from gateway.store.decisions import DecisionRow


def partner_now(session: Session, row: DecisionRow, wall: datetime) -> datetime:
    """The business time of the decision's partner at this wall time."""
    merchant = merchants.load(session, row.merchant_id)
    partner = partners.load(session, merchant.partner_id) if merchant else None
    assert partner is not None  # foreign keys say so
    return business_time(wall, partner.clock_offset_seconds)
