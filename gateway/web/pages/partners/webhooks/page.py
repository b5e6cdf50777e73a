"""The handlers of the pages about webhook endpoints and their deliveries."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.domain.errors import InvalidInput, NotFound
from gateway.domain.events import Topic, wire_name
from gateway.domain.webhooks.notice import SubjectType, subject_type_of
from gateway.domain.webhooks.variant import WebhookVariant
from gateway.services.sandbox import partner_webhooks
from gateway.services.sandbox.partner_sessions import PartnerSession
from gateway.store.unit import UnitOfWork
from gateway.store.webhooks.endpoints import WebhookEndpointRow
from gateway.web.errors import PageError
from gateway.web.own_forms import FOREIGN_FORM
from gateway.web.pages.partners.desk import NOT_THERE, WEBHOOKS, Desk, read_id
from gateway.web.pages.partners.webhooks.view import describe_delivery
from gateway.web.site.redirects import page_address, see_other
from gateway.web.site.site import Site
from gateway.web.texts import msgid

T = TypeVar("T")

TOPICS: dict[str, tuple[str, tuple[Topic, ...]]] = {
    "all": (msgid("all events"), tuple(Topic)),
    "decisions": (
        msgid("events of decisions and disputes"),
        tuple(each for each in Topic if subject_type_of(each) is SubjectType.DECISION),
    ),
    "consents": (
        msgid("events of consents"),
        tuple(each for each in Topic if subject_type_of(each) is SubjectType.CONSENT),
    ),
}
"""What a new endpoint can get, by the value in the form."""

OVERLAPS = {"PT0S": timedelta(0), "PT1H": timedelta(hours=1), "P1D": timedelta(days=1), "P7D": timedelta(days=7)}
"""How long the old secret stays valid, by the value in the form."""

_PROBLEMS = {
    "url": msgid(
        "The address cannot be used. It must be absolute, with https or on your own machine, without user name and"
        " fragment."
    ),
    "deliveryId": msgid("The endpoint is disabled. Enable it first."),
}
_TOO_MANY = msgid("The merchant has as many endpoints as it may have. Delete one first.")


def routes(site: Site) -> list[Route]:
    """GET and POST /partners/webhooks, and below it."""
    page = WebhooksPage(site)
    one = f"{WEBHOOKS}/{{id}}"
    return [
        Route(WEBHOOKS, page.show),
        Route(WEBHOOKS, page.create, methods=["POST"]),
        Route(one, page.show_endpoint),
        Route(f"{one}/test", page.send_test, methods=["POST"]),
        Route(f"{one}/secret", page.rotate, methods=["POST"]),
        Route(f"{one}/switch", page.switch, methods=["POST"]),
        Route(f"{one}/delete", page.delete, methods=["POST"]),
        Route(f"{WEBHOOKS}/deliveries/{{id}}/resend", page.resend, methods=["POST"]),
    ]


class WebhooksPage:
    """The list of endpoints, the page of one endpoint, and their forms."""

    def __init__(self, site: Site) -> None:
        self._desk, self._service = Desk(site), site.container.webhooks
        self._trigger = site.container.sandbox.webhooks.trigger

    async def show(self, request: Request) -> Response:
        """The endpoints by merchant, and the form for a new one."""
        session = await self._desk.sessions.require(request)
        return await self._list(request, session)

    async def create(self, request: Request) -> Response:
        """The page of the new endpoint's secret, which only this response has; the form again with the problem (422).
        404 for the merchant of another partner."""
        session, form = await self._desk.sessions.submitted(request)
        topics = TOPICS.get(form.get("topics", ""))
        if topics is None:
            raise PageError(422, FOREIGN_FORM, address=WEBHOOKS)
        wanted, url = form.get("merchant", ""), form.get("url", "")
        merchant_id = await self._read(lambda unit: partner_webhooks.require_merchant(unit, session.partner_id, wanted))
        try:
            endpoint, secret = await run_in_threadpool(self._service.create, merchant_id, url, topics[1])
        except InvalidInput as refused:
            problem = _PROBLEMS.get(".".join(refused.field or ()), _TOO_MANY)
            return await self._list(request, session, 422, problem=problem, chosen=merchant_id, url=url)
        return self._secret(request, session, endpoint, secret)

    async def show_endpoint(self, request: Request) -> Response:
        """The endpoint with its newest deliveries."""
        session, endpoint_id = await self._desk.sessions.require(request), read_id(request)
        page = await self._read(lambda unit: partner_webhooks.load_endpoint(unit, session.partner_id, endpoint_id))
        texts = self._desk.site.renderer.texts(request)
        return self._desk.page(
            request,
            session,
            "webhooks/endpoint.html",
            section=WEBHOOKS,
            endpoint=page.endpoint,
            merchant_name=page.merchant_name,
            topics=[wire_name(Topic(each)) for each in page.endpoint.topics],
            created=texts.moment(page.endpoint.created_at),
            deliveries=[describe_delivery(texts, each) for each in page.deliveries],
            all_topics=[(each.value, wire_name(each)) for each in (Topic.TEST, *Topic) if each.value],
            variants=[each.value for each in WebhookVariant],
            overlaps=[(value, texts.length(length) if length else "") for value, length in OVERLAPS.items()],
            is_sent=request.query_params.get("sent") == "1",
        )

    async def send_test(self, request: Request) -> Response:
        """Triggers an event of the endpoint's merchant; 303 back to the endpoint. 422 for an unknown topic or
        variant."""
        session, form = await self._desk.sessions.submitted(request)
        endpoint = await self._endpoint(request, session)
        try:
            topic, variant = Topic(form.get("topic", "")), WebhookVariant(form.get("variant", ""))
        except ValueError:
            raise PageError(422, FOREIGN_FORM, address=_address(endpoint.id)) from None
        await run_in_threadpool(self._trigger, endpoint.merchant_id, topic, variant)
        return see_other(page_address(_address(endpoint.id), {"sent": "1"}))

    async def rotate(self, request: Request) -> Response:
        """The page of the new secret, which only this response has."""
        session, form = await self._desk.sessions.submitted(request)
        endpoint = await self._endpoint(request, session)
        overlap = OVERLAPS.get(form.get("overlap", ""))
        if overlap is None:
            raise PageError(422, FOREIGN_FORM, address=_address(endpoint.id))
        rotated, secret, _ = await self._change(
            lambda: self._service.rotate_secret(endpoint.merchant_id, endpoint.id, overlap)
        )
        return self._secret(request, session, rotated, secret)

    async def switch(self, request: Request) -> Response:
        """Enables or disables the endpoint; 303 back to it."""
        session, form = await self._desk.sessions.submitted(request)
        endpoint, enabled = await self._endpoint(request, session), form.get("enabled") == "yes"
        await self._change(lambda: self._service.update(endpoint.merchant_id, endpoint.id, enabled=enabled))
        return see_other(_address(endpoint.id))

    async def delete(self, request: Request) -> Response:
        """Deletes the endpoint; 303 to the list."""
        session, _ = await self._desk.sessions.submitted(request)
        endpoint = await self._endpoint(request, session)
        await self._change(lambda: self._service.delete(endpoint.merchant_id, endpoint.id))
        return see_other(WEBHOOKS)

    async def resend(self, request: Request) -> Response:
        """Sends a delivery again; 303 back to its endpoint. 422 if the endpoint is disabled."""
        session, _ = await self._desk.sessions.submitted(request)
        wanted = read_id(request)
        delivery, merchant_id = await self._read(
            lambda unit: partner_webhooks.require_delivery(unit, session.partner_id, wanted)
        )
        try:
            await self._change(lambda: self._service.resend(merchant_id, delivery.id))
        except InvalidInput:
            raise PageError(422, _PROBLEMS["deliveryId"], address=_address(delivery.endpoint_id)) from None
        return see_other(page_address(_address(delivery.endpoint_id), {"sent": "1"}))

    async def _list(
        self,
        request: Request,
        session: PartnerSession,
        status: int = 200,
        *,
        problem: str = "",
        chosen: str = "",
        url: str = "",
    ) -> Response:
        merchants = await self._read(lambda unit: partner_webhooks.list_endpoints(unit, session.partner_id))
        return self._desk.page(
            request,
            session,
            "webhooks/webhooks.html",
            status,
            section=WEBHOOKS,
            address=WEBHOOKS,
            merchants=merchants,
            topics=[(value, title) for value, (title, _) in TOPICS.items()],
            problem=problem,
            chosen=chosen,
            url=url,
        )

    def _secret(self, request: Request, session: PartnerSession, endpoint: WebhookEndpointRow, secret: str) -> Response:
        return self._desk.page(
            request,
            session,
            "webhooks/secret.html",
            section=WEBHOOKS,
            address=_address(endpoint.id),
            endpoint=endpoint,
            secret=secret,
        )

    async def _endpoint(self, request: Request, session: PartnerSession) -> WebhookEndpointRow:
        """The endpoint of the address. Raises PageError (404) for one of another partner."""
        endpoint_id = read_id(request)
        return await self._read(lambda unit: partner_webhooks.require_endpoint(unit, session.partner_id, endpoint_id))

    async def _read(self, work: Callable[[UnitOfWork], T]) -> T:
        """The result of a unit of work that reads. Raises PageError (404) for NotFound."""
        try:
            return await self._desk.read(work)
        except NotFound:
            raise PageError(404, NOT_THERE, address=WEBHOOKS) from None

    async def _change(self, change: Callable[[], T]) -> T:
        """The result of a change. Raises PageError (404) if its endpoint was deleted in the meantime."""
        try:
            return await run_in_threadpool(change)
        except NotFound:
            raise PageError(404, NOT_THERE, address=WEBHOOKS) from None


def _address(endpoint_id: str) -> str:
    return f"{WEBHOOKS}/{endpoint_id}"
