"""Disputes about imported behaviour records, and when a record was removed because one was upheld."""

import sqlalchemy as sa
from alembic import op

from migrations import timeouts
from migrations.columns import add, create, drop, index, moment, octets, reference, text

revision = "2026_11_29_2400"
down_revision = "2026_11_29_2340"
branch_labels = None
depends_on = None

_RECORDS, _DISPUTES, _ONE_OPEN = "behaviour_records", "record_disputes", "uq_record_disputes_open"


def upgrade() -> None:
    timeouts.limit(op)
    add(_RECORDS, *moment("removed_at?"))
    create(
        _DISPUTES,
        *text("id", "record_id", "user_id", "source", "reference", "status"),
        *moment("opened_at", "respond_by", "resolved_at?"),
        *text("statement_key"),
        *octets("statement_sealed"),
        *text("resolution_key?"),
        *octets("resolution_sealed?"),
        reference(_DISPUTES, "user_id", "users"),
    )
    index(_DISPUTES, "record_id")
    index(_DISPUTES, "user_id")
    index(_DISPUTES, "source", "reference")
    is_open = sa.text("status = 'AWAITING_SOURCE'")
    op.create_index(
        _ONE_OPEN, _DISPUTES, ["source", "reference"], unique=True, postgresql_where=is_open, sqlite_where=is_open
    )


def downgrade() -> None:
    timeouts.limit(op)
    op.drop_table(_DISPUTES)
    drop(_RECORDS, "removed_at")
