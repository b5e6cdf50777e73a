"""The handlers of the device page: a person enters the code that a point of sale shows, reads the request, and decides.
Opening the page with a code in its address changes nothing: the person must send the form."""

from collections.abc import Mapping
from datetime import timedelta

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.domain.consents.request import AS_ASKED, Choice, narrow
from gateway.domain.errors import InvalidInput
from gateway.kit.limits import RateLimit, TooManyAttempts
from gateway.oauth.endpoints.authorization import AuthorizationRefused, Refusal
from gateway.oauth.metadata import DEVICE
from gateway.services.identity import user_codes
from gateway.services.identity.accounts import BrowserSession
from gateway.store.unit import UnitOfWork
from gateway.web.errors import PageError, SignedOut
from gateway.web.own_forms import CSRF_FIELD, FOREIGN_FORM
from gateway.web.pages.device.view import PointOfSaleRequest, describe_request
from gateway.web.site.narrowing_form import list_entered, read_choice, read_known_fields
from gateway.web.site.permission import OTHER_PARTNER, read_answer
from gateway.web.site.redirects import page_address, request_login, see_other
from gateway.web.site.site import Site
from gateway.web.site.step_up import FreshLoginRequired, request_fresh_login, require_fresh_login
from gateway.web.texts import msgid

DONE = f"{DEVICE}/done"
WRONG_CODES = RateLimit("wrong user codes", 10, timedelta(minutes=1))
"""Per person. There are 20^8 codes, and one person can try about a hundred of them while a code is valid."""
WRONG_CODES_FROM_ADDRESS = RateLimit("wrong user codes from an address", 100, timedelta(minutes=1))
"""Per network address, because the customers of a store can share one."""

_WRONG_CODE = msgid(
    "This code is wrong, has expired or was already used. Please check it at the checkout, or ask for a new one."
)
_TOO_MANY = msgid("Too many wrong codes. Please wait a while before you try again.")
_CHANGED = msgid("This request is no longer valid. Please ask for a new code at the checkout.")


def routes(site: Site) -> list[Route]:
    """GET and POST /device, GET /device/done."""
    page = DevicePage(site)
    return [Route(DEVICE, page.show), Route(DEVICE, page.submit, methods=["POST"]), Route(DONE, page.done)]


