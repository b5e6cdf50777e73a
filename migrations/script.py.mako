"""${message}.

Describe what changes, which step it is (expand, backfill or contract), and how long it takes on a large table.
"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

from migrations import timeouts
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    timeouts.limit(op)
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    timeouts.limit(op)
    ${downgrades if downgrades else "pass"}
