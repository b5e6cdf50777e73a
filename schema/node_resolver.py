"""Finds an object by its global id. An object that the token may not read is not found."""

import strawberry

from gateway.kit.ids import noun_of
from gateway.services.events import find_event
from gateway.services.webhooks import queries as webhooks
from schema.context import Context
from schema.types.consent import Consent
from schema.types.decision import Decision, Dispute
from schema.types.merchant import Merchant
from schema.types.node import Node, parse_id
from schema.types.persona import SandboxPersona
from schema.types.request_log import find_entry
from schema.types.user import ConsentedUser
from schema.types.webhook import WebhookDelivery, WebhookEndpoint, event_of


def find_node(identifier: strawberry.ID, context: Context) -> Node | None:
    """Returns the object. None for an unknown or malformed id, and for an id of another merchant or user. A document of
    queries reads each object once, also under several aliases."""
    object_id = parse_id(identifier)
    if object_id is None:
        return None
    consent = context.principal.consent
    if consent is not None and consent.subject == object_id:
        return ConsentedUser.of(consent, context.query.now)
    finder = _FINDERS.get(noun_of(object_id))
    return context.find_once(("node", object_id), lambda: finder(object_id, context)) if finder else None


def _find_decision(identifier: str, context: Context) -> Node | None:
    decision = context.container.decisions.find(context.query, identifier)
    return Decision.of(decision) if decision else None


def _find_consent(identifier: str, context: Context) -> Node | None:
    consent = context.container.consents.find(context.query, identifier)
    return Consent.of(consent, context.query.now) if consent else None


def _find_event(identifier: str, context: Context) -> Node | None:
    event = find_event(context.query, identifier)
    return event_of(event) if event else None


def _find_dispute(identifier: str, context: Context) -> Node | None:
    dispute = context.container.disputes.find(context.query, identifier)
    return Dispute.of(dispute) if dispute else None


def _find_merchant(identifier: str, context: Context) -> Node | None:
    if identifier != context.principal.merchant_id:
        return None
    return Merchant.of(context.principal)


def _find_endpoint(identifier: str, context: Context) -> Node | None:
    endpoint = webhooks.find_endpoint(context.query, identifier)
    return WebhookEndpoint.of(endpoint) if endpoint else None


def _find_delivery(identifier: str, context: Context) -> Node | None:
    delivery = webhooks.find_delivery(context.query, identifier)
    return WebhookDelivery.of(delivery) if delivery else None


def _find_persona(identifier: str, context: Context) -> Node | None:
    if "sandbox" not in context.principal.allowed:  # a scope that only sandbox tokens can have
        return None
    persona = context.container.persona_outcomes.find(context.query, identifier)
    return SandboxPersona.of(persona) if persona else None


def _find_logged_request(identifier: str, context: Context) -> Node | None:
    if "sandbox" not in context.principal.allowed:
        return None
    return find_entry(identifier, context)


_FINDERS = {
    "dec": _find_decision,
    "con": _find_consent,
    "dsp": _find_dispute,
    "evt": _find_event,
    "msg": _find_event,  # an event without an entry in the decision log
    "mer": _find_merchant,
    "per": _find_persona,
    "log": _find_logged_request,
    "whe": _find_endpoint,
    "whd": _find_delivery,
}
