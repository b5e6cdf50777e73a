"""The consent page: who asks, for what, how long. Every request is shown, and answered by the person alone."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from gateway.domain.authorization_detail import AuthorizationDetail
from gateway.domain.consent_change import Change
from gateway.domain.consent_request import AS_ASKED, Choice, Request, narrow
from gateway.domain.errors import InvalidInput
from gateway.oauth.authorization import AuthorizationRefused, Refusal
from gateway.oauth.metadata import AUTHORIZE
from gateway.services.accounts import BrowserSession
from gateway.store.database import Session
from gateway.web.errors import PageError
from gateway.web.pages import narrowing, step_up, words
from gateway.web.pages.login import login_address
from gateway.web.pages.site import Site, address_of, see_other
from gateway.web.sessions import CSRF_FIELD, FOREIGN_FORM
from gateway.web.texts import msgid

_REFUSALS = {
    Refusal.NOT_PUSHED: (400, msgid("The request must be pushed by the merchant before it is shown here.")),
    Refusal.UNUSABLE: (
        400,
        msgid("This request is unknown, has expired, or has been answered. Please start again at the merchant."),
    ),
    Refusal.CHANGED: (
        400,
        msgid("What the merchant may ask for has changed meanwhile. Please start again at the merchant."),
    ),
    Refusal.OTHER_PERSON: (
        403,
        msgid("The merchant wants to change a consent that another account has given. Sign out first."),
    ),
    Refusal.OTHER_PARTNER: (
        403,
        msgid("You are signed in with an account that does not belong to this merchant's sandbox. Sign out first."),
    ),
}
_NO_DECISION = msgid("Please choose one of the two answers.")
_SIGN_OUT = (Refusal.OTHER_PARTNER, Refusal.OTHER_PERSON)
_SOURCE = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+|[a-z][a-z0-9+.\-]*:", re.ASCII)


@dataclass(frozen=True, slots=True)
class Shown:
    """What the consent page says of the signed-in person and the open request. `comes_to` is what would be in force
    if all of it were allowed. `now` is the partner's business time."""

    name: str
    merchant: str
    client: str
    client_id: str
    redirect_uri: str
    asked: Request
    change: Change | None
    comes_to: tuple[AuthorizationDetail, ...]
    now: datetime


