"""Faults that partners of a sandbox inject into the calls of their clients."""

from alembic import op

from migrations import timeouts
from migrations.columns import add, create, drop, flag, number, reference, text

revision = "2026_11_30_0720"
down_revision = "2026_11_30_0710"
branch_labels = None
depends_on = None

_FAULTS = "sandbox_faults"


def upgrade() -> None:
    timeouts.limit(op)
    create(
        _FAULTS,
        *text("client_id", "kind", "value?"),
        *number("remaining"),
        reference(_FAULTS, "client_id", "oauth_clients"),
        key=("client_id",),
    )
    add("partners", *flag("has_faults"))


def downgrade() -> None:
    timeouts.limit(op)
    drop("partners", "has_faults")
    op.drop_table(_FAULTS)
