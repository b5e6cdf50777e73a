"""Indexes for pages and counts of decisions of some products and statuses."""

from alembic import op

from migrations import timeouts

revision = "2026_11_29_1700"
down_revision = "2026_11_29_1400"
branch_labels = None
depends_on = None

_KIND = ["merchant_id", "product", "status"]


def upgrade() -> None:
    timeouts.limit(op)
    for moment in ("created_at", "updated_at"):
        op.create_index(f"ix_decisions_merchant_id_kind_{moment}", "decisions", [*_KIND, moment, "id", "valid_until"])


def downgrade() -> None:
    timeouts.limit(op)
    for moment in ("updated_at", "created_at"):
        op.drop_index(f"ix_decisions_merchant_id_kind_{moment}", "decisions")
