"""All tables on one metadata. This module imports every store module that has a table, so that migrations and checks
know all tables. A test keeps the list complete."""

from gateway.store import deployment, outbox, policies, processes
from gateway.store.base import metadata
from gateway.store.consents import consents, versions
from gateway.store.decisions import decisions, disputes, exposures, idempotency
from gateway.store.identity import clients, invitations, sessions, trusted_documents, users
from gateway.store.logs import access_log, checkpoints, decision_log, keys, record_log, trees
from gateway.store.merchants import merchants, partner_sessions, partners
from gateway.store.notices import notices, preferences
from gateway.store.oauth import device_codes, initial_access_tokens, replays, requests, tokens
from gateway.store.sandbox import faults, request_log, reviews
from gateway.store.scoring import imports, record_disputes, records, remote_scores, scores
from gateway.store.webhooks import announcements, delivery_rows, endpoints

__all__ = ["MODULES", "metadata"]

MODULES = (
    *(access_log, checkpoints, decision_log, keys, record_log, trees),
    *(consents, versions),
    *(decisions, disputes, exposures, idempotency),
    *(clients, invitations, sessions, trusted_documents, users),
    *(merchants, partner_sessions, partners),
    *(device_codes, initial_access_tokens, replays, requests, tokens),
    *(imports, record_disputes, records, remote_scores, scores),
    *(announcements, delivery_rows, endpoints),
    *(notices, preferences),
    *(deployment, outbox, policies, processes),
    *(faults, request_log, reviews),
)
