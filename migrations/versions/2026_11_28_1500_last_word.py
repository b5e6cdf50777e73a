"""When a dispute was opened, when a breach was voided, and how long disputes have postponed an overdue flag's
expiry."""

from alembic import op

from migrations import timeouts
from migrations.columns import add, drop, flag, moment, total

revision = "2026_11_28_1500"
down_revision = "2026_11_28_1400"
branch_labels = None
depends_on = None

_OPEN = "decision_id = decisions.id AND status IN ('AWAITING_MERCHANT', 'UNDER_REVIEW')"


def upgrade() -> None:
    timeouts.limit(op)
    add("decisions", *moment("contested_at?", "voided_at?"), *total("stood_still_seconds"))
    op.execute(f"UPDATE decisions SET contested_at = (SELECT MAX(opened_at) FROM disputes WHERE {_OPEN})")
    drop("decisions", "contested")


def downgrade() -> None:
    timeouts.limit(op)
    add("decisions", *flag("contested"))
    op.execute("UPDATE decisions SET contested = (contested_at IS NOT NULL)")
    drop("decisions", "stood_still_seconds", "voided_at", "contested_at")
