"""Older consents under which something was read or decided count as used since they were given, so that their next use
is not reported as the first one.

On PostgreSQL this is a transaction of its own, because adding the column keeps all others from the table. It reads the
access log once.
"""

from alembic import op

from migrations import timeouts

revision = "2026_11_30_0610"
down_revision = "2026_11_30_0600"
branch_labels = None
depends_on = None

_CONSENT = {"postgresql": "CAST(public AS json) ->> 'consent'", "sqlite": "json_extract(public, '$.consent')"}
_COUNT_AS_USED = (
    "UPDATE consents SET first_used_at = granted_at WHERE first_used_at IS NULL"
    " AND id IN (SELECT {consent} FROM access_log UNION SELECT consent_id FROM decisions)"
)


def upgrade() -> None:
    timeouts.limit(op)
    op.execute(_COUNT_AS_USED.format(consent=_CONSENT[op.get_context().dialect.name]))


def downgrade() -> None:
    """The previous revision has no values of its own to restore."""
    timeouts.limit(op)
