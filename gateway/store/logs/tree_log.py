"""The base of all logs: entries that are the leaves of one Merkle tree (RFC 9162) over the whole deployment.

Triggers in the database prevent changes and deletions. `gateway.audit.log_verification` detects changes that bypass
them, with checkpoints, and needs no secret.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Connection, Executable, Table, bindparam, select
from sqlmodel import Field

from gateway.kit.clock import WallTime
from gateway.kit.merkle import (
    TILE_HEIGHT,
    Frontier,
    hash_complete,
    hash_leaf,
    prove_consistency,
    prove_inclusion,
    root_at,
)
from gateway.store.base import Record
from gateway.store.logs.trees import SUBTREES, TREES, LogTrees, NewLeaf
from gateway.store.repository import Insert, Repository
from gateway.store.statements import Result

_TREE = select(TREES).where(TREES.c.log == bindparam("log"))
_SUBTREES = (
    select(SUBTREES.c.position, SUBTREES.c.hash)
    .where(
        SUBTREES.c.log == bindparam("log"),
        SUBTREES.c.height == bindparam("height"),
        SUBTREES.c.position >= bindparam("first"),
        SUBTREES.c.position < bindparam("end"),
    )
    .order_by(SUBTREES.c.position)
)


class TreeIncomplete(Exception):
    """A hash of the tree is missing or the tree has another size: the tables were changed by hand."""


class LogEntry(Record):
    """The columns of all logs. `leaf_index` is the position in the tree, from 0. `leaf_hash` is the hash of the leaf.
    `public` is the exact canonical text that was hashed."""

    id: str = Field(primary_key=True)
    leaf_index: int = Field(sa_type=BigInteger, unique=True)
    leaf_hash: bytes
    public: str


class TreeLog(Repository):
    """Appends to one log, and proves what is in it."""

    LOG: ClassVar[str]
    NOUN: ClassVar[str]
    TABLE: ClassVar[Table]
    INSERT: ClassVar[Insert]

    def __init__(self, connection: Connection, wall: WallTime, trees: LogTrees) -> None:
        super().__init__(connection)
        self._wall, self._trees = wall, trees
        self._tiles: dict[tuple[int, int], Mapping[int, bytes]] = {}

    def load_tree(self) -> Frontier:
        """Returns the tree with all committed entries. Raises TreeIncomplete."""
        row = self._row(_TREE, log=self.LOG)
        if row is None:
            raise TreeIncomplete(f"the head of the {self.LOG} log is missing")
        try:
            return Frontier(row.size, row.frontier)
        except (TypeError, ValueError):  # SQLite stores values of any type in any column
            raise TreeIncomplete(f"the head of the {self.LOG} log was changed") from None

    def root_at(self, size: int) -> bytes:
        """Returns the root that the tree had at this size. Reads some hundred rows, like the proofs. Raises
        TreeIncomplete."""
        return root_at(size, self._subtree)

    def prove_inclusion(self, leaf_index: int, size: int) -> Sequence[bytes]:
        """Returns the proof that the tree of this size has the entry (RFC 9162 section 2.1.3). Raises TreeIncomplete,
        and ValueError if the tree is too small."""
        return prove_inclusion(leaf_index, size, self._subtree)

    def prove_consistency(self, first: int, second: int) -> Sequence[bytes]:
        """Returns the proof that the tree of size `second` begins with that of size `first` (RFC 9162 section 2.1.4).
        Raises TreeIncomplete, and ValueError unless 0 < first <= second."""
        return prove_consistency(first, second, self._subtree)

    def _hand_over(self, columns: Mapping[str, Any], content: bytes) -> None:
        self._tiles.clear()
        self._trees.hand_over(NewLeaf(self.LOG, self.INSERT, columns, hash_leaf(content)))

    def _run(self, statement: Executable, parameters: Mapping[str, Any]) -> Result:
        """Also shows the entries of earlier units of the transaction, and of this one."""
        self._trees.append_all()
        return super()._run(statement, parameters)

    def _subtree(self, height: int, position: int) -> bytes:
        above = height % TILE_HEIGHT
        first = position << above
        tile = self._load_tile(height - above, first >> TILE_HEIGHT)
        try:
            return hash_complete([tile[each] for each in range(first, first + (1 << above))])
        except KeyError:
            raise TreeIncomplete(f"a hash of the tree of the {self.LOG} log is missing") from None

    def _load_tile(self, height: int, number: int) -> Mapping[int, bytes]:
        """The hashes of 256 neighbouring subtrees of this height by position, without those that are not complete."""
        key = height, number
        if key not in self._tiles:
            bounds = {"first": number << TILE_HEIGHT, "end": (number + 1) << TILE_HEIGHT}
            rows = (
                self._rows(_SUBTREES, log=self.LOG, height=height, **bounds)
                if height
                else self._rows(_leaf_hashes(self.TABLE), **bounds)
            )
            self._tiles[key] = {row[0]: row[1] for row in rows}
        return self._tiles[key]


@cache
def _leaf_hashes(table: Table) -> Executable:
    return (
        select(table.c.leaf_index, table.c.leaf_hash)
        .where(table.c.leaf_index >= bindparam("first"), table.c.leaf_index < bindparam("end"))
        .order_by(table.c.leaf_index)
    )
