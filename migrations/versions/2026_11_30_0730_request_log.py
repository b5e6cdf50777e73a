"""The request log of a sandbox."""

from alembic import op

from migrations import timeouts
from migrations.columns import create, document, index, moment, number, text

revision = "2026_11_30_0730"
down_revision = "2026_11_30_0720"
branch_labels = None
depends_on = None

_LOG = "request_log"


def upgrade() -> None:
    timeouts.limit(op)
    create(
        _LOG,
        *text("id", "partner_id", "merchant_id", "client_id"),
        *moment("received_at"),
        *text("request_id", "operation_name?", "document", "document_id?", "variables", "scheme"),
        *number("http_status"),
        *text("error_codes"),
        *number("cost", "duration_ms"),
        *text("response"),
        *document("decision_ids", "references"),
        *number("dropped_before"),
    )
    index(_LOG, "received_at")
    index(_LOG, "partner_id", "received_at", "id")
    index(_LOG, "partner_id", "request_id")


def downgrade() -> None:
    timeouts.limit(op)
    op.drop_table(_LOG)
