"""Sign-in links and browser sessions of partners in a sandbox."""

from alembic import op

from migrations import timeouts
from migrations.columns import create, index, moment, reference, text

revision = "2026_11_30_0710"
down_revision = "2026_11_30_0700"
branch_labels = None
depends_on = None

_PARTNERS = "partners"
_ENDS = {"sign_in_links": "used_at?", "partner_sessions": "ended_at?"}


def upgrade() -> None:
    timeouts.limit(op)
    for table, end in _ENDS.items():
        create(
            table,
            *text("digest", "partner_id"),
            *moment("created_at", "expires_at", end),
            reference(table, "partner_id", _PARTNERS),
            key=("digest",),
        )
        index(table, "partner_id")
        index(table, "expires_at")


def downgrade() -> None:
    timeouts.limit(op)
    for table in _ENDS:
        op.drop_table(table)
