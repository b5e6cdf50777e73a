"""The family of each authorization code, the end of codes that were not redeemed, and indexes for the deletion of
expired rows."""

from alembic import op

from migrations import timeouts
from migrations.columns import add, drop, index, moment, text

revision = "2026_11_29_1300"
down_revision = "2026_11_29_1230"
branch_labels = None
depends_on = None

_EXPIRING = ("oauth_pushed_requests", "oauth_codes", "oauth_access_tokens", "oauth_refresh_tokens")
# A code and its first tokens were written in one unit of work, at one time. A code without tokens gets a new family.
_SET_FAMILY = (
    "UPDATE oauth_codes SET family = COALESCE((SELECT MIN(oauth_access_tokens.family) FROM oauth_access_tokens"
    " WHERE oauth_access_tokens.consent_id = oauth_codes.consent_id"
    " AND oauth_access_tokens.issued_at = oauth_codes.used_at), digest)"
)


def upgrade() -> None:
    timeouts.limit(op)
    add("oauth_codes", *text("family?"), *moment("ended_at?"))
    op.execute(_SET_FAMILY)
    with op.batch_alter_table("oauth_codes") as batch:
        batch.alter_column("family", nullable=False)
    index("oauth_codes", "family")
    for table in _EXPIRING:
        index(table, "expires_at")


def downgrade() -> None:
    timeouts.limit(op)
    for table in _EXPIRING:
        op.drop_index(f"ix_{table}_expires_at", table)
    op.drop_index("ix_oauth_codes_family", "oauth_codes")
    drop("oauth_codes", "family", "ended_at")
