"""Since when a record of a person had counted that was found to be wrong, until the score is computed again."""

from alembic import op

from migrations import timeouts
from migrations.columns import add, drop, moment

revision = "2026_11_30_0530"
down_revision = "2026_11_30_0520"
branch_labels = None
depends_on = None

_SCORES, _SINCE = "person_scores", "wrong_since"


def upgrade() -> None:
    timeouts.limit(op)
    add(_SCORES, *moment(f"{_SINCE}?"))


def downgrade() -> None:
    timeouts.limit(op)
    drop(_SCORES, _SINCE)
