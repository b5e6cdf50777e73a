"""The dispute window of a breach: reads it, and starts it when the notice about the breach was sent."""

from collections.abc import Mapping, Sequence

from gateway.domain.decisions.dispute import ContestWindow, contest_window
from gateway.domain.events import Actor
from gateway.domain.notices.notice import Notice, NoticeKind
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


def load_windows(unit: UnitOfWork, notices: Sequence[Notice]) -> Mapping[str, ContestWindow]:
    """Returns the dispute windows of the breaches that the notices report, by the ids of the notices. One of a breach
    that was contested, cured or void since, or of which another was reported since, has none."""
    reports = [each for each in notices if each.kind is NoticeKind.BREACH_REPORTED and each.subject_id is not None]
    if not reports:
        return {}
    states = {state.id: state for state in unit.decisions.load_all(str(each.subject_id) for each in reports)}
    windows = {}
    for notice in reports:
        state = states.get(str(notice.subject_id))
        if state is None or state.breached_at != notice.business_at:
            continue
        window = contest_window(state, unit.business_time(state.merchant_id))
        if window is not None:
            windows[notice.id] = window
    return windows
