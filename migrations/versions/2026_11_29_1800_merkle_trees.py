"""The logs as Merkle trees, the record log, and checkpoints.

Each entry becomes a leaf of its log's tree, in the order of merchant and sequence, with everything that it has: its
chain hash and its signature stay as they are, and the leaf hash covers them. Each consent, merchant, client and user
gets an entry in the record log with the digest of its row as it is now.

Processes of the previous version cannot write to the logs afterwards: stop them before. **Forward only**: once a
log has an entry that was written after this revision, the downgrade fails, because the previous version cannot verify
it.
"""

import hashlib
import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

from migrations import append_only, timeouts
from migrations.columns import create, index, large_number, moment, number, octets, text

revision = "2026_11_29_1800"
down_revision = "2026_11_29_1700"
branch_labels = None
depends_on = None

_LOGS = ("access_log", "decision_log")
_RECORDS = ("consents", "merchants", "oauth_clients", "users")
_CHAINED: dict[str, Any] = {
    "sequence": sa.Integer(),
    "previous_hash": sa.String(),
    "hash": sa.String(),
    "kid": sa.String(),
}
_SIGNATURE = sa.LargeBinary()
_INDEXED = ("leaf_index",)
_BATCH = 1_000


def upgrade() -> None:
    timeouts.limit(op)
    create("log_trees", *text("log"), *large_number("size"), *octets("frontier"), key=("log",))
    create(
        "log_subtrees",
        *text("log"),
        *number("height"),
        *large_number("position"),
        *octets("hash"),
        key=("log", "height", "position"),
    )
    create(
        "log_checkpoints",
        *text("log", "day"),
        *large_number("size"),
        *text("note"),
        *moment("signed_at"),
        key=("log", "day"),
    )
    create(
        "record_log",
        *text("id"),
        *large_number("leaf_index"),
        *octets("leaf_hash"),
        *text("public", "kind", "record_id", "digest"),
        sa.UniqueConstraint("leaf_index", name="uq_record_log_leaf_index"),
    )
    index("record_log", "kind", "record_id", "leaf_index")
    append_only.install(op, "record_log", numbered=_INDEXED)
    for table in _LOGS:
        _change_log(table)
    op.drop_table("log_heads")
    if op.get_context().as_sql:
        op.execute("INSERT INTO log_trees VALUES ('access', 0, ''), ('decision', 0, ''), ('record', 0, '')")
    else:
        _log_records()


def downgrade() -> None:
    timeouts.limit(op)
    _require_no_new_entries()
    create("log_heads", *text("log", "merchant_id"), *number("sequence"), *text("hash"), key=("log", "merchant_id"))
    for table in _LOGS:
        _restore_log(table)
    append_only.remove(op, "record_log")
    for table in ("record_log", "log_checkpoints", "log_subtrees", "log_trees"):
        op.drop_table(table)


def _change_log(table: str) -> None:
    append_only.remove(op, table)
    with op.batch_alter_table(table) as batch:
        batch.add_column(sa.Column("leaf_index", sa.BigInteger(), nullable=True))
        batch.add_column(sa.Column("leaf_hash", sa.LargeBinary(), nullable=True))
        for name, kind in _CHAINED.items():
            batch.alter_column(name, existing_type=kind, nullable=True)
        batch.alter_column("signature", existing_type=_SIGNATURE, nullable=True)
        batch.drop_constraint(f"uq_{table}_merchant_id_sequence", type_="unique")
    if not op.get_context().as_sql:
        _make_leaves(table)
    with op.batch_alter_table(table) as batch:
        batch.alter_column("leaf_index", existing_type=sa.BigInteger(), nullable=False)
        batch.alter_column("leaf_hash", existing_type=sa.LargeBinary(), nullable=False)
        batch.create_unique_constraint(f"uq_{table}_leaf_index", ["leaf_index"])
    if table == "decision_log":
        op.drop_index("ix_decision_log_decision_id_id", table)
        index(table, "decision_id", "leaf_index")
    append_only.install(op, table, numbered=_INDEXED)


def _restore_log(table: str) -> None:
    append_only.remove(op, table)
    if table == "decision_log":
        op.drop_index("ix_decision_log_decision_id_leaf_index", table)
    with op.batch_alter_table(table) as batch:
        batch.drop_constraint(f"uq_{table}_leaf_index", type_="unique")
        batch.drop_column("leaf_index")
        batch.drop_column("leaf_hash")
        for name, kind in _CHAINED.items():
            batch.alter_column(name, existing_type=kind, nullable=False)
        batch.alter_column("signature", existing_type=_SIGNATURE, nullable=False)
        batch.create_unique_constraint(f"uq_{table}_merchant_id_sequence", ["merchant_id", "sequence"])
    if table == "decision_log":
        index(table, "decision_id", "id")
    op.execute(
        f"INSERT INTO log_heads (log, merchant_id, sequence, hash) SELECT '{table.removesuffix('_log')}', merchant_id,"
        f" sequence, hash FROM {table} WHERE sequence = (SELECT MAX(newer.sequence) FROM {table} AS newer"
        f" WHERE newer.merchant_id = {table}.merchant_id)"
    )
    append_only.install(op, table)


