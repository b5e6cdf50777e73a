"""The order of messages, and webhook endpoints with their deliveries."""

import sqlalchemy as sa
from alembic import op

from migrations import timeouts
from migrations.columns import add, create, drop, flag, index, large_number, moment, number, octets, reference, text
from migrations.columns import document as json

revision = "2026_11_30_0010"
down_revision = "2026_11_29_2400"
branch_labels = None
depends_on = None

_OUTBOX, _ENDPOINTS, _MESSAGES = "outbox", "webhook_endpoints", "webhook_messages"
_DELIVERIES, _ATTEMPTS = "webhook_deliveries", "webhook_attempts"
_NUMBER = """
UPDATE outbox SET sequence = numbered.sequence, position = numbered.position
FROM (
  SELECT id, row_number() OVER (PARTITION BY aggregate_id ORDER BY id) AS sequence,
         row_number() OVER (ORDER BY created_at, id) AS position
  FROM outbox
) AS numbered
WHERE outbox.id = numbered.id
"""


def upgrade() -> None:
    timeouts.limit(op)
    _order_messages()
    create(
        _ENDPOINTS,
        *text("id", "merchant_id", "url"),
        *json("topics"),
        *flag("enabled"),
        *octets("secret_sealed", "old_secret_sealed?"),
        *moment("old_secret_until?", "created_at", "disabled_at?", "deleted_at?"),
        *text("disabled_reason?"),
        *number("failures"),
        *moment("failing_since?", "warned_at?", "paused_until?"),
        reference(_ENDPOINTS, "merchant_id", "merchants"),
    )
    index(_ENDPOINTS, "merchant_id", "created_at", "id")
    create(
        _MESSAGES,
        *text("event_id", "content_type", "signature", "header"),
        *octets("body"),
        *moment("created_at"),
        reference(_MESSAGES, "event_id", _OUTBOX),
        key=("event_id",),
    )
    index(_MESSAGES, "created_at")
    create(
        _DELIVERIES,
        *text("id", "endpoint_id", "event_id", "subject_id"),
        *number("sequence"),
        *large_number("position"),
        *text("status"),
        *number("attempts", "tries"),
        *moment("due_at?", "created_at", "ended_at?"),
        reference(_DELIVERIES, "endpoint_id", _ENDPOINTS),
        reference(_DELIVERIES, "event_id", _OUTBOX),
    )
    waits = sa.text("due_at IS NOT NULL")
    op.create_index("uq_webhook_deliveries_endpoint_id_event_id", _DELIVERIES, ["endpoint_id", "event_id"], unique=True)
    for columns in (("endpoint_id", "due_at"), ("endpoint_id", "subject_id", "sequence")):
        name = f"ix_{_DELIVERIES}_{'_'.join(columns)}"
        op.create_index(name, _DELIVERIES, list(columns), postgresql_where=waits, sqlite_where=waits)
    index(_DELIVERIES, "endpoint_id", "position")
    index(_DELIVERIES, "created_at")
    index(_DELIVERIES, "event_id")
    create(
        _ATTEMPTS,
        *text("delivery_id"),
        *number("number"),
        *moment("started_at"),
        *number("duration_ms"),
        *number("response_status?"),
        *text("response_body?", "error?"),
        reference(_ATTEMPTS, "delivery_id", _DELIVERIES),
        key=("delivery_id", "number"),
    )


def _order_messages() -> None:
    add(_OUTBOX, sa.Column("sequence", sa.Integer(), nullable=False, server_default=sa.text("0")))
    add(_OUTBOX, *large_number("position?"))
    op.execute(_NUMBER)
    op.drop_index("ix_outbox_aggregate_id", _OUTBOX)
    op.drop_index("ix_outbox_merchant_id", _OUTBOX)
    op.create_index("uq_outbox_aggregate_id_sequence", _OUTBOX, ["aggregate_id", "sequence"], unique=True)
    placed = sa.text("position IS NOT NULL")
    for columns in (("merchant_id", "position"), ("position",)):
        name = f"ix_{_OUTBOX}_{'_'.join(columns)}"
        op.create_index(name, _OUTBOX, list(columns), postgresql_where=placed, sqlite_where=placed)
    waits = sa.text("position IS NULL")
    op.create_index(
        "ix_outbox_created_at_id", _OUTBOX, ["created_at", "id"], postgresql_where=waits, sqlite_where=waits
    )


def downgrade() -> None:
    timeouts.limit(op)
    for table in (_ATTEMPTS, _DELIVERIES, _MESSAGES, _ENDPOINTS):
        op.drop_table(table)
    for name in ("created_at_id", "position", "merchant_id_position"):
        op.drop_index(f"ix_outbox_{name}", _OUTBOX)
    op.drop_index("uq_outbox_aggregate_id_sequence", _OUTBOX)
    drop(_OUTBOX, "sequence", "position")
    index(_OUTBOX, "aggregate_id")
    index(_OUTBOX, "merchant_id")
