"""When the operator last reported a restored backup."""

from alembic import op

from migrations import timeouts
from migrations.columns import add, drop, moment

revision = "2026_11_29_1320"
down_revision = "2026_11_29_1310"
branch_labels = None
depends_on = None


def upgrade() -> None:
    timeouts.limit(op)
    add("deployment", *moment("restored_at?"))


def downgrade() -> None:
    timeouts.limit(op)
    drop("deployment", "restored_at")
