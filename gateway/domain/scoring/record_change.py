"""What changed behaviour records mean for the score of their person."""

from dataclasses import dataclass

from gateway.kit.clock import BusinessTime


@dataclass(frozen=True, slots=True)
class RecordChange:
    """`correct_from` is since when a negative record had counted that does not count any more, `wrong_since` since when
    a record had counted that was wrong. Each is None without such a record."""

    correct_from: BusinessTime | None = None
    wrong_since: BusinessTime | None = None

    def merge(self, other: "RecordChange") -> "RecordChange":
        """Returns the change with the earlier of the moments of both."""
        return RecordChange(
            _earlier(self.correct_from, other.correct_from), _earlier(self.wrong_since, other.wrong_since)
        )


def _earlier(one: BusinessTime | None, other: BusinessTime | None) -> BusinessTime | None:
    return min([each for each in (one, other) if each is not None], default=None)
