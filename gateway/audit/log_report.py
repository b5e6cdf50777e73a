"""The result of a log verification: what was read, and the first finding."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class FindingKind(StrEnum):
    """The kind of a finding, for programs."""

    CHANGED = "CHANGED"
    """The content of an entry does not match its leaf hash."""
    FORGED = "FORGED"
    """The leaf hash of an entry is correct, but its signature is not valid."""
    UNKNOWN_KEY = "UNKNOWN_KEY"
    """An entry or a checkpoint is signed by a key that is not the gateway's."""
    REMOVED = "REMOVED"
    """Entries between two others are missing."""
    REMOVED_AT_END = "REMOVED_AT_END"
    """The newest entries of a log are missing."""
    REORDERED = "REORDERED"
    """An entry is not at its original position."""
    TREE_CHANGED = "TREE_CHANGED"
    """The entries do not match the head or the stored hashes of their tree."""
    CHECKPOINT_DIFFERS = "CHECKPOINT_DIFFERS"
    """Entries were changed, exchanged or reordered, and everything was hashed again: a checkpoint shows it."""
    ROLLED_BACK = "ROLLED_BACK"
    """A checkpoint covers more entries than the log has."""
    CHECKPOINT_INVALID = "CHECKPOINT_INVALID"
    """A stored checkpoint cannot be read, or its signature is not valid."""
    NOT_LOGGED = "NOT_LOGGED"
    """A row has no entry, or differs from its newest entry: the row or the log was changed."""
    DECISION_REMOVED = "DECISION_REMOVED"
    """The decision of an entry does not exist."""
    RECORD_REMOVED = "RECORD_REMOVED"
    """The consent, merchant, client, user or set of documents of an entry does not exist."""
    REQUESTS_DIFFER = "REQUESTS_DIFFER"
    """A merchant's access log does not have as many requests as the merchant has decisions."""
    NO_ACCESS = "NO_ACCESS"
    """A person has a log key, but the access log has no entry about the person."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `leaf_index` is the position of the entry in the log, from 0, also of a missing one; None if the
    finding is not about an entry. `entry_id` is None if the entry is missing or is not known. `sentence` describes the
    finding, with ids only."""

    kind: FindingKind
    log: str
    leaf_index: int | None
    entry_id: str | None
    sentence: str

    @property
    def with_place(self) -> str:
        """The sentence after the name of the log."""
        return f"{self.log} log: {self.sentence}"


@dataclass(frozen=True, slots=True)
class LogReport:
    """The result of a verification. `entries` are counted by log. `checkpoints` is the number of checkpoints that the
    logs match. If there is a finding, the counts are of what was read before it."""

    entries: Mapping[str, int]
    checkpoints: int
    decisions: int
    records: int
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
