"""Clients with keys of their own, tokens bound to a key, consent versions, and used proofs and assertions."""

from alembic import op

from migrations import timeouts
from migrations.columns import add, create, document, drop, flag, index, moment, number, reference, text, unique

revision = "2026_11_25_1200"
down_revision = "2026_11_23_1200"
branch_labels = None
depends_on = None


def upgrade() -> None:
    timeouts.limit(op)
    add("oauth_clients", *document("jwks?", "authorization_details_types?", "awaiting?"))
    add("oauth_clients", *text("token_endpoint_auth_signing_alg?", "registration_digest?"))
    create(
        "oauth_initial_access_tokens",
        *text("digest", "merchant_id"),
        *document("scopes", "authorization_details_types"),
        *moment("created_at", "expires_at", "used_at?"),
        reference("oauth_initial_access_tokens", "merchant_id", "merchants"),
        key=("digest",),
    )
    add("oauth_codes", *text("dpop_jkt?"))
    add("oauth_access_tokens", *text("jkt?"))
    create("oauth_replays", *text("digest"), *moment("expires_at"), key=("digest",))
    index("oauth_replays", "expires_at")
    index("sessions", "created_at")
    create(
        "oauth_device_codes",
        *text("digest", "user_code_mac", "client_id"),
        *document("parameters"),
        *number("interval_seconds"),
        *moment("expires_at", "polled_at?", "slowed_at?", "decided_at?"),
        *text("consent_id?"),
        *moment("used_at?"),
        unique("oauth_device_codes", "user_code_mac"),
        reference("oauth_device_codes", "client_id", "oauth_clients"),
        reference("oauth_device_codes", "consent_id", "consents"),
        key=("digest",),
    )
    index("oauth_device_codes", "expires_at")
    add("consents", *flag("single_use"))
    create(
        "consent_versions",
        *text("consent_id"),
        *number("version"),
        *text("action", "actor"),
        *document("scopes", "details", "asked?"),
        *moment("at"),
        reference("consent_versions", "consent_id", "consents"),
        key=("consent_id", "version"),
    )
    _write_history()


def downgrade() -> None:
    timeouts.limit(op)
    op.drop_table("consent_versions")
    drop("consents", "single_use")
    op.drop_table("oauth_device_codes")
    op.drop_index("ix_sessions_created_at", "sessions")
    op.drop_table("oauth_replays")
    drop("oauth_access_tokens", "jkt")
    drop("oauth_codes", "dpop_jkt")
    op.drop_table("oauth_initial_access_tokens")
    drop("oauth_clients", "registration_digest", "token_endpoint_auth_signing_alg")
    drop("oauth_clients", "awaiting", "authorization_details_types", "jwks")


def _write_history() -> None:
    """Writes the versions of existing consents: when each was given, and when the person revoked it."""
    for version, action, at, ended in (
        (1, "created", "granted_at", ""),
        (2, "revoked", "revoked_at", "WHERE revoked_at IS NOT NULL"),
    ):
        op.execute(
            "INSERT INTO consent_versions (consent_id, version, action, actor, scopes, details, at) "
            f"SELECT id, {version}, '{action}', 'USER', scopes, details, {at} FROM consents {ended}"
        )
