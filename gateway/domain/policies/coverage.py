"""Finds rules of a decision table that can never decide, because earlier rules together match whenever they would.

The values of each column are cut into pieces that no test of the table tells apart. A rule is a box: for each tested
column the set of pieces that it accepts, as a bit mask. A rule is unreachable if nothing of its box is left after all
earlier boxes have been cut out of it. Columns are taken as independent of each other.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from gateway.domain.policies.column import Accepted, ColumnKind, Key
from gateway.domain.scoring.tier import Tier

MOST_STEPS = 100_000
"""The largest number of boxes that the check of one table cuts. It takes less than a second."""
Box = tuple[int, ...]
_OTHER_WORD = object()
"""Stands for all words that no test names."""
_MICROSECOND = timedelta(microseconds=1)


class TooManySteps(Exception):
    """The check of a table needs more than MOST_STEPS steps."""


class Coverage:
    """The boxes of a table's rules. `accepts` has for each rule, in order, what it accepts in each column it tests."""

    def __init__(self, columns: Mapping[str, ColumnKind], accepts: Mapping[str, Mapping[str, Accepted]]) -> None:
        tested = [name for name in columns if any(name in rule for rule in accepts.values())]
        pieces = {
            name: _pieces(columns[name], [rule[name] for rule in accepts.values() if name in rule]) for name in tested
        }
        self._boxes = {
            rule_id: tuple(_mask(rule.get(name), pieces[name]) for name in tested) for rule_id, rule in accepts.items()
        }
        self._steps = 0

    def find_covering(self, rule_id: str) -> tuple[str, ...]:
        """Returns the ids of earlier rules that together match whenever this rule would, none of which can be left
        out. Empty if the rule can be reached. Raises TooManySteps."""
        ids = list(self._boxes)
        earlier = ids[: ids.index(rule_id)]
        covering = self._cover(rule_id, earlier)
        for other in covering:
            fewer = [each for each in covering if each != other]
            if self._cover(rule_id, fewer):
                covering = fewer
        return tuple(covering)

    def _cover(self, rule_id: str, others: Sequence[str]) -> list[str]:
        """Returns those of `others` that cut something out of the rule, if nothing of it is left, else nothing."""
        left, cutting = [self._boxes[rule_id]], []
        for other in others:
            self._steps += len(left)
            if self._steps > MOST_STEPS:
                raise TooManySteps
            cut = [part for box in left for part in _cut_out(box, self._boxes[other])]
            if cut != left:
                cutting.append(other)
            left = cut
            if not left:
                return cutting
        return []


def _cut_out(box: Box, other: Box) -> list[Box]:
    """Returns the parts of `box` that are outside of `other`. They do not overlap."""
    common = tuple(own & theirs for own, theirs in zip(box, other, strict=True))
    if not all(common):
        return [box]
    return [
        (*common[:column], outside, *box[column + 1 :])
        for column, own in enumerate(box)
        if (outside := own & ~common[column])
    ]


def _pieces(kind: ColumnKind, cells: Sequence[Accepted]) -> list[Key]:
    """Returns one value of each piece of the column."""
    members = {member for cell in cells for member in cell.members or ()}
    match kind:
        case ColumnKind.TIER:
            return [tier.rank for tier in Tier]
        case ColumnKind.FLAG:
            return [False, True]
        case ColumnKind.WORD:
            return [*members, _OTHER_WORD]
    # Numbers: a piece begins at zero, where an accepted interval begins, and just after it ends.
    lowest, step = (timedelta(0), _MICROSECOND) if kind is ColumnKind.DURATION else (0, 1)
    intervals = [(member, member) for member in members]
    intervals += [(cell.low, cell.high) for cell in cells if cell.members is None]
    ends = [high for _, high in intervals if high is not None and high != timedelta.max]
    return list({lowest, *(low for low, _ in intervals), *(high + step for high in ends)})


def _mask(accepted: Accepted | None, pieces: Sequence[Key]) -> int:
    """Returns the pieces that a cell accepts as bits. A column that is not tested accepts all."""
    if accepted is None:
        return (1 << len(pieces)) - 1
    holds = accepted.predicate()
    return sum(1 << number for number, piece in enumerate(pieces) if holds(piece))
