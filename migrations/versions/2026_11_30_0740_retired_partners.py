"""Partners of a sandbox that a reset has retired."""

from alembic import op

from migrations import timeouts
from migrations.columns import add, drop, moment, text

revision = "2026_11_30_0740"
down_revision = "2026_11_30_0730"
branch_labels = None
depends_on = None


def upgrade() -> None:
    timeouts.limit(op)
    add("partners", *moment("retired_at?"), *text("password_id?"))


def downgrade() -> None:
    timeouts.limit(op)
    drop("partners", "password_id", "retired_at")
