"""Signs checkpoints of the logs, and writes them to the database and to a file that others can mirror."""

from pathlib import Path

from gateway.kit.checkpoints import (
    Checkpoint,
    CheckpointInvalid,
    SignedCheckpoint,
    parse_checkpoints,
    sign_checkpoint,
)
from gateway.kit.crypto import SealBroken, SigningKey
from gateway.kit.logging import get_announcer
from gateway.kit.private_files import write_whole
from gateway.store.database import Database
from gateway.store.logs.checkpoints import CheckpointRow, log_of, origin_of
from gateway.store.logs.tree_log import TreeIncomplete, TreeLog
from gateway.store.unit import UnitOfWork

_READABLE = 0o644


class CheckpointRefused(Exception):
    """No checkpoint is signed, because it would contradict an earlier one. The message is a sentence."""


class CheckpointService:
    """Signs the committed trees. `file` gets the newest checkpoint of each log, None for no file. One process at a time
    calls this (gateway.services.tasks)."""

    def __init__(self, database: Database, issuer: str, file: Path | None) -> None:
        self._database, self._file = database, file
        self._issuer = issuer
        self._signed: dict[str, Checkpoint] = {}
        self._written: str | None = None
        self._failure: str | None = None

    def sign(self) -> str:
        """Signs a checkpoint of each log that has grown since its newest one, writes them to the database and then to
        the file, and returns the newest checkpoint of each log. Raises CheckpointRefused if a log no longer begins with
        what its newest checkpoint, in the database or in the file, covers; OSError for a file that cannot be read or
        written; SealBroken without a usable key; Outage."""
        grown, notes = self._database.read(lambda unit: self._find_grown(unit, self._read_file()))
        if grown:
            notes |= self._database.write(lambda unit: self._save(unit, grown))
            self._signed |= grown
        text = "\n".join(notes[log] for log in sorted(notes))
        if self._file is not None and text != self._written:
            write_whole(self._file, text, _READABLE)
            self._written = text
        return text

    def sign_or_log(self) -> None:
        """Signs as `sign` does. Logs what prevents it, once for each cause. Raises Outage."""
        try:
            self.sign()
            self._failure = None
        except (CheckpointRefused, SealBroken, OSError) as error:
            failure = str(error)
            if failure != self._failure:
                get_announcer(__name__).error("checkpoint_not_signed", message=failure)
            self._failure = failure

    def _read_file(self) -> list[SignedCheckpoint]:
        """The checkpoints in the file, before this process has written it."""
        if self._file is None or self._written is not None:
            return []
        try:
            return parse_checkpoints(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return []
        except (CheckpointInvalid, UnicodeDecodeError):
            raise CheckpointRefused(f"{self._file} is not a file of checkpoints.") from None

    def _find_grown(
        self, unit: UnitOfWork, kept: list[SignedCheckpoint]
    ) -> tuple[dict[str, Checkpoint], dict[str, str]]:
        """The new checkpoints by log, and the newest notes of all logs."""
        grown, notes = {}, {}
        for log in unit.logs:
            try:
                tree = log.load_tree()
                checkpoint = Checkpoint(origin_of(self._issuer, log.LOG), tree.size, tree.root())
                newest = unit.checkpoints.load_newest(log.LOG)
                earlier = [each.checkpoint for each in kept if log_of(each.checkpoint.origin) == log.LOG]
                if newest is not None:
                    notes[log.LOG] = newest.note
                    earlier += [each.checkpoint for each in parse_checkpoints(newest.note)]
                for each in earlier:
                    self._require_prefix(log, each, checkpoint)
            except (TreeIncomplete, CheckpointInvalid):
                raise CheckpointRefused(_REFUSED.format(log.LOG)) from None
            if newest is None or newest.size < tree.size:
                grown[log.LOG] = checkpoint
        return grown, notes

    def _require_prefix(self, log: TreeLog, earlier: Checkpoint, now: Checkpoint) -> None:
        """Raises CheckpointRefused unless the log begins with what the earlier checkpoint covers. This is not computed
        again for one that this process has signed."""
        if earlier == now or (earlier.size < now.size and earlier == self._signed.get(log.LOG)):
            return
        if earlier.size > now.size or log.root_at(earlier.size) != earlier.root:
            raise CheckpointRefused(_REFUSED.format(log.LOG))

    def _save(self, unit: UnitOfWork, grown: dict[str, Checkpoint]) -> dict[str, str]:
        key, notes = unit.keys.ensure_signing_key(), {}
        for log, checkpoint in grown.items():
            notes[log] = _save_one(unit, log, checkpoint, key)
        return notes


def _save_one(unit: UnitOfWork, log: str, checkpoint: Checkpoint, key: SigningKey) -> str:
    note = sign_checkpoint(checkpoint, key)
    day = unit.wall.date().isoformat()
    unit.checkpoints.save(CheckpointRow(log=log, day=day, size=checkpoint.size, note=note, signed_at=unit.wall))
    return note


_REFUSED = (
    "The {} log does not begin with what its newest checkpoint covers: it was changed, cut or replaced by an older"
    " copy. See gateway log verify."
)
