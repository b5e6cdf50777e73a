"""GET /partners/personas: the personas of the partner, and what each of them gets at each merchant."""

import shlex
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.domain.decisions.check_in import CheckInTerms
from gateway.domain.decisions.credit_offer import CreditOfferTerms
from gateway.domain.decisions.outcome import Approval
from gateway.domain.decisions.transitions import first_status
from gateway.services.sandbox.persona_outcomes import PersonaOutcome
from gateway.web.pages.partners.desk import PERSONAS, Desk
from gateway.web.site.consent_parts import PRODUCTS
from gateway.web.site.site import Site
from gateway.web.texts import Texts, msgid

_ASKED = msgid("%(amount)s, %(product)s")
_GRANTED = msgid("%(amount)s of %(asked)s")
_RATE = msgid("at %(percent)s percent a year")
_NO_FRONT_DESK = msgid("without the front desk")


@dataclass(frozen=True, slots=True)
class OutcomeView:
    """An outcome: what was asked, the status of the decision, what is granted ("" if nothing is), and reason codes."""

    merchant: str
    asked: str
    status: str
    granted: str
    reasons: tuple[str, ...]


def routes(site: Site) -> list[Route]:
    """GET /partners/personas."""
    desk, service = Desk(site), site.container.persona_outcomes

    async def show(request: Request) -> Response:
        session = await site.partner_sessions.require(request)
        personas = await desk.read(lambda unit: service.list_at_merchants(unit, session.partner_id))
        texts = site.renderer.texts(request)
        return desk.page(
            request,
            session,
            "personas/personas.html",
            section=PERSONAS,
            personas=[(each, [_describe(texts, outcome) for outcome in each.outcomes]) for each in personas],
            command=f"gateway sandbox personas {shlex.quote(session.partner_name)}",
        )

    return [Route(PERSONAS, show)]


def _describe(texts: Texts, described: PersonaOutcome) -> OutcomeView:
    ordinary = described.ordinary
    outcome, requested = ordinary.outcome, texts.money(ordinary.requested)
    parts = []
    if isinstance(outcome, Approval):
        terms = outcome.terms
        granted = texts.money(terms.exposed)
        is_whole = terms.exposed == ordinary.requested
        parts.append(granted if is_whole else texts.gettext(_GRANTED, amount=granted, asked=requested))
        if isinstance(terms, CreditOfferTerms):
            parts.append(texts.gettext(_RATE, percent=format(terms.apr_percent.normalize(), "f")))
        if isinstance(terms, CheckInTerms) and terms.skip_front_desk:
            parts.append(texts.gettext(_NO_FRONT_DESK))
    return OutcomeView(
        merchant=described.merchant_name or ordinary.adapter,
        asked=texts.gettext(_ASKED, amount=requested, product=texts.gettext(PRODUCTS[ordinary.product])),
        status=first_status(outcome),
        granted=texts.comma.join(parts),
        reasons=tuple(outcome.reasons),
    )
