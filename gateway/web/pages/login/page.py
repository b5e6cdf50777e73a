"""The handlers of the login page: sign in and sign out."""

import re
from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.kit.limits import TooManyAttempts
from gateway.services.identity.accounts import LONGEST_USERNAME, BrowserSession
from gateway.services.identity.logins import Attempt
from gateway.store.unit import UnitOfWork
from gateway.web.errors import PageError
from gateway.web.own_forms import CSRF_FIELD
from gateway.web.site.password_threads import run_hashing
from gateway.web.site.redirects import LOGIN, local_address, login_address, see_other
from gateway.web.site.site import Site
from gateway.web.texts import msgid

_WRONG = msgid("Wrong username or password.")
_OUT_OF_DATE = msgid("This page was out of date. Please sign in again.")
_TOO_MANY = msgid("Too many failed sign-ins. Please wait a while, or use a browser in which you have signed in before.")
_COUNT = re.compile(r"[0-9]{1,6}", re.ASCII)


def routes(site: Site) -> list[Route]:
    """GET and POST /login, POST /logout."""
    page = LoginPage(site)
    return [
        Route(LOGIN, page.show),
        Route(LOGIN, page.submit, methods=["POST"]),
        Route("/logout", page.sign_out, methods=["POST"]),
    ]


class LoginPage:
    """The page, its form, and the form that signs out."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, request: Request) -> Response:
        """The form. A visitor gets a session for its CSRF token."""
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
        """303 to the page that required the login, with a new session; the form again (400) for a wrong password.
        Raises PageError (429) at a limit, and if too many other logins wait. The limit by address uses the peer of the
        connection (ASGI scope), because anybody can send the headers of a proxy.

        The form may be older than the session, for example in a second tab. If the browser reports our own origin, it
        signs in all the same. If not, anybody could have sent it: a person who is signed in stays so and is led to the
        page, a visitor gets the form again (403)."""
        submission = await self._site.sessions.submitted_login(request)
        session, form = submission.session, submission.form
        return_to = form.get("return_to") or request.query_params.get("return_to")
        if not submission.authentic:
            if session is not None and session.user_id is not None:
                return see_other(local_address(return_to))
            return await self._show_again(request, form, return_to)
        username, address = form.get("username", ""), request.client.host if request.client else ""
        attempt = Attempt(username, form.get("password", ""), address, self._site.sessions.device_cookie(request))
        try:
            signed_in = await run_hashing(self._site, self._site.container.logins.sign_in, session, attempt)
        except TooManyAttempts as limit:
            address = login_address(local_address(return_to), again="again" in form)
            raise PageError(429, _TOO_MANY, retry_after=limit.retry_after, address=address) from None
        if signed_in is None:
            visitor = session or await self._site.sessions.of_visitor(request)
            again = form.get("again")
            response = self._form(request, visitor, return_to, 400, username=username, again=again, error=_WRONG)
            self._site.sessions.remember(response, visitor)
            return response
        response = see_other(local_address(return_to))
        self._site.sessions.remember(response, signed_in.session)
        self._site.sessions.remember_browser(response, signed_in.device_cookie)
        return response

    async def sign_out(self, request: Request) -> Response:
        """Ends the session, if there is one; 303 to the login page. Needs no CSRF token, so that a page that is older
        than the session can sign out too: the check of the origin and SameSite protect it."""
        submission = await self._site.sessions.submitted_login(request)
        if submission.session is not None:
            await run_in_threadpool(self._sign_out, submission.session)
        return_to = submission.form.get("return_to")
        response = see_other(login_address(local_address(return_to)) if return_to else LOGIN)
        self._site.sessions.forget(response)
        return response

    async def _show_again(self, request: Request, form: Mapping[str, str], return_to: str | None) -> Response:
        visitor = await self._site.sessions.of_visitor(request)
        username, again = form.get("username", ""), form.get("again")
        response = self._form(request, visitor, return_to, 403, username=username, again=again, error=_OUT_OF_DATE)
        self._site.sessions.remember(response, visitor)
        return response

    def _form(
        self,
        request: Request,
        session: BrowserSession,
        return_to: str | None,
        status: int = 200,
        *,
        username: str = "",
        again: str | None = None,
        ended: int | None = None,
        error: str = "",
    ) -> Response:
        return self._site.renderer.page(
            request,
            "pages/login/login.html",
            status,
            leads_away=True,
            address=login_address(local_address(return_to), again=bool(again)) if request.method == "POST" else None,
            csrf_field=CSRF_FIELD,
            csrf_token=session.csrf_token,
            return_to=local_address(return_to),
            username=username[:LONGEST_USERNAME],
            longest_username=LONGEST_USERNAME,
            again=bool(again),
            ended=ended,
            error=error,
        )

    def _username(self, user_id: str) -> str:
        def load_username(unit: UnitOfWork) -> str:
            return self._site.container.accounts.load_user(unit, user_id).username

        return self._site.container.database.read(load_username)

    def _sign_out(self, browser: BrowserSession) -> None:
        container = self._site.container
        container.database.write(lambda unit: container.accounts.sign_out(unit, browser.secret))
