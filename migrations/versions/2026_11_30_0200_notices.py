"""Notices to persons: the inbox."""

import sqlalchemy as sa
from alembic import op

from migrations import timeouts
from migrations.columns import create, index, moment, reference, text

revision = "2026_11_30_0200"
down_revision = "2026_11_30_0010"
branch_labels = None
depends_on = None

_NOTICES, _CONSENTS, _DECISIONS = "notices", "consents", "decisions"


def upgrade() -> None:
    timeouts.limit(op)
    create(
        _NOTICES,
        *text("user_id", "id", "kind", "merchant_id?", "subject_id?", "product?"),
        *moment("business_at?", "created_at", "read_at?"),
        reference(_NOTICES, "user_id", "users"),
        key=("user_id", "id"),
    )
    index(_NOTICES, "created_at")
    in_advance = sa.text("kind IN ('CONSENT_EXPIRING', 'DUE_SOON')")
    op.create_index(
        "uq_notices_in_advance",
        _NOTICES,
        ["subject_id", "kind", "business_at"],
        unique=True,
        postgresql_where=in_advance,
        sqlite_where=in_advance,
    )
    unrevoked = sa.text("revoked_at IS NULL")
    op.create_index(
        "ix_consents_expires_at", _CONSENTS, ["expires_at"], postgresql_where=unrevoked, sqlite_where=unrevoked
    )
    is_active = sa.text("status = 'ACTIVE'")
    op.create_index("ix_decisions_due_at", _DECISIONS, ["due_at"], postgresql_where=is_active, sqlite_where=is_active)


def downgrade() -> None:
    timeouts.limit(op)
    op.drop_index("ix_decisions_due_at", _DECISIONS)
    op.drop_index("ix_consents_expires_at", _CONSENTS)
    op.drop_table(_NOTICES)
