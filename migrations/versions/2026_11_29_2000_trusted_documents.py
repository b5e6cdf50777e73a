"""Trusted documents of clients, and a digest of each client's documents, which the record log covers."""

from alembic import op

from migrations import timeouts
from migrations.columns import create, moment, reference, text

revision = "2026_11_29_2000"
down_revision = "2026_11_29_1800"
branch_labels = None
depends_on = None

_DOCUMENTS, _SETS, _CLIENTS = "trusted_documents", "trusted_document_sets", "oauth_clients"


def upgrade() -> None:
    timeouts.limit(op)
    create(
        _DOCUMENTS,
        *text("client_id", "id", "text"),
        *moment("created_at"),
        reference(_DOCUMENTS, "client_id", _CLIENTS),
        key=("client_id", "id"),
    )
    create(_SETS, *text("id", "digest"), *moment("changed_at"), reference(_SETS, "id", _CLIENTS))


def downgrade() -> None:
    timeouts.limit(op)
    op.drop_table(_SETS)
    op.drop_table(_DOCUMENTS)
