"""The handlers of the invitation page."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.domain.errors import InvalidInput
from gateway.services.identity.accounts import LONGEST_PASSWORD, SHORTEST_PASSWORD
from gateway.services.identity.invitations import Problem, UnusableInvitation
from gateway.store.identity.users import UserRow
from gateway.web.own_forms import CSRF_FIELD
from gateway.web.rendering import set_person_language
from gateway.web.site.password_threads import run_hashing
from gateway.web.site.redirects import ACCOUNT, INVITATION, page_address, see_other
from gateway.web.site.site import Site
from gateway.web.texts import msgid

_OUT_OF_DATE = msgid("This page was out of date. Please enter the password again.")
_BAD_LENGTH = msgid("This password is too short or too long.")
_PROBLEMS = {
    Problem.UNKNOWN: (404, msgid("The link is incomplete, or it is too old.")),
    Problem.USED: (410, msgid("The link has been used. It works only once.")),
    Problem.EXPIRED: (410, msgid("The link has expired, or a newer one has replaced it.")),
    Problem.DISABLED: (410, msgid("This account has been disabled.")),
}
_NO_REFERRER = "no-referrer"


def routes(site: Site) -> list[Route]:
    """GET and POST /invitation."""
    page = InvitationPage(site)
    return [Route(INVITATION, page.show), Route(INVITATION, page.submit, methods=["POST"])]


class InvitationPage:
    """The page and its form. The token is in the address of the page, so no request gets that address as its
    referrer."""

    def __init__(self, site: Site) -> None:
        self._site, self._invitations = site, site.container.invitations

    async def show(self, request: Request) -> Response:
        """The form, or a page that says why the invitation cannot be used (404, 410). Changes nothing, because mail
        scanners open links. Raises TooManyAttempts, also in `submit`."""
        return await self._form(request, request.query_params.get("token", ""))

    async def submit(self, request: Request) -> Response:
        """303 to the account page, with a new session; the form again for a password that is too short or too long
        (400), and for a form that anybody could have sent (403)."""
        submission = await self._site.sessions.submitted_login(request, without_referrer=True)
        token, password = submission.form.get("token", ""), submission.form.get("password", "")
        if not submission.authentic:
            return await self._form(request, token, 403, _OUT_OF_DATE)
        try:
            signed_in = await run_hashing(
                self._site, self._invitations.accept, submission.session, token, password, _address(request)
            )
        except InvalidInput:
            return await self._form(request, token, 400, _BAD_LENGTH)
        except UnusableInvitation as unusable:
            return self._unusable(request, token, unusable.problem)
        response = see_other(ACCOUNT)
        self._site.sessions.remember(response, signed_in.session)
        self._site.sessions.remember_browser(response, signed_in.device_cookie)
        return response

    async def _form(self, request: Request, token: str, status: int = 200, error: str = "") -> Response:
        try:
            user: UserRow = await run_in_threadpool(self._invitations.find_person, token, _address(request))
        except UnusableInvitation as unusable:
            return self._unusable(request, token, unusable.problem)
        session = await self._site.sessions.of_visitor(request)
        set_person_language(request, user.language)
        response = self._site.renderer.page(
            request,
            "pages/invitation/invitation.html",
            status,
            address=page_address(INVITATION, {"token": token}),
            referrer_policy=_NO_REFERRER,
            csrf_field=CSRF_FIELD,
            csrf_token=session.csrf_token,
            token=token,
            username=user.username,
            resets=user.password_hash is not None,
            shortest=SHORTEST_PASSWORD,
            longest=LONGEST_PASSWORD,
            error=error,
        )
        self._site.sessions.remember(response, session)
        return response

    def _unusable(self, request: Request, token: str, problem: Problem) -> Response:
        status, reason = _PROBLEMS[problem]
        return self._site.renderer.page(
            request,
            "pages/invitation/unusable.html",
            status,
            address=page_address(INVITATION, {"token": token}),
            referrer_policy=_NO_REFERRER,
            reason=reason,
            disabled=problem is Problem.DISABLED,
        )


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
