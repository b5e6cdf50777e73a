"""Who answered a pushed request or a device code, and with which consent, so that the response can be repeated."""

from alembic import op

from migrations import timeouts
from migrations.columns import add, drop, text

revision = "2026_11_29_1230"
down_revision = "2026_11_29_1200"
branch_labels = None
depends_on = None


def upgrade() -> None:
    timeouts.limit(op)
    add("oauth_pushed_requests", *text("decided_by?", "consent_id?"))
    add("oauth_device_codes", *text("decided_by?"))


def downgrade() -> None:
    timeouts.limit(op)
    drop("oauth_device_codes", "decided_by")
    drop("oauth_pushed_requests", "consent_id", "decided_by")
