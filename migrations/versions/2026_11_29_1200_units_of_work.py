"""New names of columns, as in the code; totals per merchant and per consent; when a decision was flagged; the times of
tokens as wall time. Nothing has been released, so columns are renamed in place. Digests keep the names of the previous
revision."""

import sqlalchemy as sa
from alembic import op

from migrations import timeouts
from migrations.columns import add, create, drop, index, large_number, moment, reference, text

revision = "2026_11_29_1200"
down_revision = "2026_11_28_1500"
branch_labels = None
depends_on = None

_RENAMED = {
    ("decisions", "amount_minor"): "committed_minor",
    ("decisions", "held_minor"): "exposure_minor",
    ("decisions", "wakes_at"): "next_transition_at",
    ("decisions", "confirmed_at"): "dispute_rejected_at",
    ("decisions", "stood_still_seconds"): "dispute_pause_seconds",
    ("exposures", "held_minor"): "exposure_minor",
}
_OFFSET = (
    "(SELECT partners.clock_offset_seconds FROM oauth_clients"
    " JOIN merchants ON merchants.id = oauth_clients.merchant_id"
    " JOIN partners ON partners.id = merchants.partner_id WHERE oauth_clients.id = client_id)"
)
"""The number of seconds by which the business time of a token's partner is ahead."""


def upgrade() -> None:
    timeouts.limit(op)
    op.drop_index("ix_decisions_wakes_at", "decisions")
    op.drop_index("ix_decisions_consent_id", "decisions")
    for (table, old), new in _RENAMED.items():
        op.alter_column(table, old, new_column_name=new)
    _set_default("committed_minor", sa.text("0"))
    add("decisions", *moment("flagged_at?"))
    op.execute(
        "UPDATE decisions SET flagged_at = COALESCE(overdue_at, breached_at) WHERE status IN ('ACTIVE', 'BREACHED')"
    )
    index("decisions", "next_transition_at")
    index("decisions", "consent_id", "next_transition_at")
    index("decisions", "consent_id", "flagged_at")
    _create_totals()
    _move_tokens("-")


def downgrade() -> None:
    timeouts.limit(op)
    _move_tokens("+")
    op.drop_table("consent_commitments")
    op.drop_table("merchant_exposures")
    for names in ("consent_id_flagged_at", "consent_id_next_transition_at", "next_transition_at"):
        op.drop_index(f"ix_decisions_{names}", "decisions")
    drop("decisions", "flagged_at")
    _set_default("committed_minor", None)
    for (table, old), new in _RENAMED.items():
        op.alter_column(table, new, new_column_name=old)
    index("decisions", "consent_id")
    index("decisions", "wakes_at")


def _set_default(column: str, default: sa.TextClause | None) -> None:
    with op.batch_alter_table("decisions") as batch:
        batch.alter_column(column, existing_type=sa.BigInteger(), existing_nullable=False, server_default=default)


def _create_totals() -> None:
    create(
        "merchant_exposures",
        *text("user_id", "merchant_id", "currency"),
        *large_number("exposure_minor"),
        reference("merchant_exposures", "user_id", "users"),
        reference("merchant_exposures", "merchant_id", "merchants"),
        key=("user_id", "merchant_id", "currency"),
    )
    op.execute(
        "INSERT INTO merchant_exposures (user_id, merchant_id, currency, exposure_minor)"
        " SELECT consents.user_id, decisions.merchant_id, decisions.currency, SUM(decisions.exposure_minor)"
        " FROM decisions JOIN consents ON consents.id = decisions.consent_id WHERE decisions.exposure_minor > 0"
        " GROUP BY consents.user_id, decisions.merchant_id, decisions.currency"
    )
    create(
        "consent_commitments",
        *text("consent_id", "currency"),
        *large_number("committed_minor"),
        reference("consent_commitments", "consent_id", "consents"),
        key=("consent_id", "currency"),
    )
    op.execute(
        "INSERT INTO consent_commitments (consent_id, currency, committed_minor)"
        " SELECT consent_id, currency, SUM(committed_minor) FROM decisions WHERE committed_minor > 0"
        " GROUP BY consent_id, currency"
    )


def _move_tokens(sign: str) -> None:
    """Moves the times of tokens from business time to wall time. This does not change which of them have expired."""
    if op.get_context().dialect.name == "postgresql":
        moved = f"{{0}} = {{0}} {sign} {_OFFSET} * INTERVAL '1 second'"
    else:  # a text: whole seconds are moved, the fraction of a second does not change
        moved = f"{{0}} = datetime(substr({{0}}, 1, 19), ({sign}{_OFFSET}) || ' seconds') || substr({{0}}, 20)"
    changes = ", ".join(moved.format(column) for column in ("issued_at", "expires_at"))
    for table in ("oauth_access_tokens", "oauth_refresh_tokens"):
        op.execute(f"UPDATE {table} SET {changes} WHERE {_OFFSET} <> 0")
