"""GET /partners: the partner of the session, and how much it has of what."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.services.sandbox.clock import PartnerClock
from gateway.store.unit import UnitOfWork
from gateway.web.pages.partners.desk import Desk
from gateway.web.site.redirects import PARTNER_DESK
from gateway.web.site.site import Site


@dataclass(frozen=True, slots=True)
class Overview:
    """The clock of the partner, and the numbers of its merchants, personas and webhook endpoints."""

    clock: PartnerClock
    merchants: int
    personas: int
    endpoints: int


def routes(site: Site) -> list[Route]:
    """GET /partners."""
    desk = Desk(site)

    async def show(request: Request) -> Response:
        session = await site.partner_sessions.require(request)
        overview = await desk.read(lambda unit: _load(desk, unit, session.partner_id))
        texts = site.renderer.texts(request)
        return desk.page(
            request,
            session,
            "overview/overview.html",
            section=PARTNER_DESK,
            overview=overview,
            now=texts.moment(overview.clock.now),
            session_end=texts.moment(session.expires_at),
            issuer=site.container.settings.issuer,
        )

    return [Route(PARTNER_DESK, show)]


def _load(desk: Desk, unit: UnitOfWork, partner_id: str) -> Overview:
    merchants = unit.merchants.list_merchants(partner_id)
    return Overview(
        clock=desk.container.sandbox.clock.read(unit, partner_id),
        merchants=len(merchants),
        personas=len(unit.users.list_personas(partner_id)),
        endpoints=sum(len(unit.webhook_endpoints.list_of_merchant(each.id)) for each in merchants),
    )
