"""Clients with their public keys at a `jwks_uri`."""

from alembic import op

from migrations import timeouts
from migrations.columns import add, drop, text

revision = "2026_11_28_1200"
down_revision = "2026_11_25_1200"
branch_labels = None
depends_on = None


def upgrade() -> None:
    timeouts.limit(op)
    add("oauth_clients", *text("jwks_uri?"))


def downgrade() -> None:
    timeouts.limit(op)
    drop("oauth_clients", "jwks_uri")
