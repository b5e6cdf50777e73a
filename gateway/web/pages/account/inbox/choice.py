"""The handlers of the page where a person chooses which notices are sent, and in which language."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.domain.notices.delivery import ALWAYS_SENT, Preferences
from gateway.domain.notices.notice import NoticeKind
from gateway.kit.languages import LANGUAGES
from gateway.services.notices.inbox import SendingChoice
from gateway.web.errors import PageError
from gateway.web.own_forms import CSRF_FIELD, FOREIGN_FORM
from gateway.web.site.notices import INBOX_SETTINGS, TITLES
from gateway.web.site.redirects import page_address, request_login, see_other
from gateway.web.site.site import Site

_NAMES = {"en": "English", "zh": "中文"}


class ChoicePage:
    """The page and its form."""

    def __init__(self, site: Site) -> None:
        self._site = site

    @property
    def routes(self) -> list[Route]:
        return [Route(INBOX_SETTINGS, self.show), Route(INBOX_SETTINGS, self.save, methods=["POST"])]

    async def show(self, request: Request) -> Response:
        """What is sent to the person; 303 to the login page if nobody is signed in."""
        session = await self._site.sessions.current(request)
        if session is None or session.user_id is None:
            return request_login(request, INBOX_SETTINGS)
        choice = await run_in_threadpool(self._load, session.user_id)
        sender = self._site.container.notice_sender
        return self._site.renderer.page(
            request,
            "pages/account/inbox/choice.html",
            is_configured=sender.is_configured,
            needs_email=sender.sends_mail,
            email=choice.email,
            kinds=[(kind.value, TITLES[kind], choice.preferences.sends(kind)) for kind in _optional_kinds()],
            always=[TITLES[kind] for kind in NoticeKind if kind in ALWAYS_SENT],
            languages_of_mails=[(each, _NAMES[each]) for each in LANGUAGES],
            chosen=choice.preferences.language or LANGUAGES[0],
            is_saved=request.query_params.get("saved") == "1",
            csrf_field=CSRF_FIELD,
            csrf_token=session.csrf_token,
        )

    async def save(self, request: Request) -> Response:
        """Keeps the choice; 303 back to the page. An unknown language changes nothing (422)."""
        session, form = await self._site.sessions.submitted(request)
        if session.user_id is None:
            raise PageError(403, FOREIGN_FORM)
        language = form.get("language", "")
        if language not in LANGUAGES:
            raise PageError(422, FOREIGN_FORM)
        not_sent = frozenset(kind for kind in _optional_kinds() if f"send_{kind.value}" not in form)
        await run_in_threadpool(self._save, session.user_id, Preferences(language, not_sent))
        return see_other(page_address(INBOX_SETTINGS, {"saved": "1"}))

    def _load(self, user_id: str) -> SendingChoice:
        container = self._site.container
        return container.database.read(lambda unit: container.inbox.load_choice(unit, user_id))

    def _save(self, user_id: str, preferences: Preferences) -> None:
        container = self._site.container
        container.database.write(lambda unit: container.inbox.save_preferences(unit, user_id, preferences))


def _optional_kinds() -> list[NoticeKind]:
    return [kind for kind in NoticeKind if kind not in ALWAYS_SENT]
