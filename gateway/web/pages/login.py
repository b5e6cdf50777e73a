"""Signing in and out."""

import re
from urllib.parse import urlencode, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from gateway.services.accounts import BrowserSession
from gateway.web.pages.site import Site, see_other
from gateway.web.sessions import CSRF_FIELD
from gateway.web.texts import msgid

HOME = "/account"
_RETURNS = ("/account", "/oauth/authorize")
_PATH_AND_QUERY = re.compile(r"/[A-Za-z0-9/._~%?&=+:@!$'()*,;-]{0,4000}", re.ASCII)
WRONG = msgid("That username and password do not belong together.")


def login_address(return_to: str) -> str:
    """The login page, which leads back to `return_to`."""
    return f"/login?{urlencode({'return_to': return_to})}"


def local_address(text: str | None) -> str:
    """The address if it is one of our own pages that a login may lead to, else the account page. A foreign one never
    passes: the login must not become an open redirector."""
    if text is None or not _PATH_AND_QUERY.fullmatch(text):
        return HOME
    parts = urlsplit(text)
    return text if not parts.scheme and not parts.netloc and parts.path in _RETURNS else HOME


class LoginPage:
    """GET and POST /login, POST /logout."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, request: Request) -> Response:
        """The form; a visitor gets a session for its CSRF token."""
        session = await self._site.sessions.of_visitor(request)
        response = self._form(request, session, request.query_params.get("return_to"))
        self._site.sessions.remember(response, session)
        return response

    async def submit(self, request: Request) -> Response:
        """303 to where the person came from, with a new session; the form again (400) for a wrong password."""
        session, form = await self._site.sessions.submitted(request)
        return_to = form.get("return_to") or request.query_params.get("return_to")
        signed_in = await run_in_threadpool(self._sign_in, session, form.get("username", ""), form.get("password", ""))
        if signed_in is None:
            return self._form(request, session, return_to, form.get("username", ""), WRONG)
        response = see_other(local_address(return_to))
        self._site.sessions.remember(response, signed_in)
        return response

    async def sign_out(self, request: Request) -> Response:
        """Ends the session; 303 to the login page."""
        session, form = await self._site.sessions.submitted(request)
        await run_in_threadpool(self._sign_out, session)
        return_to = form.get("return_to")
        response = see_other(login_address(local_address(return_to)) if return_to else "/login")
        self._site.sessions.forget(response)
        return response

    def _form(
        self, request: Request, session: BrowserSession, return_to: str | None, username: str = "", error: str = ""
    ) -> Response:
        return self._site.renderer.page(
            request,
            "login.html",
            400 if error else 200,
            csrf_field=CSRF_FIELD,
            csrf_token=session.csrf_token,
            return_to=local_address(return_to),
            username=username[:64],
            error=error,
        )

    def _sign_in(self, visitor: BrowserSession, username: str, password: str) -> BrowserSession | None:
        with self._site.database.read() as session:
            user = self._site.accounts.authenticate(session, username, password)
            user_id = user.id if user else None
        if user_id is None:
            return None
        with self._site.database.write() as session:
            return self._site.accounts.sign_in(session, visitor, user_id, self._site.clock())

    def _sign_out(self, browser: BrowserSession) -> None:
        with self._site.database.write() as session:
            self._site.accounts.sign_out(session, browser.secret, self._site.clock())
