"""Policy overrides of merchants, and the operator's bounds. Both are append-only, because past decisions are explained
by them."""

from alembic import op

from migrations import append_only, timeouts
from migrations.columns import create, moment, number, reference, text, unique

revision = "2026_11_28_1400"
down_revision = "2026_11_28_1300"
branch_labels = None
depends_on = None

_TABLES = {"policy_bounds": (), "policy_overrides": ("version", "effective")}


def upgrade() -> None:
    timeouts.limit(op)
    for table, more in _TABLES.items():
        create(
            table,
            *text("id", "merchant_id"),
            *number("sequence"),
            *text("adapter", "content"),
            *moment("created_at"),
            *text(*more),
            reference(table, "merchant_id", "merchants"),
            unique(table, "merchant_id", "sequence"),
        )
        append_only.install(op, table)


def downgrade() -> None:
    timeouts.limit(op)
    for table in reversed(_TABLES):
        append_only.remove(op, table)
        op.drop_table(table)
