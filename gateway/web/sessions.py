"""Browser sessions: their cookie, and the CSRF protection of forms (RFC 6265, RFC 9700 section 4.7)."""

import hmac
from collections.abc import Collection
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from gateway.services.container import Container
from gateway.services.identity.accounts import BrowserSession
from gateway.services.identity.logins import LONGEST_DEVICE_COOKIE
from gateway.services.identity.visitors import VisitorCookies
from gateway.store.unit import UnitOfWork
from gateway.web.errors import PageError, SignedOut
from gateway.web.own_forms import CSRF_FIELD, FOREIGN_FORM, read_own_form, reports_own_origin
from gateway.web.rendering import set_person_language

LONGEST_SECRET = 128
_YEAR = 365 * 86400


@dataclass(frozen=True, slots=True)
class Submission:
    """A submitted form. `session` is that of the cookie, None without a live one. `authentic`: the form is from a page
    of this session, or the browser reports that it is from a page of ours."""

    session: BrowserSession | None
    form: dict[str, str]
    authentic: bool


class Sessions:
    """Loads and starts sessions, and checks submitted forms."""

    def __init__(self, container: Container) -> None:
        self._database, self._accounts, self._clock = container.database, container.accounts, container.clock
        self._visitors = VisitorCookies(container.secrets.derive("visitors"), container.settings.session_life)
        self._issuer = container.settings.issuer
        self._secure = self._issuer.startswith("https")
        prefix = "__Host-" if self._secure else ""
        self.cookie, self.device_cookie_name = f"{prefix}sesame_session", f"{prefix}sesame_device"

    async def current(self, request: Request) -> BrowserSession | None:
        """The session of the request's cookie, of a person or a visitor. None if the cookie is missing or the session
        has ended."""
        secret = request.cookies.get(self.cookie, "")
        if not 0 < len(secret) <= LONGEST_SECRET:
            return None
        visitor = self._visitors.find(secret, self._clock())
        if visitor is not None:
            return visitor
        session = await run_in_threadpool(self._find, secret)
        if session is not None:
            set_person_language(request, session.language)
        return session

    async def of_visitor(self, request: Request) -> BrowserSession:
        """The session of the request's cookie, or a new session of a visitor."""
        session = await self.current(request)
        return session if session is not None else self._visitors.new(self._clock())

    async def submitted(
        self, request: Request, multiline: Collection[str] = ()
    ) -> tuple[BrowserSession, dict[str, str]]:
        """The session and the fields of a submitted form. The fields in `multiline` may contain line ends. Raises
        SignedOut if nobody is signed in any more, PageError (403) unless the form has the session's CSRF token and the
        browser reports our own origin."""
        form = await read_own_form(request, self._issuer, multiline)
        session = await self.current(request)
        matches = session is not None and _has_token(form, session)
        own, visitor = reports_own_origin(request, self._issuer), session is not None and session.user_id is None
        # The login page is no harm to those who have lost their session. Others get an error.
        if (own and visitor and not matches) or (session is None and (own or self.cookie in request.cookies)):
            raise SignedOut(form)
        if session is None or not matches:
            raise PageError(403, FOREIGN_FORM)
        return session, form

    async def submitted_login(self, request: Request, *, without_referrer: bool = False) -> Submission:
        """The form of the login or logout page, which may be from a tab that is older than the session. Raises
        PageError (403) for a form of another origin. `without_referrer`: the page has the policy no-referrer, with
        which browsers report no origin. Then the site that they report counts, and the CSRF token."""
        form = await read_own_form(request, self._issuer, without_referrer=without_referrer)
        session = await self.current(request)
        authentic = reports_own_origin(request, self._issuer) or (session is not None and _has_token(form, session))
        return Submission(session, form, authentic)

    def remember(self, response: Response, session: BrowserSession) -> None:
        """Sets the session cookie, which the browser deletes when it closes. The session can end earlier."""
        response.set_cookie(self.cookie, session.secret, path="/", secure=self._secure, httponly=True, samesite="lax")

    def device_cookie(self, request: Request) -> str:
        """What the browser got at its last login, "" if it has nothing or nothing of ours."""
        cookie = request.cookies.get(self.device_cookie_name, "")
        return cookie if len(cookie) <= LONGEST_DEVICE_COOKIE else ""

    def remember_browser(self, response: Response, cookie: str) -> None:
        """Sets the cookie by which the browser is known at its next login. It outlives sessions and signing out."""
        response.set_cookie(
            self.device_cookie_name, cookie, _YEAR, path="/", secure=self._secure, httponly=True, samesite="lax"
        )

    def forget(self, response: Response) -> None:
        response.delete_cookie(self.cookie, path="/", secure=self._secure, httponly=True, samesite="lax")

    def _find(self, secret: str) -> BrowserSession | None:
        def look_up(unit: UnitOfWork) -> BrowserSession | None:
            return self._accounts.find_session(unit, secret)

        session = self._database.read(look_up)
        if session is not None and session.stale:
            self._database.write(lambda unit: self._accounts.touch(unit, secret))
        return session


def _has_token(form: dict[str, str], session: BrowserSession) -> bool:
    return hmac.compare_digest(form.get(CSRF_FIELD, "").encode(), session.csrf_token.encode())
