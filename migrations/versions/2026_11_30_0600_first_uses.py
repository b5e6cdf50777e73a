"""When a consent was used for the first time. The next revision fills it in for older consents."""

from alembic import op

from migrations import timeouts
from migrations.columns import add, drop, moment

revision = "2026_11_30_0600"
down_revision = "2026_11_30_0530"
branch_labels = None
depends_on = None

_CONSENTS, _FIRST_USE = "consents", "first_used_at"


def upgrade() -> None:
    timeouts.limit(op)
    add(_CONSENTS, *moment(f"{_FIRST_USE}?"))


def downgrade() -> None:
    timeouts.limit(op)
    drop(_CONSENTS, _FIRST_USE)
