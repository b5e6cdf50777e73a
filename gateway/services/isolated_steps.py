"""Steps of a background task of which each is independent: one that fails does not stop the others."""

from collections.abc import Callable
from typing import TypeVar

from gateway.kit.outage import Outage, outage_log
from gateway.store.outages import CONTENTION

T = TypeVar("T")


def run_or_log(step: Callable[[], T], log_error: Callable[..., object], task: str = "scheduler") -> T | None:
    """Returns the result of the step, or None after an error, a lock that was held for too long, or a deadlock. The
    last two are reported with the name of the task. Another error is logged by `log_error`, with its type as `error`.
    Raises any other Outage."""
    try:
        return step()
    except Outage as outage:
        if outage.code not in CONTENTION:
            raise
        outage_log.report(outage, task)
    except Exception as error:  # noqa: BLE001  # one step that fails does not stop the others
        log_error(error=type(error).__name__)
    return None
