"""What is sent of the notices to persons, and what each person wants to get. Notices of the previous revision are not
sent."""

import sqlalchemy as sa
from alembic import op

from migrations import timeouts
from migrations.columns import add, create, document, drop, moment, reference, text

revision = "2026_11_30_0310"
down_revision = "2026_11_30_0300"
branch_labels = None
depends_on = None

_NOTICES, _PREFERENCES = "notices", "notice_preferences"


def upgrade() -> None:
    timeouts.limit(op)
    add(
        _NOTICES,
        *moment("attempt_at?"),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default=sa.text("0")),
        *moment("sent_at?"),
        *text("not_sent?"),
    )
    to_send = sa.text("attempt_at IS NOT NULL")
    op.create_index("ix_notices_attempt_at", _NOTICES, ["attempt_at"], postgresql_where=to_send, sqlite_where=to_send)
    create(
        _PREFERENCES,
        *text("user_id", "language?"),
        *document("not_sent"),
        reference(_PREFERENCES, "user_id", "users"),
        key=("user_id",),
    )


def downgrade() -> None:
    timeouts.limit(op)
    op.drop_table(_PREFERENCES)
    op.drop_index("ix_notices_attempt_at", _NOTICES)
    drop(_NOTICES, "attempt_at", "attempts", "sent_at", "not_sent")
