"""All tables on one metadata. Importing this module imports every module of the store that has a table, so that
migrations and checks see them all; a test keeps the list complete."""

from gateway.store import (
    access_log,
    clients,
    consent_versions,
    consents,
    decision_log,
    decisions,
    deployment,
    device_codes,
    disputes,
    exposures,
    idempotency,
    initial_access_tokens,
    keys,
    merchants,
    oauth_replays,
    oauth_requests,
    oauth_tokens,
    outbox,
    partners,
    policy_overrides,
    sealed_log,
    sessions,
    users,
)
from gateway.store.base import metadata

__all__ = ["MODULES", "metadata"]

MODULES = (
    access_log,
    clients,
    consent_versions,
    consents,
    decision_log,
    decisions,
    deployment,
    device_codes,
    disputes,
    exposures,
    idempotency,
    initial_access_tokens,
    keys,
    merchants,
    oauth_replays,
    oauth_requests,
    oauth_tokens,
    outbox,
    partners,
    policy_overrides,
    sealed_log,
    sessions,
    users,
)
