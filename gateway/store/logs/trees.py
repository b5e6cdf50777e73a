"""The Merkle trees of the logs: their heads, and the entries that a transaction adds to them.

Units of work hand over their entries. The transaction adds them after its last unit, and locks the heads last: so a
head is locked only until the commit, and units cannot deadlock over it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Connection, bindparam, select
from sqlmodel import Field

from gateway.kit.merkle import Frontier
from gateway.store.base import Record, bytes_column, table_of
from gateway.store.repository import Insert, Repository, insert_into
from gateway.store.statements import run_many


class LogTreeRow(Record):
    """The head of one log: the number of its entries, and the frontier of its tree (gateway.kit.merkle). Every
    transaction with entries locks the rows of all logs."""

    log: str = Field(primary_key=True)
    size: int = Field(sa_type=BigInteger)
    frontier: bytes = bytes_column()


class LogTreeTable(LogTreeRow, table=True):
    __tablename__ = "log_trees"


class LogSubtreeRow(Record):
    """The hash of a complete subtree whose height is a multiple of TILE_HEIGHT, above 0. Proofs are computed from these
    and from the leaf hashes of the entries."""

    log: str = Field(primary_key=True)
    height: int = Field(primary_key=True)
    position: int = Field(primary_key=True, sa_type=BigInteger)
    hash: bytes = bytes_column()


class LogSubtreeTable(LogSubtreeRow, table=True):
    __tablename__ = "log_subtrees"


TREES, SUBTREES = table_of(LogTreeTable), table_of(LogSubtreeTable)
_LOCKED = select(TREES).order_by(TREES.c.log).with_for_update()
_MOVE = (
    TREES.update()
    .where(TREES.c.log == bindparam("of_log"))
    .values(size=bindparam("new_size"), frontier=bindparam("new_frontier"))
)
_NEW_SUBTREE = insert_into(SUBTREES)


@dataclass(frozen=True, slots=True)
class NewLeaf:
    """An entry without its index: the log, the statement that inserts the row, the row, and the leaf hash."""

    log: str
    insert: Insert
    columns: Mapping[str, Any]
    leaf_hash: bytes


class LogTrees(Repository):
    """The entries that one transaction adds to the logs."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._leaves: list[NewLeaf] = []
        self._written = self._marked = 0

    def hand_over(self, leaf: NewLeaf) -> None:
        """Keeps an entry for `append_all`."""
        self._leaves.append(leaf)

    def mark(self) -> tuple[int, int]:
        """Returns the state of these entries, for `return_to`."""
        self._marked = len(self._leaves)
        return len(self._leaves), self._written

    def return_to(self, mark: tuple[int, int]) -> None:
        """Forgets the entries since `mark`, when the database returns to a savepoint of that moment."""
        kept, self._written = mark
        self._marked = kept
        del self._leaves[kept:]

    def append_all(self) -> None:
        """Writes the entries that were handed over and are not yet written, and moves the heads. The heads stay locked
        until the transaction ends, so call it last. Raises RuntimeError if a head is missing."""
        leaves = self._leaves[self._written :]
        if not leaves:
            return
        heads, by_log = {row.log: row for row in self._rows(_LOCKED)}, dict[str, list[NewLeaf]]()
        for leaf in leaves:
            by_log.setdefault(leaf.log, []).append(leaf)
        for log, added in by_log.items():
            if log not in heads:
                raise RuntimeError(f"the head of the {log} log is missing")
            tree = Frontier(heads[log].size, heads[log].frontier)
            self._append(log, tree, added)
            self._execute(_MOVE, of_log=log, new_size=tree.size, new_frontier=tree.encode())
        del self._leaves[self._marked :]  # they are never written again, and a unit can have very many
        self._written = len(self._leaves)

    def _append(self, log: str, tree: Frontier, leaves: list[NewLeaf]) -> None:
        """Writes entries of one log, all with one call of the driver, and the subtrees that they complete."""
        rows, subtrees = [], list[Mapping[str, Any]]()

        def keep(height: int, position: int, subtree_hash: bytes) -> None:
            subtrees.append({"log": log, "height": height, "position": position, "hash": subtree_hash})

        for leaf in leaves:
            rows.append({**leaf.columns, "leaf_index": tree.size, "leaf_hash": leaf.leaf_hash})
            tree.append(leaf.leaf_hash, keep)
        run_many(self._connection, leaves[0].insert, rows)
        if subtrees:
            run_many(self._connection, _NEW_SUBTREE, subtrees)
