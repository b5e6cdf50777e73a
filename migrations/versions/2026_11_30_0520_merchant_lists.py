"""Indexes for the lists of a merchant: its events by topic, failed deliveries, consents and disputes."""

import sqlalchemy as sa
from alembic import op

from migrations import timeouts
from migrations.columns import index

revision = "2026_11_30_0520"
down_revision = "2026_11_30_0510"
branch_labels = None
depends_on = None

_EVENTS = "ix_outbox_merchant_id_topic_position"
_FAILED = "ix_webhook_deliveries_failed_endpoint_id_position"


def upgrade() -> None:
    timeouts.limit(op)
    placed = sa.text("position IS NOT NULL")
    columns = ["merchant_id", "topic", "position"]
    op.create_index(_EVENTS, "outbox", columns, postgresql_where=placed, sqlite_where=placed)
    failed = sa.text("status = 'FAILED'")
    columns = ["endpoint_id", "position"]
    op.create_index(_FAILED, "webhook_deliveries", columns, postgresql_where=failed, sqlite_where=failed)
    index("disputes", "merchant_id", "opened_at", "id")
    index("consents", "merchant_id", "id")
    op.drop_index("ix_consents_merchant_id", "consents")


def downgrade() -> None:
    timeouts.limit(op)
    index("consents", "merchant_id")
    op.drop_index("ix_consents_merchant_id_id", "consents")
    op.drop_index("ix_disputes_merchant_id_opened_at_id", "disputes")
    op.drop_index(_FAILED, "webhook_deliveries")
    op.drop_index(_EVENTS, "outbox")