def _require_no_new_entries() -> None:
    if op.get_context().as_sql:
        return
    for table in _LOGS:
        if op.get_bind().execute(sa.text(f"SELECT 1 FROM {table} WHERE signature IS NULL LIMIT 1")).first():
            raise RuntimeError(
                f"{table} has entries that the previous revision cannot verify. Revision {revision} is forward only:"
                " restore a backup from before it instead."
            )


class _Tree:
    """RFC 9162 section 2.1, as it is on the day of this revision. `subtrees` are those of a height that is a multiple
    of 8."""

    def __init__(self) -> None:
        self.size, self.frontier = 0, list[bytes]()
        self.subtrees: list[dict[str, Any]] = []

    def append(self, leaf: bytes) -> None:
        height, self.size = 0, self.size + 1
        remaining = self.size
        while not remaining & 1:
            leaf = hashlib.sha256(b"\x01" + self.frontier.pop() + leaf).digest()
            remaining, height = remaining >> 1, height + 1
            if not height % 8:
                self.subtrees.append({"height": height, "position": remaining - 1, "hash": leaf})
        self.frontier.append(leaf)

    def save(self, log: str) -> None:
        _trees = sa.table("log_trees", *(sa.column(name) for name in ("log", "size", "frontier")))
        values = {"log": log, "size": self.size, "frontier": b"".join(self.frontier)}
        op.get_bind().execute(_trees.insert(), values)
        _subtrees = sa.table("log_subtrees", *(sa.column(name) for name in ("log", "height", "position", "hash")))
        if self.subtrees:
            op.get_bind().execute(_subtrees.insert(), [{"log": log, **each} for each in self.subtrees])


def _make_leaves(table: str) -> None:
    tree, connection = _Tree(), op.get_bind()
    change = sa.text(f"UPDATE {table} SET leaf_index = :leaf_index, leaf_hash = :leaf_hash WHERE id = :id")
    for rows in _read(table):
        changes = []
        for row in rows:
            lines = (row.public, _base64url(row.sealed), str(row.sequence), row.previous_hash, row.hash, row.kid)
            content = "\n".join((*lines, _base64url(row.signature))).encode()
            leaf = hashlib.sha256(b"\x00" + content).digest()
            changes.append({"leaf_index": tree.size, "leaf_hash": leaf, "id": row.id})
            tree.append(leaf)
        connection.execute(change, changes)
    tree.save(table.removesuffix("_log"))


def _read(table: str) -> Iterator[Any]:
    after: dict[str, Any] = {"merchant_id": "", "sequence": -1}
    query = sa.text(
        f"SELECT id, merchant_id, sequence, public, sealed, previous_hash, hash, kid, signature FROM {table}"
        " WHERE (merchant_id, sequence) > (:merchant_id, :sequence)"
        f" ORDER BY merchant_id, sequence LIMIT {_BATCH}"
    )
    while rows := op.get_bind().execute(query, after).all():
        yield rows
        after = {"merchant_id": rows[-1].merchant_id, "sequence": rows[-1].sequence}


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _log_records() -> None:
    tree, connection = _Tree(), op.get_bind()
    log = sa.table(
        "record_log",
        *(sa.column(name) for name in ("id", "leaf_index", "leaf_hash", "public", "kind", "record_id", "digest")),
    )
    now = f"{connection.scalar(sa.text('SELECT CURRENT_TIMESTAMP'))!s:.19}Z".replace(" ", "T")
    for kind in _RECORDS:
        table = sa.Table(kind, sa.MetaData(), autoload_with=connection)
        columns = [sa.type_coerce(column, _type_of(column)).label(column.name) for column in table.c]
        for row in connection.execute(sa.select(*columns).order_by(table.c.id)).all():
            digest, entry_id = _digest(row._mapping), f"rec_{secrets.token_hex(13)}"
            document = {"log": "record", "version": 1, "id": entry_id, "kind": kind, "record": row.id}
            public = _json({**document, "digest": digest, "at": now})
            leaf = hashlib.sha256(b"\x00" + public.encode()).digest()
            values = {"id": entry_id, "leaf_index": tree.size, "leaf_hash": leaf, "public": public, "kind": kind}
            connection.execute(log.insert(), {**values, "record_id": row.id, "digest": digest})
            tree.append(leaf)
    tree.save("record")


def _type_of(column: Any) -> Any:
    return UTCDateTime() if isinstance(column.type, sa.DateTime) else column.type


def _digest(values: Any) -> str:
    plain = {
        name: _rfc3339(value) if isinstance(value, datetime) else value
        for name, value in values.items()
        if value not in (None, 0)
    }
    return hashlib.sha256(_json(plain).encode()).hexdigest()


def _json(document: Any) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
