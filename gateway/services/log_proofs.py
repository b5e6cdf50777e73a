"""Proofs that an entry is in its log, against the newest checkpoint."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.domain.errors import RecordMismatch
from gateway.kit.checkpoints import CheckpointInvalid, parse_checkpoints
from gateway.kit.crypto import SealBroken
from gateway.kit.merkle import verify_inclusion
from gateway.store.logs.sealed_log import SealedEntry, SealedLog, hash_sealed_entry
from gateway.store.logs.tree_log import TreeIncomplete
from gateway.store.unit import UnitOfWork


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """Shows that the tree of a signed checkpoint has an entry (RFC 9162 section 2.1.3). `hashes` go from leaf to root.
    `checkpoint` is a signed note."""

    leaf_index: int
    tree_size: int
    hashes: Sequence[bytes]
    checkpoint: str


def prove_entry(unit: UnitOfWork, log: SealedLog, entry: SealedEntry) -> InclusionProof | None:
    """Returns the proof of an entry, or None while no checkpoint covers it. Raises RecordMismatch if the entry is not
    in the tree of the newest checkpoint, or no key of this deployment has signed it."""
    newest = unit.checkpoints.load_newest(log.LOG)
    if newest is None or newest.size <= entry.leaf_index:
        return None
    mismatch = RecordMismatch("The log does not match its newest checkpoint. Tell the operator.")
    try:
        (signed,) = parse_checkpoints(newest.note)
        hashes = log.prove_inclusion(entry.leaf_index, signed.checkpoint.size)
    except (CheckpointInvalid, TreeIncomplete, ValueError):
        raise mismatch from None
    size, root = signed.checkpoint.size, signed.checkpoint.root
    is_included = verify_inclusion(hash_sealed_entry(entry), entry.leaf_index, size, hashes, root)
    if not is_included or not signed.is_signed_by(unit.keys.list_own_public_keys()):
        raise mismatch
    return InclusionProof(entry.leaf_index, size, hashes, newest.note)


def is_authentic(unit: UnitOfWork, log: SealedLog, entry: SealedEntry) -> bool:
    """Whether this deployment has written the entry as it is: its sealed part opens with the person's key, which also
    authenticates the public part. If that key has been destroyed, a checkpoint has to cover the entry."""
    if hash_sealed_entry(entry) != entry.leaf_hash:
        return False
    try:
        return log.open_personal(entry) is not None or prove_entry(unit, log, entry) is not None
    except (SealBroken, RecordMismatch, LookupError, TypeError, ValueError):
        return False
