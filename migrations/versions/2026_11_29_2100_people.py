"""Persons who are no personas: the operator's id, the email and the language of a user, users without a password, and
invitations. Forward only once such a person exists: the previous version has no place for them."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString

from migrations import timeouts
from migrations.columns import create, index, moment, reference, text

revision = "2026_11_29_2100"
down_revision = "2026_11_29_2000"
branch_labels = None
depends_on = None

_USERS, _INVITATIONS = "users", "invitations"
_NEW = ("external_id", "email", "language")
_UNIQUE = "uq_users_external_id"
_PEOPLE = sa.text(
    "SELECT count(*) FROM users"
    " WHERE password_hash IS NULL OR external_id IS NOT NULL OR email IS NOT NULL OR language IS NOT NULL"
)


def upgrade() -> None:
    timeouts.limit(op)
    with op.batch_alter_table(_USERS) as batch:
        for column in text(*(f"{name}?" for name in _NEW)):
            batch.add_column(column)
        batch.alter_column("password_hash", existing_type=AutoString(), nullable=True)
        batch.create_unique_constraint(_UNIQUE, ["external_id"])
    create(
        _INVITATIONS,
        *text("digest", "user_id"),
        *moment("created_at", "expires_at", "used_at?"),
        reference(_INVITATIONS, "user_id", _USERS),
        key=("digest",),
    )
    index(_INVITATIONS, "user_id")
    index(_INVITATIONS, "expires_at")


def downgrade() -> None:
    timeouts.limit(op)
    if not op.get_context().as_sql:
        people = op.get_bind().execute(_PEOPLE).scalar_one()
        if people:
            raise RuntimeError(f"{revision} is forward only once people were invited or imported: there are {people}")
    op.drop_table(_INVITATIONS)
    with op.batch_alter_table(_USERS) as batch:
        batch.drop_constraint(_UNIQUE, type_="unique")
        batch.alter_column("password_hash", existing_type=AutoString(), nullable=False)
        for name in _NEW:
            batch.drop_column(name)
