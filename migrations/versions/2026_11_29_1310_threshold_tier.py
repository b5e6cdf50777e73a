"""The tier of the first threshold inquiry under a consent."""

from alembic import op

from migrations import timeouts
from migrations.columns import add, drop, text

revision = "2026_11_29_1310"
down_revision = "2026_11_29_1300"
branch_labels = None
depends_on = None


def upgrade() -> None:
    timeouts.limit(op)
    add("consents", *text("threshold_tier?"))


def downgrade() -> None:
    timeouts.limit(op)
    drop("consents", "threshold_tier")
