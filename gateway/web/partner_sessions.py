"""Browser sessions of partners in a sandbox: their cookie, and the CSRF protection of the forms on their pages. They
are separate from the sessions of persons: a browser can have one of each."""

import hmac

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from gateway.services.container import Container
from gateway.services.sandbox.partner_sessions import PartnerSession
from gateway.web.errors import PageError, PartnerSignedOut
from gateway.web.own_forms import CSRF_FIELD, FOREIGN_FORM, read_own_form

LONGEST_SECRET = 128


class PartnerSessions:
    """Loads and ends sessions of partners, and checks submitted forms. A page of partners begins with `require`, its
    form with `submitted`."""

    def __init__(self, container: Container) -> None:
        self._service, self._issuer = container.sandbox.partner_sessions, container.settings.issuer
        self._secure = self._issuer.startswith("https")
        self.cookie = f"{'__Host-' if self._secure else ''}sesame_partner"

    async def current(self, request: Request) -> PartnerSession | None:
        """The session of the request's cookie. None if the cookie is missing or the session has ended."""
        secret = request.cookies.get(self.cookie, "")
        if not 0 < len(secret) <= LONGEST_SECRET:
            return None
        return await run_in_threadpool(self._service.find, secret)

    async def require(self, request: Request) -> PartnerSession:
        """The session of the request's cookie. Raises PartnerSignedOut without one, which leads to the page that says
        how to sign in."""
        session = await self.current(request)
        if session is None:
            raise PartnerSignedOut
        return session

    async def submitted(self, request: Request) -> tuple[PartnerSession, dict[str, str]]:
        """The session and the fields of a submitted form. Raises PartnerSignedOut without a session, PageError (403)
        for a form without the session's CSRF token or of another origin."""
        form = await read_own_form(request, self._issuer)
        session = await self.require(request)
        if not hmac.compare_digest(form.get(CSRF_FIELD, "").encode(), session.csrf_token.encode()):
            raise PageError(403, FOREIGN_FORM)
        return session, form

    def remember(self, response: Response, session: PartnerSession) -> None:
        """Sets the session cookie, which the browser deletes when it closes. The session can end earlier."""
        response.set_cookie(self.cookie, session.secret, path="/", secure=self._secure, httponly=True, samesite="lax")

    def forget(self, response: Response) -> None:
        response.delete_cookie(self.cookie, path="/", secure=self._secure, httponly=True, samesite="lax")
