"""The account page: consents in plain words, each with a button that ends it, open agreements, what was decided and
why, and who asked what."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from gateway.domain.consent import ConsentStatus
from gateway.domain.errors import NotFound
from gateway.services.access import Seen
from gateway.services.consents import GivenConsent
from gateway.services.decided import Decided
from gateway.services.obligations import Obligation
from gateway.web.errors import PageError
from gateway.web.pages import agreements, decided, words
from gateway.web.pages.login import login_address, signed_out_address
from gateway.web.pages.site import Site, see_other
from gateway.web.sessions import CSRF_FIELD, FOREIGN_FORM
from gateway.web.texts import msgid

NO_SUCH_CONSENT = msgid("You have no such consent.")


class AccountPage:
    """GET /account, POST /account/sign-out-everywhere and POST /account/consents/{id}/revoke."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, request: Request) -> Response:
        """The person's consents, agreements, decisions and who asked what, newest first; 303 to the login for a
        visitor."""
        session = await self._site.sessions.current(request)
        if session is None or session.user_id is None:
            return see_other(login_address("/account"))
        name, given, seen, owed, made = await run_in_threadpool(self._load, session.user_id)
        texts = self._site.renderer.texts(request)
        cards = [words.card(texts, one) for one in given]
        return self._site.renderer.page(
            request,
            "account.html",
            name=name,
            active=[card for card in cards if card.status is ConsentStatus.ACTIVE],
            ended=[card for card in cards if card.status is not ConsentStatus.ACTIVE],
            agreements=[agreements.agreement(texts, one) for one in owed],
            decided=[decided.told(texts, one) for one in made],
            shown=decided.SHOWN,
            seen=[words.line(texts, one) for one in seen],
            csrf_field=CSRF_FIELD,
            csrf_token=session.csrf_token,
        )

    async def revoke(self, request: Request) -> Response:
        """Ends one of the person's consents; 303 back. 404 for anything that is not theirs."""
        session, _ = await self._site.sessions.submitted(request)
        if session.user_id is None:
            raise PageError(403, FOREIGN_FORM)
        consent_id = str(request.path_params["id"])
        try:
            if not consent_id.isprintable():  # PostgreSQL cannot even look for a NUL
                raise NotFound("There is no such consent.")
            await run_in_threadpool(self._revoke, consent_id, session.user_id)
        except NotFound:
            raise PageError(404, NO_SUCH_CONSENT) from None
        return see_other("/account")

    async def sign_out_everywhere(self, request: Request) -> Response:
        """Ends every session of the person, also in other browsers; 303 to the login page, which says how many."""
        session, _ = await self._site.sessions.submitted(request)
        if session.user_id is None:
            raise PageError(403, FOREIGN_FORM)
        response = see_other(signed_out_address(await run_in_threadpool(self._end_sessions, session.user_id)))
        self._site.sessions.forget(response)
        return response

    def _end_sessions(self, user_id: str) -> int:
        with self._site.database.write() as session:
            return self._site.accounts.sign_out_everywhere(session, user_id, self._site.clock())

    def _load(
        self, user_id: str
    ) -> tuple[str, tuple[GivenConsent, ...], tuple[Seen, ...], tuple[Obligation, ...], tuple[Decided, ...]]:
        site, wall = self._site, self._site.clock()
        with site.database.read() as session:
            name = site.accounts.user(session, user_id).display_name
            given = site.consents.of_user(session, user_id, wall)
            owed = site.obligations.of_user(session, user_id, wall)
            made = site.decided.of_user(session, user_id, wall, decided.SHOWN)
            return name, given, site.accesses.of_user(session, user_id), owed, made

    def _revoke(self, consent_id: str, user_id: str) -> None:
        with self._site.database.write() as session:
            self._site.consents.revoke(session, consent_id, user_id, self._site.clock())
