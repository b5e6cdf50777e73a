"""The device page: a person types the code that a till shows, sees what it asks for, and decides (RFC 8628 section
3.3). Nothing happens to a code before they have sent it themselves."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from gateway.domain.authorization_detail import AuthorizationDetail
from gateway.domain.consent_request import AS_ASKED, Choice, narrow
from gateway.domain.errors import InvalidInput
from gateway.domain.place import Place
from gateway.kit.limits import Limit, TooManyAttempts
from gateway.oauth import user_code
from gateway.oauth.authorization import AuthorizationRefused, Refusal
from gateway.oauth.device_verification import WaitingTill
from gateway.oauth.metadata import DEVICE
from gateway.services.accounts import BrowserSession
from gateway.web.errors import PageError
from gateway.web.pages import narrowing, step_up, words
from gateway.web.pages.login import login_address
from gateway.web.pages.site import Site, address_of, see_other
from gateway.web.sessions import CSRF_FIELD, FOREIGN_FORM
from gateway.web.texts import Texts, msgid

DONE = f"{DEVICE}/done"
WRONG_CODES = Limit("wrong user codes", 10, timedelta(minutes=1))
"""By one person. Of a code's 20^8 values a guesser sees a hundred in its ten minutes; who mistypes waits a minute."""
WRONG_CODES_FROM_ADDRESS = Limit("wrong user codes from an address", 100, timedelta(minutes=1))
"""By all who come from one address: the customers of a store share one."""

