"""The last accepted answer of the remote score provider about each person."""

from alembic import op

from migrations import timeouts
from migrations.columns import create, document, flag, moment, number, reference, text

revision = "2026_11_29_2300"
down_revision = "2026_11_29_2200"
branch_labels = None
depends_on = None

_SCORES = "remote_scores"


def upgrade() -> None:
    timeouts.limit(op)
    create(
        _SCORES,
        *text("user_id", "subject", "model"),
        *number("score?", "open_overdue"),
        *document("reasons"),
        *flag("document_identity"),
        *moment("as_of", "valid_until", "fetched_at"),
        reference(_SCORES, "user_id", "users"),
        key=("user_id",),
    )


def downgrade() -> None:
    timeouts.limit(op)
    op.drop_table(_SCORES)
