"""The sentence that says until when a person can dispute a breach."""

from gateway.domain.decisions.dispute import ContestWindow
from gateway.web.texts import Texts, msgid

_RUNS = msgid("You can dispute this until %(end)s.")
_NOT_STARTED = msgid(
    "You can dispute this until %(end)s at least. The %(length)s for this begin when a notice about it has been sent to"
    " you, and on %(start)s at the latest."
)
_ENDED = msgid("You could dispute this until %(end)s.")


def describe_contest_deadline(texts: Texts, window: ContestWindow) -> str:
    """The sentence about this dispute window."""
    # With the time of day: on the last day a date alone would be wrong for part of the day.
    end = texts.moment(window.ends_at)
    if window.has_ended:
        return texts.gettext(_ENDED, end=end)
    if window.latest_start is None:
        return texts.gettext(_RUNS, end=end)
    return texts.gettext(
        _NOT_STARTED, end=end, length=texts.length(window.length), start=texts.moment(window.latest_start)
    )
