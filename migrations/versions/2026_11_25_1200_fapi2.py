"""Clients that sign with keys of their own, tokens bound to a key, and what has been used once."""

from alembic import op

from migrations import timeouts
from migrations.columns import add, create, document, drop, index, moment, text

revision = "2026_11_25_1200"
down_revision = "2026_11_23_1200"
branch_labels = None
depends_on = None


def upgrade() -> None:
    timeouts.limit(op)
    add("oauth_clients", *document("jwks?", "authorization_details_types?"))
    add("oauth_codes", *text("dpop_jkt?"))
    add("oauth_access_tokens", *text("jkt?"))
    create("oauth_replays", *text("digest"), *moment("expires_at"), key=("digest",))
    index("oauth_replays", "expires_at")


def downgrade() -> None:
    timeouts.limit(op)
    op.drop_table("oauth_replays")
    drop("oauth_access_tokens", "jkt")
    drop("oauth_codes", "dpop_jkt")
    drop("oauth_clients", "authorization_details_types", "jwks")
