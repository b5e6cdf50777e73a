"""The checkpoints that a log is compared with: those in the database, and those that were kept outside of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.audit.log_report import Finding, FindingKind, VerificationFailed
from gateway.kit.checkpoints import CheckpointInvalid, SignedCheckpoint, parse_checkpoints
from gateway.store.logs.checkpoints import log_of
from gateway.store.unit import UnitOfWork


@dataclass(frozen=True, slots=True)
class KeptCheckpoint:
    """The size and the root of a tree. `origin` says in a sentence where the checkpoint comes from."""

    size: int
    root: bytes
    origin: str


def collect_checkpoints(
    unit: UnitOfWork, log: str, keys: Mapping[str, bytes], kept: Sequence[SignedCheckpoint]
) -> list[KeptCheckpoint]:
    """Returns the checkpoints of a log, smallest first. `keys` are the public keys that may have signed. Raises
    VerificationFailed for an invalid signature, and for a row that is no checkpoint of this log."""
    collected = [
        _accept(log, each, keys, "the checkpoint in the file") for each in kept if log_of(each.checkpoint.origin) == log
    ]
    for row in unit.checkpoints.list_of_log(log):
        try:
            (signed,) = parse_checkpoints(row.note)
        except (CheckpointInvalid, ValueError):
            signed = None
        if signed is None or log_of(signed.checkpoint.origin) != log or signed.checkpoint.size != row.size:
            sentence = f"The checkpoint of {row.day} in the database is not a checkpoint of this log."
            raise VerificationFailed(Finding(FindingKind.CHECKPOINT_INVALID, log, None, None, sentence))
        collected.append(_accept(log, signed, keys, f"the checkpoint of {row.day} in the database"))
    return sorted(collected, key=lambda each: each.size)


def _accept(log: str, signed: SignedCheckpoint, keys: Mapping[str, bytes], origin: str) -> KeptCheckpoint:
    if not signed.is_signed_by(keys.values()):
        sentence = f"Unknown key: {origin} over {signed.checkpoint.size} entries is not signed by a trusted key."
        raise VerificationFailed(Finding(FindingKind.UNKNOWN_KEY, log, None, None, sentence))
    return KeptCheckpoint(signed.checkpoint.size, signed.checkpoint.root, origin)