_WRONG = msgid(
    "This code is unknown, has expired, or has been answered. Please compare it with the till, or ask for a new one."
)
_TOO_MANY = msgid("Too many wrong codes. Please wait a while before you try again.")
_CHANGED = msgid("What the merchant may ask for has changed meanwhile. Please ask for a new code at the till.")
_OTHER_PARTNER = msgid(
    "You are signed in with an account that does not belong to this merchant's sandbox. Sign out first."
)
_NO_DECISION = msgid("Please choose one of the two answers.")


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page says of the signed-in person and the waiting till."""

    name: str
    till: WaitingTill


class DevicePage:
    """GET and POST /device, GET /device/done."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, request: HttpRequest) -> Response:
        """The form, filled in with `user_code` where the address has one; 303 to the login for a visitor."""
        session = await self._site.sessions.current(request)
        if session is None or session.user_id is None:
            return see_other(login_address(address_of(request)))
        codes = request.query_params.getlist("user_code")
        code = user_code.typed(codes[0]) if len(codes) == 1 else None
        return self._form(request, session, user_code.shown(code) if code else "")

    async def submit(self, request: HttpRequest) -> Response:
        """Without a decision the page that shows what is asked for; with one 303 to the page that says it is done. To
        the login where a fresh one is needed; the page once more (422) where what was filled in cannot be."""
        session, form = await self._site.sessions.submitted(request)
        if session.user_id is None:
            raise PageError(403, FOREIGN_FORM)
        decision = form.get("decision")
        if decision not in {None, "allow", "deny"}:
            raise PageError(400, _NO_DECISION)
        typed, address = form.get("user_code", ""), request.client.host if request.client else ""
        try:
            shown = await run_in_threadpool(self._find, typed, session.user_id, address)
            if decision is None:
                step_up.require(self._site, session, shown.till.asked.details)
                return self._confirm(request, session, shown)
            try:
                choice = narrowing.read(form) if decision == "allow" else None
                await run_in_threadpool(self._decide, typed, session, choice)
            except InvalidInput as refused:
                return self._confirm(request, session, shown, narrowing.sent(form), refused)
        except step_up.FreshLoginRequired:
            return step_up.ask(DEVICE)  # without the code, which has no business in an address
        except TooManyAttempts as refused:
            raise PageError(429, _TOO_MANY, retry_after=refused.retry_after) from None
        except AuthorizationRefused as refused:
            return self._refused(request, session, refused.refusal, typed)
        return see_other(f"{DONE}?decision={decision}")

    async def done(self, request: HttpRequest) -> Response:
        """Says what the decision was; the till hears it by itself."""
        allowed = request.query_params.get("decision") == "allow"
        return self._site.renderer.page(request, "device_done.html", allowed=allowed)

    def _form(
        self, request: HttpRequest, session: BrowserSession, code: str, error: str = "", status: int = 200
    ) -> Response:
        return self._site.renderer.page(
            request,
            "device.html",
            status,
            code=code,
            error=error,
            csrf_field=CSRF_FIELD,
            csrf_token=session.csrf_token,
        )

    def _confirm(
        self,
        request: HttpRequest,
        session: BrowserSession,
        shown: Shown,
        choice: Choice = AS_ASKED,
        refused: InvalidInput | None = None,
    ) -> Response:
        till, texts = shown.till, self._site.renderer.texts(request)
        asked = till.asked
        parts = words.parts(texts, till.merchant.name, asked.scopes, asked.details, till.now)
        return self._site.renderer.page(
            request,
            "device_confirm.html",
            422 if refused else 200,
            name=shown.name,
            merchant=till.merchant.name,
            client=till.client.name,
            code=till.user_code,
            sales=list(dict.fromkeys(sale for detail in asked.details for sale in _sale(texts, detail))),
            parts=parts,
            purposes=list(dict.fromkeys(part.purpose for part in parts)),
            filled=narrowing.fill(texts, asked, till.now, choice, refused),
            decides=any(detail.type == "decision" for detail in asked.details),
            csrf_field=CSRF_FIELD,
            csrf_token=session.csrf_token,
        )

    def _refused(self, request: HttpRequest, session: BrowserSession, refusal: Refusal, typed: str) -> Response:
        """The page for a code that cannot be used. Raises PageError where another code would not help."""
        if refusal is Refusal.OTHER_PARTNER:
            raise PageError(403, _OTHER_PARTNER, session.csrf_token) from None
        if refusal is Refusal.CHANGED:
            raise PageError(400, _CHANGED) from None
        return self._form(request, session, typed[: user_code.LONGEST_TYPED], _WRONG, 400)

    def _find(self, typed: str, user_id: str, address: str) -> Shown:
        """The till behind the code. Raises AuthorizationRefused, and TooManyAttempts before the code is looked at;
        only wrong codes count."""
        limits = self._site.limits
        limits.test(WRONG_CODES, user_id)
        limits.test(WRONG_CODES_FROM_ADDRESS, address)
        try:
            with self._site.database.read() as session:
                user = self._site.accounts.user(session, user_id)
                return Shown(user.display_name, self._site.tills.open(session, typed, user, self._site.clock()))
        except AuthorizationRefused as refused:
            if refused.refusal is Refusal.UNUSABLE:
                limits.hit(WRONG_CODES, user_id)
                limits.hit(WRONG_CODES_FROM_ADDRESS, address)
            raise

    def _decide(self, typed: str, browser: BrowserSession, choice: Choice | None) -> None:
        """Allows what the person chose, or denies where there is no choice. Raises AuthorizationRefused, InvalidInput,
        FreshLoginRequired: then nothing is decided."""
        now, tills = self._site.clock(), self._site.tills
        with self._site.database.write() as session:
            user = self._site.accounts.user(session, str(browser.user_id))
            till = tills.open(session, typed, user, now)
            if choice is None:
                tills.deny(session, till, now)
            else:
                granted = narrow(till.asked, choice)
                step_up.require(self._site, browser, granted.details)
                tills.allow(session, till, user, granted, now)


def _sale(texts: Texts, detail: AuthorizationDetail) -> Iterator[tuple[Place, str]]:
    """Where a decision is asked for, and up to how much."""
    if detail.place is not None and detail.maximum_amount is not None:
        yield detail.place, texts.money(detail.maximum_amount)
