"""The handlers of the sign-in link of a partner, and of signing out."""

from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.services.sandbox.partner_sessions import LinkProblem, UnusableLink
from gateway.web.own_forms import read_own_form
from gateway.web.site.redirects import GRAPHIQL, HOME, PARTNER_DESK, PARTNER_SIGN_IN, see_other
from gateway.web.site.site import Site
from gateway.web.texts import msgid

SIGN_OUT = "/partners/sign-out"
PLACES = frozenset({HOME, PARTNER_DESK, GRAPHIQL})
"""The addresses that a sign-in may lead to, by its parameter `next`."""

_PROBLEMS = {
    LinkProblem.UNKNOWN: (404, msgid("The link is incomplete, or it is too old.")),
    LinkProblem.USED: (410, msgid("The link has been used. It works only once.")),
    LinkProblem.EXPIRED: (410, msgid("The link has expired.")),
}
_NO_REFERRER = "no-referrer"


def routes(site: Site) -> list[Route]:
    """GET and POST /partners/sign-in, POST /partners/sign-out."""
    page = SignInPage(site)
    return [
        Route(PARTNER_SIGN_IN, page.open),
        Route(PARTNER_SIGN_IN, page.confirm, methods=["POST"]),
        Route(SIGN_OUT, page.sign_out, methods=["POST"]),
    ]


class SignInPage:
    """The sign-in link. The token is in the address of the page, so no request gets that address as its referrer, and
    the language links do not repeat it."""

    def __init__(self, site: Site) -> None:
        self._site, self._sessions = site, site.partner_sessions
        self._service = site.container.sandbox.partner_sessions

    async def open(self, request: Request) -> Response:
        """303 to the place `next` with a new session. Without a token, the page that says how to sign in. If another
        website led here, or the browser opens the page in advance, a page with a button: a website cannot sign anybody
        in. 404 or 410 for a link that cannot be used."""
        token = request.query_params.get("token", "")
        if not token:
            return await self._explain(request)
        if request.method == "HEAD" or not _is_opened_by_person(request):
            return self._page(request, "confirm.html", token=token, next=_place(request.query_params))
        return await self._use(request, token, _place(request.query_params))

    async def confirm(self, request: Request) -> Response:
        """The button of the page: as `open`."""
        form = await read_own_form(request, self._site.container.settings.issuer, without_referrer=True)
        return await self._use(request, form.get("token", ""), _place(form))

    async def sign_out(self, request: Request) -> Response:
        """Ends the session; 303 to the first page."""
        session, _ = await self._sessions.submitted(request)
        await run_in_threadpool(self._service.sign_out, session)
        response = see_other(HOME)
        self._sessions.forget(response)
        return response

    async def _use(self, request: Request, token: str, place: str) -> Response:
        previous = await self._sessions.current(request)
        try:
            session = await run_in_threadpool(self._service.open_link, token, previous)
        except UnusableLink as unusable:
            status, reason = _PROBLEMS[unusable.problem]
            return await self._explain(request, status, reason)
        response = see_other(place)
        self._sessions.remember(response, session)
        return response

    async def _explain(self, request: Request, status: int = 200, reason: str = "") -> Response:
        session = await self._sessions.current(request)
        return self._page(request, "sign_in.html", status, reason=reason, session=session)

    def _page(self, request: Request, template: str, status: int = 200, **values: Any) -> Response:
        return self._site.renderer.page(
            request,
            f"pages/partners/session/{template}",
            status,
            address=PARTNER_SIGN_IN,
            referrer_policy=_NO_REFERRER,
            **values,
        )


def _place(fields: Mapping[str, str]) -> str:
    place = fields.get("next", HOME)
    return place if place in PLACES else HOME


def _is_opened_by_person(request: Request) -> bool:
    """Whether the address was opened from a terminal, the address bar or a page of ours, as far as the browser says."""
    opened_in_advance = "prefetch" in request.headers.get("sec-purpose", request.headers.get("purpose", ""))
    return not opened_in_advance and request.headers.get("sec-fetch-site", "none") in {"none", "same-origin"}
