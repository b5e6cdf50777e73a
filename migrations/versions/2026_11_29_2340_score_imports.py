"""Imports of behaviour records: the process that runs one, and the indexes to remove and to purge records."""

import sqlalchemy as sa
from alembic import op

from migrations import timeouts
from migrations.columns import add, drop, index, moment, number, text

revision = "2026_11_29_2340"
down_revision = "2026_11_29_2300"
branch_labels = None
depends_on = None

_RECORDS, _IMPORTS = "behaviour_records", "score_imports"
_KIND_MONTH, _REPLACED = "ix_behaviour_records_kind_month", "ix_behaviour_records_replaced_by"


def upgrade() -> None:
    timeouts.limit(op)
    add(
        _IMPORTS,
        sa.Column("replaced", sa.Integer(), nullable=False, server_default="0"),
        *text("place?"),
        *number("pid?"),
        *moment("seen_at?", "abandoned_at?"),
    )
    index(_RECORDS, "import_id")
    for name, columns, condition in (
        (_KIND_MONTH, ["kind", "month"], sa.text("source <> 'gateway'")),
        (_REPLACED, ["replaced_by"], sa.text("replaced_by IS NOT NULL")),
    ):
        op.create_index(name, _RECORDS, columns, postgresql_where=condition, sqlite_where=condition)


def downgrade() -> None:
    timeouts.limit(op)
    op.drop_index(_REPLACED, _RECORDS)
    op.drop_index(_KIND_MONTH, _RECORDS)
    op.drop_index("ix_behaviour_records_import_id", _RECORDS)
    drop(_IMPORTS, "abandoned_at", "seen_at", "pid", "place", "replaced")
