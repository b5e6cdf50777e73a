"""Claims: a person says that an obligation was met, and what became of that. Older decisions have none."""

from alembic import op

from migrations import timeouts
from migrations.columns import add, drop, moment, text

revision = "2026_11_30_0300"
down_revision = "2026_11_30_0200"
branch_labels = None
depends_on = None

_DECISIONS, _RECORDS = "decisions", "behaviour_records"
_MOMENTS = ("claimed_at", "claim_told_at", "claim_accepted_at", "claim_withdrawn_at", "claim_contradicted_at")


def upgrade() -> None:
    timeouts.limit(op)
    add(_DECISIONS, *text("claim?"), *moment(*(f"{name}?" for name in _MOMENTS)))
    add(_RECORDS, *moment("claimed_at?"))


def downgrade() -> None:
    timeouts.limit(op)
    drop(_RECORDS, "claimed_at")
    drop(_DECISIONS, *reversed(_MOMENTS), "claim")
