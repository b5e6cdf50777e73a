"""The business time of a person: that of the person's partner, wall time without a partner."""

from gateway.domain.errors import NotFound
from gateway.kit.clock import BusinessTime, business_time
from gateway.store.unit import UnitOfWork


def load_offset(unit: UnitOfWork, user_id: str) -> int:
    """Returns the clock offset of the person's partner in seconds, 0 without a partner. Raises NotFound."""
    user = unit.users.load(user_id)
    if user is None:
        raise NotFound("The account does not exist.")
    partner = unit.partners.load(user.partner_id) if user.partner_id else None
    return partner.clock_offset_seconds if partner else 0


def load_business_time(unit: UnitOfWork, user_id: str) -> BusinessTime:
    """Returns the person's business time. Raises NotFound."""
    return business_time(unit.wall, load_offset(unit, user_id))
