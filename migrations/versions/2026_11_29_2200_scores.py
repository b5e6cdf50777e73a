"""Behaviour records with their imports, scores with their history, and what persons have chosen to share."""

import sqlalchemy as sa
from alembic import op

from migrations import timeouts
from migrations.columns import create, document, index, large_number, moment, number, reference, text

revision = "2026_11_29_2200"
down_revision = "2026_11_29_2100"
branch_labels = None
depends_on = None

_RECORDS, _IMPORTS, _SCORES, _SNAPSHOTS, _CHOICES = (
    "behaviour_records",
    "score_imports",
    "person_scores",
    "score_snapshots",
    "score_choices",
)


def upgrade() -> None:
    timeouts.limit(op)
    create(_IMPORTS, *text("id", "digest"), *number("rows"), *moment("started_at", "published_at?"))
    create(
        _RECORDS,
        *text("id", "user_id", "source", "reference", "import_id?", "replaced_by?", "dimension", "kind", "partner"),
        *large_number("amount_minor?"),
        *text("currency?"),
        *number("months?"),
        *moment("at"),
        *number("month"),
        *moment("counts_from?", "ended_at?", "contested_at?"),
        reference(_RECORDS, "user_id", "users"),
        reference(_RECORDS, "import_id", _IMPORTS),
        reference(_RECORDS, "replaced_by", _IMPORTS),
    )
    index(_RECORDS, "user_id")
    op.create_index(
        f"uq_{_RECORDS}_source_reference_import_id", _RECORDS, ["source", "reference", "import_id"], unique=True
    )
    negative = sa.text("kind IN ('BROKEN', 'LATE')")
    op.create_index(f"ix_{_RECORDS}_partner", _RECORDS, ["partner"], postgresql_where=negative, sqlite_where=negative)
    create(
        _SCORES,
        *text("user_id"),
        *moment("due_at"),
        *text("pending?"),
        *moment("correct_from?", "as_of?"),
        *number("score?"),
        *text("tier"),
        *moment("held_until?"),
        *text("card", "card_hash"),
        *document("dimension_points", "reasons"),
        *number("open_overdue"),
        sa.Column("has_document", sa.Boolean(), nullable=False),
        *text("cause"),
        reference(_SCORES, "user_id", "users"),
        key=("user_id",),
    )
    index(_SCORES, "due_at")
    create(
        _SNAPSHOTS,
        *text("id", "user_id"),
        *moment("as_of"),
        *number("score?"),
        *text("tier"),
        *moment("held_until?"),
        *text("card", "card_hash"),
        *document("dimension_points", "reasons"),
        *number("open_overdue"),
        sa.Column("has_document", sa.Boolean(), nullable=False),
        *text("cause"),
        *moment("computed_at"),
        reference(_SNAPSHOTS, "user_id", "users"),
    )
    index(_SNAPSHOTS, "user_id", "as_of", "id")
    create(
        _CHOICES,
        *text("user_id", "dimension"),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        *moment("chosen_at"),
        reference(_CHOICES, "user_id", "users"),
        key=("user_id", "dimension"),
    )


def downgrade() -> None:
    timeouts.limit(op)
    for table in (_CHOICES, _SNAPSHOTS, _SCORES, _RECORDS, _IMPORTS):
        op.drop_table(table)
