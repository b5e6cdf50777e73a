"""Outcomes that a partner fixes for a persona, and manual reviews that a sandbox decides by itself."""

import sqlalchemy as sa
from alembic import op

from migrations import timeouts
from migrations.columns import add, create, document, drop, index, moment, reference, text

revision = "2026_11_30_0700"
down_revision = "2026_11_30_0620"
branch_labels = None
depends_on = None

_REVIEWS = "persona_reviews"


def upgrade() -> None:
    timeouts.limit(op)
    add("personas", *document("overrides?"))
    create(
        _REVIEWS,
        *text("decision_id", "merchant_id"),
        *moment("due_at"),
        sa.Column("approves", sa.Boolean(), nullable=False),
        reference(_REVIEWS, "decision_id", "decisions"),
        reference(_REVIEWS, "merchant_id", "merchants"),
        key=("decision_id",),
    )
    index(_REVIEWS, "merchant_id")


def downgrade() -> None:
    timeouts.limit(op)
    op.drop_table(_REVIEWS)
    drop("personas", "overrides")
