"""Starts the dispute window of a breach when the notice about it was sent."""

from gateway.domain.events import Actor
from gateway.domain.notices.notice import Notice
from gateway.store.unit import UnitOfWork


def start_window(unit: UnitOfWork, notice: Notice) -> None:
    """Starts the dispute window of the breach that the notice is about. Changes nothing if the window has started, or
    the breach is contested, cured or void, or another one was reported since."""
    decision = unit.decisions.lock(notice.subject_id) if notice.subject_id is not None else None
    if decision is None or decision.state.breached_at != notice.business_at:
        return
    event = decision.note_notice(unit.business_time(decision.state.merchant_id))
    if event is not None:
        unit.decisions.save(decision, event, Actor.GATEWAY, {})