class AuthorizePage:
    """GET and POST /oauth/authorize."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, request: HttpRequest) -> Response:
        """The page; 303 to the login for a visitor; an error page, never a redirect, for a request that cannot be
        used. Parameters beside client_id and request_uri are ignored (RFC 9126 section 4)."""
        client_id, request_uri = _one(request, "client_id"), _one(request, "request_uri")
        session = await self._site.sessions.current(request)
        user_id = session.user_id if session else None
        try:
            shown = await run_in_threadpool(self._open, client_id, request_uri, user_id)
        except AuthorizationRefused as refused:
            raise _page_error(refused, session) from None
        if shown is None or session is None:
            return see_other(login_address(address_of(request)))
        if step_up.required(self._site, session, shown.comes_to):
            return step_up.ask(address_of(request))
        return self._page(request, shown, session, str(request_uri))

    async def decide(self, request: HttpRequest) -> Response:
        """303 to the client with a code, or with access_denied; to the login where the decision needs a fresh one. The
        page once more (422) where what the person filled in cannot be: then nothing is decided."""
        session, form = await self._site.sessions.submitted(request)
        if session.user_id is None:
            raise PageError(403, FOREIGN_FORM)
        decision = form.get("decision")
        if decision not in {"allow", "deny"}:
            raise PageError(400, _NO_DECISION)
        client_id = form.get("client_id") or _one(request, "client_id")
        request_uri = form.get("request_uri") or _one(request, "request_uri")
        try:
            choice = narrowing.read(form) if decision == "allow" else None
            location = await run_in_threadpool(self._decide, client_id, request_uri, session, choice)
        except InvalidInput as refused:
            return await self._again(request, session, form, (client_id, request_uri), refused)
        except step_up.FreshLoginRequired:
            return step_up.ask(f"{AUTHORIZE}?{urlencode({'client_id': client_id, 'request_uri': request_uri})}")
        except AuthorizationRefused as refused:
            raise _page_error(refused, session) from None
        return see_other(location)

    async def _again(
        self,
        request: HttpRequest,
        session: BrowserSession,
        form: Mapping[str, str],
        asked: tuple[str | None, str | None],
        refused: InvalidInput,
    ) -> Response:
        try:
            shown = await run_in_threadpool(self._open, *asked, session.user_id)
        except AuthorizationRefused as unusable:
            raise _page_error(unusable, session) from None
        assert shown is not None  # the person is signed in
        return self._page(request, shown, session, str(asked[1]), narrowing.sent(form), refused)

    def _page(
        self,
        request: HttpRequest,
        shown: Shown,
        session: BrowserSession,
        request_uri: str,
        choice: Choice = AS_ASKED,
        refused: InvalidInput | None = None,
    ) -> Response:
        asked, texts = shown.asked, self._site.renderer.texts(request)
        parts = words.parts(texts, shown.merchant, asked.scopes, asked.details, shown.now)
        query = {"client_id": shown.client_id, "request_uri": request_uri}
        return self._site.renderer.page(
            request,
            "consent.html",
            422 if refused else 200,
            form_target=_source(shown.redirect_uri),
            query=query,
            merchant=shown.merchant,
            client=shown.client,
            name=shown.name,
            parts=parts,
            purposes=list(dict.fromkeys(part.purpose for part in parts)),
            before=words.before(texts, shown.merchant, shown.change, shown.now),
            filled=narrowing.fill(texts, asked, shown.now, choice, refused),
            decides=any(detail.type == "decision" for detail in asked.details),
            returns_to=urlsplit(shown.redirect_uri).netloc or shown.redirect_uri,
            hidden=query,
            return_to=f"{AUTHORIZE}?{urlencode(query)}",
            csrf_field=CSRF_FIELD,
            csrf_token=session.csrf_token,
        )

    def _open(self, client_id: str | None, request_uri: str | None, user_id: str | None) -> Shown | None:
        with self._site.database.write() as session:
            opened = self._site.authorization.open(session, client_id, request_uri, self._site.clock())
            if user_id is None:
                return None
            user = self._site.accounts.user(session, user_id)
            self._site.authorization.require_own(opened, user)
            return Shown(
                name=user.display_name,
                merchant=opened.merchant.name,
                client=opened.client.name,
                client_id=opened.client.id,
                redirect_uri=opened.redirect_uri,
                asked=opened.asked,
                change=opened.change,
                comes_to=opened.comes_to(opened.asked),
                now=opened.now,
            )

    def _decide(
        self, client_id: str | None, request_uri: str | None, browser: BrowserSession, choice: Choice | None
    ) -> str:
        """Where the browser goes; None denies. Raises AuthorizationRefused, InvalidInput, FreshLoginRequired: then
        nothing is decided."""
        with self._site.database.write() as session:
            return self._decided(session, client_id, request_uri, browser, choice)

    def _decided(
        self,
        session: Session,
        client_id: str | None,
        request_uri: str | None,
        browser: BrowserSession,
        choice: Choice | None,
    ) -> str:
        now, authorization = self._site.clock(), self._site.authorization
        opened = authorization.open(session, client_id, request_uri, now)
        user = self._site.accounts.user(session, str(browser.user_id))
        authorization.require_own(opened, user)
        if choice is None:
            return authorization.deny(session, opened, now)
        granted = narrow(opened.asked, choice)
        step_up.require(self._site, browser, opened.comes_to(granted))
        return authorization.allow(session, opened, user, granted, now)


def _one(request: HttpRequest, name: str) -> str | None:
    """The parameter, None if it is absent, empty or repeated."""
    values = request.query_params.getlist(name)
    return values[0] if len(values) == 1 and values[0] and "\0" not in values[0] else None


def _source(redirect_uri: str) -> str | None:
    """The redirect URI's origin, or its scheme for an app, as a source in a Content-Security-Policy."""
    parts = urlsplit(redirect_uri)
    source = f"{parts.scheme}://{parts.netloc}" if parts.scheme in {"http", "https"} else f"{parts.scheme}:"
    return source if _SOURCE.fullmatch(source) else None


def _page_error(refused: AuthorizationRefused, session: BrowserSession | None) -> PageError:
    status, message = _REFUSALS[refused.refusal]
    signs_out = refused.refusal in _SIGN_OUT
    return PageError(status, message, session.csrf_token if session and signs_out else None)
