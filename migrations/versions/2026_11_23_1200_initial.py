"""All tables of the first release, with the triggers that make the two logs append-only."""

from alembic import op

from migrations import append_only, timeouts
from migrations.columns import create, document, index, large_number, moment, number, octets, reference, text, unique

revision = "2026_11_23_1200"
down_revision = None
branch_labels = None
depends_on = None

LOGS = ("decision_log", "access_log")
TABLES = (
    ("deployment", "partners", "merchants", "merchant_adapters"),
    ("users", "personas", "pairwise_subjects", "sessions"),
    (
        "oauth_clients",
        "consents",
        "oauth_pushed_requests",
        "oauth_codes",
        "oauth_access_tokens",
        "oauth_refresh_tokens",
    ),
    ("decisions", "idempotency_records", "outbox"),
    ("signing_keys", "user_keys", "log_heads", "decision_log", "access_log"),
)


def upgrade() -> None:
    timeouts.limit(op)
    tenants()
    people()
    oauth()
    decisions()
    logs()


def downgrade() -> None:
    timeouts.limit(op)
    for table in LOGS:
        append_only.remove(op, table)
    for room in reversed(TABLES):
        for table in reversed(room):
            op.drop_table(table)


def tenants() -> None:
    create(
        "deployment",
        *number("id"),
        *text("environment", "key_check"),
        *moment("created_at"),
    )
    create(
        "partners",
        *text("id", "name"),
        *number("clock_offset_seconds"),
        *moment("created_at"),
        unique("partners", "name"),
    )
    create(
        "merchants",
        *text("id", "partner_id", "name"),
        *document("askable_tiers"),
        *large_number("ceiling_minor"),
        *text("ceiling_currency"),
        *number("consent_seconds"),
        *moment("created_at"),
        reference("merchants", "partner_id", "partners"),
    )
    index("merchants", "partner_id")
    create(
        "merchant_adapters",
        *text("merchant_id", "adapter"),
        *moment("enabled_at"),
        reference("merchant_adapters", "merchant_id", "merchants"),
        key=(
            "merchant_id",
            "adapter",
        ),
    )


def people() -> None:
    create(
        "users",
        *text("id", "partner_id?", "username", "password_hash", "display_name", "log_subject"),
        *moment("created_at", "disabled_at?"),
        unique("users", "log_subject"),
        unique("users", "username"),
        reference("users", "partner_id", "partners"),
    )
    create(
        "personas",
        *text("id", "partner_id", "user_id", "handle", "summary"),
        *number("score?", "open_overdue"),
        unique("personas", "partner_id", "handle"),
        unique("personas", "user_id"),
        reference("personas", "partner_id", "partners"),
        reference("personas", "user_id", "users"),
    )
    create(
        "pairwise_subjects",
        *text("user_id", "merchant_id", "subject"),
        unique("pairwise_subjects", "subject"),
        reference("pairwise_subjects", "merchant_id", "merchants"),
        reference("pairwise_subjects", "user_id", "users"),
        key=(
            "user_id",
            "merchant_id",
        ),
    )
    create(
        "sessions",
        *text("digest", "user_id?"),
        *moment("created_at", "last_seen_at", "authenticated_at?", "ended_at?"),
        reference("sessions", "user_id", "users"),
        key=("digest",),
    )
    index("sessions", "user_id")


