"""When the dispute window of a breach starts. Breaches of the previous revision keep theirs, from the report on."""

from alembic import op

from migrations import timeouts
from migrations.columns import add, drop, moment

revision = "2026_11_30_0510"
down_revision = "2026_11_30_0500"
branch_labels = None
depends_on = None

_DECISIONS, _START = "decisions", "contest_starts_at"


def upgrade() -> None:
    timeouts.limit(op)
    add(_DECISIONS, *moment(f"{_START}?"))


def downgrade() -> None:
    timeouts.limit(op)
    drop(_DECISIONS, _START)
