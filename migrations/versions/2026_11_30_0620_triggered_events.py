"""How the deliveries of an event deviate that a merchant triggered in a sandbox."""

from alembic import op

from migrations import timeouts
from migrations.columns import add, drop, text

revision = "2026_11_30_0620"
down_revision = "2026_11_30_0610"
branch_labels = None
depends_on = None

_MESSAGES, _VARIANT = "webhook_messages", "variant"


def upgrade() -> None:
    timeouts.limit(op)
    add(_MESSAGES, *text(f"{_VARIANT}?"))


def downgrade() -> None:
    timeouts.limit(op)
    drop(_MESSAGES, _VARIANT)
