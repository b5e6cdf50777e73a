"""The result of a log verification: what was read, and the first finding."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class FindingKind(StrEnum):
    """The kind of a finding, for programs."""

    CHANGED = "CHANGED"
    """The content of an entry does not match its hash."""
    FORGED = "FORGED"
    """The hash of an entry is correct, but its signature is not valid."""
    UNKNOWN_KEY = "UNKNOWN_KEY"
    """An entry is signed by a key that is not the gateway's."""
    REMOVED = "REMOVED"
    """Entries between two others are missing."""
    REMOVED_AT_END = "REMOVED_AT_END"
    """The newest entries of a chain are missing."""
    REORDERED = "REORDERED"
    """An entry is not at its original position."""
    HEAD_CHANGED = "HEAD_CHANGED"
    """The entries are in order, but the head of the chain does not match the last entry."""
    NOT_LOGGED = "NOT_LOGGED"
    """A decision has no entry, or differs from its newest entry: the decision or the log was changed."""
    DECISION_REMOVED = "DECISION_REMOVED"
    """The decision of an entry does not exist."""
    REQUESTS_DIFFER = "REQUESTS_DIFFER"
    """A merchant's access log does not have as many requests as the merchant has decisions."""
    NO_ACCESS = "NO_ACCESS"
    """A person has a log key, but the access log has no entry about the person."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `merchant_id` is None if the finding is not about one chain. `sequence` is the position of the
    entry, also of a missing one. `entry_id` is None if the entry is missing or the finding is not about an entry.
    `sentence` describes the finding, with ids only."""

    kind: FindingKind
    log: str
    merchant_id: str | None
    sequence: int | None
    entry_id: str | None
    sentence: str

    @property
    def with_place(self) -> str:
        """The sentence after the name of the log and the merchant."""
        return f"{self.log} log{f' of {self.merchant_id}' if self.merchant_id else ''}: {self.sentence}"


@dataclass(frozen=True, slots=True)
class LogReport:
    """The result of a verification. `entries` are counted by log. If there is a finding, the counts are of what was
    read before it."""

    entries: Mapping[str, int]
    chains: int
    decisions: int
    finding: Finding | None

    @property
    def intact(self) -> bool:
        """Whether there is no finding."""
        return self.finding is None


class VerificationFailed(Exception):
    """Ends a verification at the first finding."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.sentence)
        self.finding = finding
