"""Any object by its global id, as far as the token reaches; what it does not reach does not exist for it."""

import strawberry

from gateway.kit.ids import noun_of
from schema.context import Context
from schema.types.consent import Consent
from schema.types.decision import Decision, Dispute, event_of
from schema.types.merchant import Merchant
from schema.types.node import Node, looked_up
from schema.types.persona import SandboxPersona
from schema.types.user import ConsentedUser


def find(identifier: strawberry.ID, context: Context) -> Node | None:
    """The object; None for an id that is unknown, malformed or somebody else's, which are never told apart."""
    known = looked_up(identifier)
    if known is None:
        return None
    consent = context.principal.consent
    if consent is not None and consent.subject == known:
        return ConsentedUser.of(consent, context.query.now)
    finder = _FINDERS.get(noun_of(known))
    return finder(known, context) if finder else None


def _decision(identifier: str, context: Context) -> Node | None:
    decision = context.container.decisions.find(context.query, identifier)
    return Decision.of(decision) if decision else None


def _consent(identifier: str, context: Context) -> Node | None:
    consent = context.container.consents.seen(context.query, identifier)
    return Consent.of(consent, context.query.now) if consent else None


def _event(identifier: str, context: Context) -> Node | None:
    event = context.container.decisions.find_event(context.query, identifier)
    return event_of(event) if event else None


def _dispute(identifier: str, context: Context) -> Node | None:
    dispute = context.container.disputes.find(context.query, identifier)
    return Dispute.of(dispute) if dispute else None


def _merchant(identifier: str, context: Context) -> Node | None:
    if identifier != context.principal.merchant_id:
        return None
    return Merchant.of(context.container.merchants.own(context.query))


def _persona(identifier: str, context: Context) -> Node | None:
    if "sandbox" not in context.principal.allowed:  # only sandbox tokens can hold it
        return None
    persona = context.container.personas.find(context.query, identifier)
    return SandboxPersona.of(persona) if persona else None


_FINDERS = {
    "dec": _decision,
    "con": _consent,
    "dsp": _dispute,
    "evt": _event,
    "mer": _merchant,
    "per": _persona,
}
