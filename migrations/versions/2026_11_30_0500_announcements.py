"""Which events that only time causes have been written."""

from alembic import op

from migrations import timeouts
from migrations.columns import create, moment, text

revision = "2026_11_30_0500"
down_revision = "2026_11_30_0310"
branch_labels = None
depends_on = None

_TABLE = "announcements"


def upgrade() -> None:
    timeouts.limit(op)
    create(_TABLE, *text("subject_id", "topic"), *moment("date"), key=("subject_id", "topic", "date"))


def downgrade() -> None:
    timeouts.limit(op)
    op.drop_table(_TABLE)
