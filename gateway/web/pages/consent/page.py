"""The handlers of the consent page. Each authorization request shows it: no consent is given without the person."""

from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.domain.consents.request import AS_ASKED, Choice, narrow
from gateway.domain.errors import InvalidInput
from gateway.oauth.endpoints.authorization import AuthorizationRefused, OpenRequest, Refusal
from gateway.oauth.metadata import AUTHORIZE
from gateway.services.identity.accounts import BrowserSession
from gateway.store.unit import UnitOfWork
from gateway.web.errors import PageError, SignedOut
from gateway.web.own_forms import CSRF_FIELD, FOREIGN_FORM
from gateway.web.pages.consent.view import PermissionRequest, consent_address, describe_request
from gateway.web.site.narrowing_form import list_entered, read_choice, read_known_fields
from gateway.web.site.permission import OTHER_PARTNER, read_answer
from gateway.web.site.redirects import request_login, see_other
from gateway.web.site.site import Site
from gateway.web.site.step_up import (
    FreshLoginRequired,
    needs_fresh_login,
    request_fresh_login,
    require_fresh_login,
)
from gateway.web.texts import msgid

_REFUSALS = {
    Refusal.NOT_PUSHED: (400, msgid("This link has no request. Please go back to the merchant and start again.")),
    Refusal.UNUSABLE: (
        400,
        msgid("This request is unknown, has expired or was answered. Please go back to the merchant and start again."),
    ),
    Refusal.CHANGED: (
        400,
        msgid("This request is no longer valid. Please go back to the merchant and start again."),
    ),
    Refusal.OTHER_PERSON: (
        403,
        msgid("The merchant wants to change a consent of a different account. Please sign out first."),
    ),
    Refusal.OTHER_PARTNER: (
        403,
        OTHER_PARTNER,
    ),
}
_SIGN_OUT = (Refusal.OTHER_PARTNER, Refusal.OTHER_PERSON)


def routes(site: Site) -> list[Route]:
    """GET and POST /oauth/authorize."""
    page = ConsentPage(site)
    return [Route(AUTHORIZE, page.show), Route(AUTHORIZE, page.decide, methods=["POST"])]


