"""Signing in and out."""

import re
from urllib.parse import urlencode, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from gateway.kit.limits import TooManyAttempts
from gateway.services.accounts import BrowserSession
from gateway.services.logins import Attempt
from gateway.web.errors import PageError
from gateway.web.pages.site import Site, see_other
from gateway.web.sessions import CSRF_FIELD
from gateway.web.texts import msgid

HOME = "/account"
_RETURNS = ("/account", "/oauth/authorize", "/device")
_PATH_AND_QUERY = re.compile(r"/[A-Za-z0-9/._~%?&=+:@!$'()*,;-]{0,4000}", re.ASCII)
WRONG = msgid("That username and password do not belong together.")
TOO_MANY = msgid(
    "Too many logins have failed. Please wait a while, or use a browser in which you have signed in to this account "
    "before."
)
_COUNT = re.compile(r"[0-9]{1,6}", re.ASCII)


def login_address(return_to: str, *, again: bool = False) -> str:
    """The login page, which leads back to `return_to`. `again` tells a signed-in person why they are asked."""
    return f"/login?{urlencode({'return_to': return_to, **({'again': '1'} if again else {})})}"


def signed_out_address(ended: int) -> str:
    """The login page, which says how many sessions have been ended."""
    return f"/login?{urlencode({'ended': ended})}"


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
        query = request.query_params
        username = await run_in_threadpool(self._username, session.user_id) if session.user_id else ""
        ended = int(query["ended"]) if _COUNT.fullmatch(query.get("ended", "")) else None
        response = self._form(
            request, session, query.get("return_to"), username=username, again=query.get("again"), ended=ended
        )
        self._site.sessions.remember(response, session)
        return response

    async def submit(self, request: Request) -> Response:
        """303 to where the person came from, with a new session; the form again (400) for a wrong password. Raises
        PageError (429) at a limit. The address that is counted is that of who connects, as the ASGI scope has it: the
        server believes no proxy's headers, which anybody could send."""
        session, form = await self._site.sessions.submitted(request)
        return_to = form.get("return_to") or request.query_params.get("return_to")
        username, address = form.get("username", ""), request.client.host if request.client else ""
        attempt = Attempt(username, form.get("password", ""), address, self._site.sessions.mark(request))
        try:
            signed_in = await run_in_threadpool(self._site.logins.sign_in, session, attempt)
        except TooManyAttempts as limit:
            raise PageError(429, TOO_MANY, retry_after=limit.retry_after) from None
        if signed_in is None:
            again = form.get("again")
            return self._form(request, session, return_to, username=username, again=again, error=WRONG)
        response = see_other(local_address(return_to))
        self._site.sessions.remember(response, signed_in.session)
        self._site.sessions.remember_browser(response, signed_in.mark)
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
        self,
        request: Request,
        session: BrowserSession,
        return_to: str | None,
        *,
        username: str = "",
        again: str | None = None,
        ended: int | None = None,
        error: str = "",
    ) -> Response:
        return self._site.renderer.page(
            request,
            "login.html",
            400 if error else 200,
            csrf_field=CSRF_FIELD,
            csrf_token=session.csrf_token,
            return_to=local_address(return_to),
            username=username[:64],
            again=bool(again),
            ended=ended,
            error=error,
        )

    def _username(self, user_id: str) -> str:
        with self._site.database.read() as session:
            return self._site.accounts.user(session, user_id).username

    def _sign_out(self, browser: BrowserSession) -> None:
        with self._site.database.write() as session:
            self._site.accounts.sign_out(session, browser.secret, self._site.clock())
