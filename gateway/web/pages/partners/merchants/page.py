"""The handlers of the page about merchants and clients, and of the button for a new merchant token."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.domain.errors import NotFound
from gateway.services.sandbox.partner_merchants import MerchantToken
from gateway.web.errors import PageError
from gateway.web.pages.partners.desk import MERCHANTS, NOT_THERE, Desk, read_id
from gateway.web.site.consent_parts import PRODUCTS
from gateway.web.site.site import Site


def routes(site: Site) -> list[Route]:
    """GET /partners/merchants, POST /partners/merchants/{id}/token."""
    page = MerchantsPage(site)
    return [Route(MERCHANTS, page.show), Route(f"{MERCHANTS}/{{id}}/token", page.issue, methods=["POST"])]


class MerchantsPage:
    """The page and its buttons."""

    def __init__(self, site: Site) -> None:
        self._desk, self._service = Desk(site), site.container.sandbox.partner_merchants

    async def show(self, request: Request) -> Response:
        """The merchants with their adapters and clients."""
        session = await self._desk.sessions.require(request)
        merchants = await self._desk.read(lambda unit: self._service.list_merchants(unit, session.partner_id))
        texts = self._desk.site.renderer.texts(request)
        return self._desk.page(
            request,
            session,
            "merchants/merchants.html",
            section=MERCHANTS,
            merchants=merchants,
            products=PRODUCTS,
            length=texts.length,
        )

    async def issue(self, request: Request) -> Response:
        """A new merchant token, which only this response has. 404 for the merchant of another partner."""
        session, _ = await self._desk.sessions.submitted(request)
        merchant_id = read_id(request)
        try:
            issued: MerchantToken = await run_in_threadpool(self._service.issue_token, session.partner_id, merchant_id)
        except NotFound:
            raise PageError(404, NOT_THERE, address=MERCHANTS) from None
        texts, settings = self._desk.site.renderer.texts(request), self._desk.container.settings
        return self._desk.page(
            request,
            session,
            "merchants/token.html",
            section=MERCHANTS,
            address=MERCHANTS,
            issued=issued,
            life=texts.length(issued.token.expires_at - issued.token.issued_at),
            issuer=settings.issuer,
        )