class ConsentPage:
    """The page, and its form with the person's answer."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, request: Request) -> Response:
        """The page; 303 to the login page if nobody is signed in; an error page for an unusable request. Ignores
        parameters other than client_id and request_uri (RFC 9126 section 4)."""
        client_id, request_uri = _parameter(request, "client_id"), _parameter(request, "request_uri")
        session = await self._site.sessions.current(request)
        user_id = session.user_id if session else None
        try:
            permission = await run_in_threadpool(self._open, client_id, request_uri, user_id)
        except AuthorizationRefused as refused:
            raise _page_error(refused, session) from None
        address = consent_address(client_id, request_uri)
        if permission is None or session is None:
            return request_login(request, address)
        if needs_fresh_login(self._site, session, permission.granted_if_allowed, self._site.container.clock()):
            return request_fresh_login(address)
        return self._page(
            request, permission, session, self._load_choice(request, permission.request_uri, str(user_id))
        )

    async def decide(self, request: Request) -> Response:
        """303 to the client with a code or with access_denied, or to the login page if a fresh login is needed. The
        page again (422) if a field is invalid: then nothing is decided. If the person has answered the request before,
        the same 303 as then, or a page that says so once the code has been redeemed. With `lang` instead of an answer,
        the page in that language, with what the person has entered. What they have entered also survives a login."""
        try:
            session, form = await self._site.sessions.submitted(request)
        except SignedOut as signed_out:
            client_id, request_uri = _identify(request, signed_out.form)
            response = request_login(request, consent_address(client_id, request_uri))
            fields = list_entered(signed_out.form, ticks=False)  # nobody is known whose ticks these are
            self._site.kept_forms.keep(response, request_uri or "", None, fields)
            return response
        if session.user_id is None:
            raise PageError(403, FOREIGN_FORM)
        client_id, request_uri = _identify(request, form)
        if "lang" in form and "decision" not in form:
            self._site.renderer.choose_language(request, form["lang"])
            return await self._show_again(request, session, form, (client_id, request_uri))
        answer = read_answer(form)
        return await self._answer(request, session, form, answer)

    async def _answer(
        self, request: Request, session: BrowserSession, form: Mapping[str, str], answer: str
    ) -> Response:
        client_id, request_uri = _identify(request, form)
        try:
            fields = form if answer == "allow" else None
            location = await run_in_threadpool(self._decide, client_id, request_uri, session, fields)
        except InvalidInput as refused:
            return await self._show_again(request, session, form, (client_id, request_uri), refused)
        except FreshLoginRequired:
            response = request_fresh_login(consent_address(client_id, request_uri))
            self._site.kept_forms.keep(response, request_uri or "", session.user_id, list_entered(form))
            return response
        except AuthorizationRefused as refused:
            raise _page_error(refused, session) from None
        if location is None:
            return self._site.renderer.page(request, "pages/consent/answered.html")
        return see_other(location)

    async def _show_again(
        self,
        request: Request,
        session: BrowserSession,
        form: Mapping[str, str],
        parameters: tuple[str | None, str | None],
        refused: InvalidInput | None = None,
    ) -> Response:
        try:
            permission = await run_in_threadpool(self._open, *parameters, session.user_id)
        except AuthorizationRefused as unusable:
            raise _page_error(unusable, session) from None
        assert permission is not None  # the person is signed in
        response = self._page(request, permission, session, read_known_fields(form), refused)
        self._site.kept_forms.keep(response, permission.request_uri, session.user_id, list_entered(form))
        return response

    def _page(
        self,
        request: Request,
        permission: PermissionRequest,
        session: BrowserSession,
        choice: Choice = AS_ASKED,
        refused: InvalidInput | None = None,
    ) -> Response:
        renderer = self._site.renderer
        view = describe_request(renderer.texts(request), permission, choice, refused)
        return renderer.page(
            request,
            "pages/consent/consent.html",
            422 if refused else 200,
            leads_away=True,
            address=consent_address(permission.client_id, permission.request_uri),
            view=view,
            permission=view.permission,
            csrf_field=CSRF_FIELD,
            csrf_token=session.csrf_token,
        )

    def _load_choice(self, request: Request, request_uri: str, user_id: str) -> Choice:
        """What the person had entered before they signed in, AS_ASKED if nothing."""
        fields = self._site.kept_forms.load(request, request_uri, user_id)
        return read_known_fields(fields) if fields else AS_ASKED

    def _open(self, client_id: str | None, request_uri: str | None, user_id: str | None) -> PermissionRequest | None:
        """The request with the signed-in person, None if nobody is signed in. The first time gives ten minutes to
        decide; otherwise this only reads, so that strangers never wait for the writer. Raises AuthorizationRefused."""
        authorization, database = self._site.authorization, self._site.container.database

        def open_request(unit: UnitOfWork) -> tuple[OpenRequest, PermissionRequest | None]:
            opened = authorization.open(unit, client_id, request_uri)
            if user_id is None:
                return opened, None
            user = self._site.container.accounts.load_user(unit, user_id)
            authorization.require_eligible(opened, user)
            return opened, PermissionRequest(
                name=user.display_name,
                merchant=opened.merchant.name,
                client=opened.client.name,
                client_id=opened.client.id,
                request_uri=str(request_uri),
                redirect_uri=opened.redirect_uri,
                asked=opened.asked,
                change=opened.change,
                granted_if_allowed=opened.resulting_details(opened.asked),
                now=opened.now,
            )

        opened, permission = database.read(open_request)
        if opened.ends_soon:
            database.write(lambda unit: authorization.extend(unit, opened.digest))
        return permission

    def _decide(
        self,
        client_id: str | None,
        request_uri: str | None,
        browser: BrowserSession,
        fields: Mapping[str, str] | None,
    ) -> str | None:
        """Allows what the person chose in these fields, or denies the request if they are None. Returns the address to
        redirect to. If the person has answered the request before, that answer stands; then the address is None once
        its code has been redeemed. Raises AuthorizationRefused, InvalidInput, FreshLoginRequired: then nothing is
        decided."""
        authorization, user_id = self._site.authorization, str(browser.user_id)

        def decide(unit: UnitOfWork) -> str | None:
            answer = authorization.find_answer(unit, client_id, request_uri, user_id)
            if answer is not None:
                return answer.location
            opened = authorization.open(unit, client_id, request_uri)
            user = self._site.container.accounts.load_user(unit, user_id)
            authorization.require_eligible(opened, user)
            if fields is None:
                return authorization.deny(unit, opened, user)
            granted = narrow(opened.asked, read_choice(fields))
            require_fresh_login(self._site, browser, opened.resulting_details(granted), unit.wall)
            return authorization.allow(unit, opened, user, granted)

        return self._site.container.database.write(decide)


def _identify(request: Request, form: Mapping[str, str]) -> tuple[str | None, str | None]:
    """The client_id and request_uri of a submitted form or its address."""
    client_id = form.get("client_id") or _parameter(request, "client_id")
    return client_id, form.get("request_uri") or _parameter(request, "request_uri")


def _parameter(request: Request, name: str) -> str | None:
    """The parameter, None if it is absent, empty or repeated."""
    values = request.query_params.getlist(name)
    return values[0] if len(values) == 1 and values[0] and "\0" not in values[0] else None


def _page_error(refused: AuthorizationRefused, session: BrowserSession | None) -> PageError:
    status, message = _REFUSALS[refused.refusal]
    signs_out = refused.refusal in _SIGN_OUT
    return PageError(status, message, session.csrf_token if session and signs_out else None)