class DevicePage:
    """Three pages: the form for the code, the permission form, and the confirmation of the answer."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, request: Request) -> Response:
        """The form for the code, with `user_code` filled in if the address has one; 303 to the login page if
        nobody is signed in."""
        session = await self._site.sessions.current(request)
        codes = request.query_params.getlist("user_code")
        code = _read_code(codes[0]) if len(codes) == 1 else None
        if session is None or session.user_id is None:
            return request_login(request, page_address(DEVICE, {"user_code": code}))
        kept = self._site.kept_forms.load(request, DEVICE, session.user_id)
        return self._code_form(request, session, code or kept.get("user_code", ""))

    async def submit(self, request: Request) -> Response:
        """Without an answer, the permission form; with one, 303 to its confirmation. If the person has answered the
        request before, that answer stands and is confirmed again. 303 to the login page if a fresh login is needed; the
        form again (422) if a field is invalid. The code and what the person has entered survive a login; with `lang`
        the form comes again in that language."""
        try:
            session, form = await self._site.sessions.submitted(request)
        except SignedOut as signed_out:
            return self._keep(request_login(request, DEVICE), signed_out.form, None)
        if session.user_id is None:
            raise PageError(403, FOREIGN_FORM)
        self._site.renderer.choose_language(request, form.get("lang"))
        return await self._answer(request, session, form)

    async def _answer(self, request: Request, session: BrowserSession, form: dict[str, str]) -> Response:
        user_id = str(session.user_id)
        answer = read_answer(form) if "decision" in form else None
        typed, address = form.get("user_code", ""), request.client.host if request.client else ""
        try:
            sale = await run_in_threadpool(self._find, typed, user_id, address)
            if isinstance(sale, bool):
                return self._wrong_code(request, session, typed) if answer is None else _done(allowed=sale)
            if answer is None:
                require_fresh_login(self._site, session, sale.request.asked.details, self._site.container.clock())
                kept = form if "lang" in form else self._site.kept_forms.load(request, DEVICE, user_id)
                same = kept.get("user_code") == sale.request.user_code
                return self._confirmation(request, session, sale, read_known_fields(kept) if same else AS_ASKED)
            try:
                choice = read_choice(form) if answer == "allow" else None
                allowed = await run_in_threadpool(self._decide, typed, session, choice)
            except InvalidInput as refused:
                return self._confirmation(request, session, sale, read_known_fields(form), refused)
        except FreshLoginRequired:
            return self._keep(request_fresh_login(DEVICE), form, user_id)
        except TooManyAttempts as refused:
            raise PageError(429, _TOO_MANY, retry_after=refused.retry_after) from None
        except AuthorizationRefused as refused:
            return self._refusal(request, session, refused.refusal, typed)
        response = _done(allowed=allowed)
        self._site.kept_forms.forget(response)
        return response

    async def done(self, request: Request) -> Response:
        """The confirmation. The point of sale gets the answer with its next poll."""
        allowed = request.query_params.get("decision") == "allow"
        return self._site.renderer.page(request, "pages/device/done.html", allowed=allowed)

    def _code_form(
        self, request: Request, session: BrowserSession, code: str, error: str = "", status: int = 200
    ) -> Response:
        return self._site.renderer.page(
            request,
            "pages/device/enter_code.html",
            status,
            leads_away=True,
            address=DEVICE if request.method == "POST" else None,
            code=code,
            error=error,
            csrf_field=CSRF_FIELD,
            csrf_token=session.csrf_token,
        )

    def _confirmation(
        self,
        request: Request,
        session: BrowserSession,
        sale: PointOfSaleRequest,
        choice: Choice = AS_ASKED,
        refused: InvalidInput | None = None,
    ) -> Response:
        renderer = self._site.renderer
        view = describe_request(renderer.texts(request), sale, choice, refused)
        response = renderer.page(
            request,
            "pages/device/confirm.html",
            422 if refused else 200,
            leads_away=True,
            address=DEVICE,
            view=view,
            permission=view.permission,
            csrf_field=CSRF_FIELD,
            csrf_token=session.csrf_token,
        )
        return self._keep(response, {"user_code": sale.request.user_code}, None)

    def _keep(self, response: Response, form: Mapping[str, str], user_id: str | None) -> Response:
        """The response, after which the device page shows the code that was entered; for this user also what they have
        ticked. A code that somebody has typed must not be in an address."""
        code = _read_code(form.get("user_code", ""))
        if code is not None:
            entered = list_entered(form, ticks=user_id is not None)
            self._site.kept_forms.keep(response, DEVICE, user_id, {"user_code": code, **entered})
        return response

    def _refusal(self, request: Request, session: BrowserSession, refusal: Refusal, typed: str) -> Response:
        """The form for the code again, with an error. Raises PageError if another code cannot help."""
        if refusal is Refusal.OTHER_PARTNER:
            raise PageError(403, OTHER_PARTNER, session.csrf_token) from None
        if refusal is Refusal.CHANGED:
            raise PageError(400, _CHANGED) from None
        return self._wrong_code(request, session, typed)

    def _wrong_code(self, request: Request, session: BrowserSession, typed: str) -> Response:
        return self._code_form(request, session, typed[: user_codes.LONGEST_TYPED], _WRONG_CODE, 400)

    def _find(self, typed: str, user_id: str, address: str) -> PointOfSaleRequest | bool:
        """The undecided request with this code, or whether this user has allowed it. Raises AuthorizationRefused, and
        TooManyAttempts before it looks up the code. Only wrong codes count."""
        container, verification = self._site.container, self._site.device_verification

        def find(unit: UnitOfWork) -> PointOfSaleRequest | bool:
            answered = verification.find_answer(unit, typed, user_id)
            if answered is not None:
                return answered
            user = container.accounts.load_user(unit, user_id)
            return PointOfSaleRequest(user.display_name, verification.open(unit, typed, user))

        container.rate_limiter.test(WRONG_CODES, user_id)
        container.rate_limiter.test(WRONG_CODES_FROM_ADDRESS, address)
        try:
            return container.database.read(find)
        except AuthorizationRefused as refused:
            if refused.refusal is Refusal.UNUSABLE:
                container.rate_limiter.hit(WRONG_CODES, user_id)
                container.rate_limiter.hit(WRONG_CODES_FROM_ADDRESS, address)
            raise

    def _decide(self, typed: str, browser: BrowserSession, choice: Choice | None) -> bool:
        """Allows what the person chose, or denies the request if `choice` is None. Returns whether the request is
        allowed: if the person has answered it before, that answer stands. Raises AuthorizationRefused, InvalidInput,
        FreshLoginRequired: then nothing is decided."""
        container, verification = self._site.container, self._site.device_verification

        def decide(unit: UnitOfWork) -> bool:
            user = container.accounts.load_user(unit, str(browser.user_id))
            answered = verification.find_answer(unit, typed, user.id, lock=True)
            if answered is not None:
                return answered
            opened = verification.open(unit, typed, user)
            if choice is None:
                verification.deny(unit, opened, user)
            else:
                granted = narrow(opened.asked, choice)
                require_fresh_login(self._site, browser, granted.details, unit.wall)
                verification.allow(unit, opened, user, granted)
            return choice is not None

        return container.database.write(decide)


def _read_code(typed: str) -> str | None:
    """The code in the form for persons, None if the text is not a code."""
    code = user_codes.parse_code(typed)
    return user_codes.format_code(code) if code else None


def _done(*, allowed: bool) -> Response:
    return see_other(f"{DONE}?decision={'allow' if allowed else 'deny'}")
