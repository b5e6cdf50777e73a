"""The result of a verification of the logs: how much was read, and the first thing that is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class FindingKind(StrEnum):
    """What is wrong, as a word for programs."""

    CHANGED = "CHANGED"
    """An entry does not have the content that its hash is of."""
    FORGED = "FORGED"
    """An entry has its right hash, and no valid signature of it."""
    UNKNOWN_KEY = "UNKNOWN_KEY"
    """An entry is signed by a key that is not the gateway's."""
    REMOVED = "REMOVED"
    """Entries between two others are missing."""
    REMOVED_AT_END = "REMOVED_AT_END"
    """The newest entries of a chain are missing."""
    REORDERED = "REORDERED"
    """An entry is in another position than the one it was written for."""
    HEAD_CHANGED = "HEAD_CHANGED"
    """The entries are in order, and the record of the chain's end is not of the last one."""
    NOT_LOGGED = "NOT_LOGGED"
    """A decision has no entry, or differs from its newest one: the decision or the log was changed."""
    DECISION_REMOVED = "DECISION_REMOVED"
    """The decision of an entry does not exist."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The first thing that is wrong. `sequence` is that of the missing entry where one is missing; `entry_id` is None
    there, and where nothing is wrong with an entry. `sentence` is for people and holds ids only."""

    kind: FindingKind
    log: str
    merchant_id: str
    sequence: int | None
    entry_id: str | None
    sentence: str


@dataclass(frozen=True, slots=True)
class LogReport:
    """`entries` counts by log. With a finding, the counts are of what was read before it."""

    entries: Mapping[str, int]
    chains: int
    decisions: int
    finding: Finding | None

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return self.finding is None


class VerificationFailed(Exception):
    """Ends a verification at the first finding."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.sentence)
        self.finding = finding