def oauth() -> None:
    create(
        "oauth_clients",
        *text("id", "merchant_id", "name", "profile", "secret_digest?"),
        *document("redirect_uris", "grant_types", "scopes"),
        *moment("created_at", "disabled_at?"),
        reference("oauth_clients", "merchant_id", "merchants"),
    )
    index("oauth_clients", "merchant_id")
    create(
        "consents",
        *text("id", "merchant_id", "client_id", "user_id", "subject"),
        *document("scopes", "details"),
        *moment("granted_at", "expires_at", "revoked_at?"),
        reference("consents", "client_id", "oauth_clients"),
        reference("consents", "merchant_id", "merchants"),
        reference("consents", "user_id", "users"),
    )
    index("consents", "merchant_id")
    index("consents", "user_id")
    create(
        "oauth_pushed_requests",
        *text("digest", "client_id"),
        *document("parameters"),
        *moment("expires_at", "used_at?"),
        reference("oauth_pushed_requests", "client_id", "oauth_clients"),
        key=("digest",),
    )
    create(
        "oauth_codes",
        *text("digest", "client_id", "consent_id", "redirect_uri", "code_challenge"),
        *moment("expires_at", "used_at?"),
        reference("oauth_codes", "client_id", "oauth_clients"),
        reference("oauth_codes", "consent_id", "consents"),
        key=("digest",),
    )
    index("oauth_codes", "consent_id")
    create(
        "oauth_access_tokens",
        *text("digest", "client_id", "consent_id?", "family?"),
        *document("scopes"),
        *moment("issued_at", "expires_at", "revoked_at?"),
        reference("oauth_access_tokens", "client_id", "oauth_clients"),
        reference("oauth_access_tokens", "consent_id", "consents"),
        key=("digest",),
    )
    index("oauth_access_tokens", "client_id")
    index("oauth_access_tokens", "consent_id")
    index("oauth_access_tokens", "family")
    create(
        "oauth_refresh_tokens",
        *text("digest", "family", "client_id", "consent_id"),
        *moment("issued_at", "expires_at", "used_at?"),
        *text("successor?"),
        *moment("revoked_at?"),
        reference("oauth_refresh_tokens", "client_id", "oauth_clients"),
        reference("oauth_refresh_tokens", "consent_id", "consents"),
        key=("digest",),
    )
    index("oauth_refresh_tokens", "client_id")
    index("oauth_refresh_tokens", "consent_id")
    index("oauth_refresh_tokens", "family")


def decisions() -> None:
    create(
        "decisions",
        *text(
            "id",
            "merchant_id",
            "client_id",
            "consent_id",
            "subject",
            "merchant_reference",
            "adapter",
            "product",
            "purpose",
            "status",
        ),
        *document("ask", "outcome"),
        *text("policy_version", "policy_hash", "rule_id"),
        *moment("score_as_of?"),
        *large_number("amount_minor"),
        *text("currency"),
        *moment("valid_until?", "created_at", "updated_at"),
        unique("decisions", "merchant_id", "merchant_reference"),
        reference("decisions", "client_id", "oauth_clients"),
        reference("decisions", "consent_id", "consents"),
        reference("decisions", "merchant_id", "merchants"),
    )
    index("decisions", "consent_id")
    index("decisions", "merchant_id", "created_at", "id")
    index("decisions", "merchant_id", "updated_at", "id")
    create(
        "idempotency_records",
        *text("partner_id", "client_id", "mutation", "key", "consent_id?"),
        *document("input"),
        *text("decision_id"),
        *moment("expires_at"),
        reference("idempotency_records", "client_id", "oauth_clients"),
        reference("idempotency_records", "partner_id", "partners"),
        key=(
            "partner_id",
            "client_id",
            "mutation",
            "key",
        ),
    )
    index("idempotency_records", "decision_id")
    index("idempotency_records", "expires_at")
    create(
        "outbox",
        *text("id", "merchant_id", "aggregate_id", "topic"),
        *document("payload"),
        *moment("created_at"),
        reference("outbox", "merchant_id", "merchants"),
    )
    index("outbox", "aggregate_id")
    index("outbox", "merchant_id")


def logs() -> None:
    create(
        "signing_keys",
        *text("kid"),
        *octets("public", "private_sealed"),
        *moment("created_at", "retired_at?"),
        key=("kid",),
    )
    create(
        "user_keys",
        *text("id", "user_id"),
        *number("year"),
        *octets("key_sealed"),
        *moment("created_at"),
        unique("user_keys", "user_id", "year"),
        reference("user_keys", "user_id", "users"),
    )
    create(
        "log_heads",
        *text("log", "merchant_id"),
        *number("sequence"),
        *text("hash"),
        key=(
            "log",
            "merchant_id",
        ),
    )
    sealed_log("decision_log", "decision_id")
    sealed_log("access_log", "subject")


def sealed_log(table: str, about: str) -> None:
    create(
        table,
        *text("id", "merchant_id"),
        *number("sequence"),
        *text("public"),
        *octets("sealed"),
        *text("previous_hash", "hash", "kid"),
        *octets("signature"),
        *text(about),
        unique(table, "merchant_id", "sequence"),
    )
    index(table, about, "id")
    append_only.install(op, table)
