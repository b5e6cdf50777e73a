"""Any object by its global id, as far as the token reaches; what it does not reach does not exist for it."""

import strawberry

from gateway.kit.ids import noun_of
from schema.context import Context
from schema.types.consent import Consent
from schema.types.decision import Decision
from schema.types.dispute import Dispute
from schema.types.event import event_of
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
        return ConsentedUser.of(consent, context.reading.now)
    finder = _FINDERS.get(noun_of(known))
    return finder(known, context) if finder else None


def _decision(identifier: str, context: Context) -> Node | None:
    decision = context.services.decisions.find(context.reading, identifier)
    return Decision.of(decision) if decision else None


def _consent(identifier: str, context: Context) -> Node | None:
    consent = context.services.consents.seen(context.reading, identifier)
    return Consent.of(consent, context.reading.now) if consent else None


def _event(identifier: str, context: Context) -> Node | None:
    event = context.services.decisions.event(context.reading, identifier)
    return event_of(event) if event else None


def _dispute(identifier: str, context: Context) -> Node | None:
    dispute = context.services.disputes.find(context.reading, identifier)
    return Dispute.of(dispute) if dispute else None


def _merchant(identifier: str, context: Context) -> Node | None:
    if identifier != context.principal.merchant_id:
        return None
    return Merchant.of(context.services.merchants.own(context.reading))


def _persona(identifier: str, context: Context) -> Node | None:
    if "sandbox" not in context.principal.allowed:  # only sandbox tokens can hold it
        return None
    persona = context.services.personas.find(context.reading, identifier)
    return SandboxPersona.of(persona) if persona else None


_FINDERS = {
    "dec": _decision,
    "con": _consent,
    "dsp": _dispute,
    "evt": _event,
    "mer": _merchant,
    "per": _persona,
}
