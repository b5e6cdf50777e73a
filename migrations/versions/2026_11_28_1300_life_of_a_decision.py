"""The amounts and dates of obligations, the next transition of each decision, exposures, and disputes."""

from alembic import op

from migrations import timeouts
from migrations.columns import add, create, document, drop, flag, index, large_number, moment, reference, text, total

revision = "2026_11_28_1300"
down_revision = "2026_11_28_1200"
branch_labels = None
depends_on = None

_MOMENTS = (
    *("due_at", "activated_at", "overdue_at", "lapsed_at"),
    *("breached_at", "written_off_at", "confirmed_at", "wakes_at"),
)
_TOTALS = ("requested_minor", "due_minor", "settled_minor", "held_minor")


def upgrade() -> None:
    timeouts.limit(op)
    add("decisions", *total(*_TOTALS), *document("windows?"), *text("breach_kind?"), *flag("contested"))
    add("decisions", *moment(*(f"{name}?" for name in _MOMENTS)))
    index("decisions", "wakes_at")
    create(
        "exposures",
        *text("user_id", "currency"),
        *large_number("held_minor"),
        reference("exposures", "user_id", "users"),
        key=("user_id", "currency"),
    )
    create(
        "disputes",
        *text("id", "decision_id", "merchant_id", "user_id", "subject", "opened_by", "status"),
        *moment("opened_at", "respond_by", "resolved_at?"),
        *text("opened_event", "answered_event?", "resolved_event?"),
        reference("disputes", "decision_id", "decisions"),
        reference("disputes", "merchant_id", "merchants"),
        reference("disputes", "user_id", "users"),
    )
    index("disputes", "decision_id")
    index("disputes", "status", "respond_by")
    _write_promises()


def downgrade() -> None:
    timeouts.limit(op)
    op.drop_table("disputes")
    op.drop_table("exposures")
    op.drop_index("ix_decisions_wakes_at", "decisions")
    drop("decisions", *reversed(_MOMENTS))
    drop("decisions", "contested", "breach_kind", "windows", *reversed(_TOTALS))


def _write_promises() -> None:
    """Writes the obligations of existing decisions, from their terms. None of them has been activated yet."""
    op.execute("UPDATE decisions SET requested_minor = amount_minor, wakes_at = valid_until WHERE status = 'PENDING'")
    op.execute(
        "UPDATE decisions SET requested_minor = amount_minor, due_minor = amount_minor, held_minor = amount_minor,"
        " wakes_at = valid_until WHERE status = 'APPROVED'"
    )
    op.execute(
        "INSERT INTO exposures (user_id, currency, held_minor)"
        " SELECT consents.user_id, decisions.currency, SUM(decisions.held_minor)"
        " FROM decisions JOIN consents ON consents.id = decisions.consent_id"
        " WHERE decisions.held_minor > 0 GROUP BY consents.user_id, decisions.currency"
    )
    last = "{0}return_by{1}", "{0}due_at{1}"  # the due date of a deposit or of a payment
    if op.get_context().dialect.name == "postgresql":
        members = (name.format("outcome -> 'terms' ->> '", "'") for name in last)
        moment_of = "CAST(COALESCE({}, {}) AS timestamptz)"
    else:
        members = (name.format("json_extract(outcome, '$.terms.", "')") for name in last)
        moment_of = "REPLACE(REPLACE(COALESCE({}, {}), 'T', ' '), 'Z', '')"
    op.execute(f"UPDATE decisions SET due_at = {moment_of.format(*members)} WHERE status = 'APPROVED'")
