"""The earliest moment at which each kind of breach can be true."""

from collections.abc import Mapping
from typing import Any

from gateway.domain.decisions.transitions import BreachKind
from gateway.domain.period import earliest_start
from gateway.kit.clock import BusinessTime


def possible_from(
    kind: BreachKind, *, overdue_from: BusinessTime, active_from: BusinessTime, ask: Mapping[str, Any]
) -> BusinessTime:
    """Returns the earliest moment at which a breach of this kind can be reported. A no-show: the start of the period in
    the ask. A missing payment or return, and a no-show without a period: `overdue_from`. Other kinds: `active_from`."""
    match kind:
        case BreachKind.NOT_PAID | BreachKind.NOT_RETURNED:
            return overdue_from
        case BreachKind.NO_SHOW:
            return BusinessTime(earliest_start(ask) or overdue_from)
    return active_from
