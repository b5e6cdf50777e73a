"""The running processes of the deployment, with digests of their settings."""

from alembic import op

from migrations import timeouts
from migrations.columns import create, document, moment, number, text

revision = "2026_11_29_1400"
down_revision = "2026_11_29_1320"
branch_labels = None
depends_on = None


def upgrade() -> None:
    timeouts.limit(op)
    create(
        "processes",
        *text("id", "place"),
        *number("pid"),
        *moment("started_at", "seen_at"),
        *number("connections"),
        *text("shared_state?"),
        *document("settings"),
    )


def downgrade() -> None:
    timeouts.limit(op)
    op.drop_table("processes")
