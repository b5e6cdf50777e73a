"""What a check of the logs answers: how much was looked at, and the first thing that is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """What is wrong, as a word for programs."""

    CHANGED = "CHANGED"
    """An entry is not what its hash says."""
    FORGED = "FORGED"
    """An entry has its right hash, but nobody with the key signed that."""
    UNKNOWN_KEY = "UNKNOWN_KEY"
    """An entry is signed by a key that is not the gateway's."""
    REMOVED = "REMOVED"
    """Entries between two others are missing."""
    REMOVED_AT_END = "REMOVED_AT_END"
    """The newest entries of a chain are missing."""
    REORDERED = "REORDERED"
    """An entry stands in another place than the one it was written for."""
    HEAD_CHANGED = "HEAD_CHANGED"
    """The entries are in order, but the record of where the chain stands says otherwise."""
    NOT_LOGGED = "NOT_LOGGED"
    """A decision has no entry, or is not what its newest entry tells: one of the two was changed."""
    DECISION_REMOVED = "DECISION_REMOVED"
    """An entry tells of a decision that is not there."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The first fault, with its place. `sequence` is that of the missing entry where one is missing; then, and where
    the fault is not in an entry, `entry_id` is None. `sentence` is for people and holds ids only."""

    fault: Fault
    log: str
    merchant_id: str
    sequence: int | None
    entry_id: str | None
    sentence: str


@dataclass(frozen=True, slots=True)
class LogReport:
    """`entries` counts by log. Where there is a finding, the counts are of what came before it."""

    entries: Mapping[str, int]
    chains: int
    decisions: int
    finding: Finding | None

    @property
    def intact(self) -> bool:
        return self.finding is None


class Found(Exception):
    """Ends a check at the first fault."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.sentence)
        self.finding = finding
