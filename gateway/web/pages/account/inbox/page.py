"""The handlers of the inbox: the list of notices, and the form that marks them as read."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.services.notices.inbox import InboxPage
from gateway.store.unit import UnitOfWork
from gateway.web.errors import PageError
from gateway.web.own_forms import CSRF_FIELD, FOREIGN_FORM
from gateway.web.pages.account.inbox.choice import ChoicePage
from gateway.web.site.notices import INBOX, describe_notice
from gateway.web.site.redirects import page_address, request_login, see_other
from gateway.web.site.site import Site


class InboxPages:
    """The list, newest first, in pages. Opening it marks nothing as read, because browsers open pages in advance."""

    def __init__(self, site: Site) -> None:
        self._site = site

    @property
    def routes(self) -> list[Route]:
        return [
            Route(INBOX, self.show),
            Route(f"{INBOX}/read", self.mark_read, methods=["POST"]),
            *ChoicePage(self._site).routes,
        ]

    async def show(self, request: Request) -> Response:
        """A page of the list; 303 to the login page if nobody is signed in."""
        after = _printable(request.query_params.get("after", ""))
        session = await self._site.sessions.current(request)
        if session is None or session.user_id is None:
            return request_login(request, _address(after))
        page, unread = await run_in_threadpool(self._load, session.user_id, after)
        texts = self._site.renderer.texts(request)
        return self._site.renderer.page(
            request,
            "pages/account/inbox/inbox.html",
            notices=[describe_notice(texts, each) for each in page.notices],
            unread=unread,
            after=after,
            first=INBOX if after else "",
            next=_address(page.next) if page.next else "",
            csrf_field=CSRF_FIELD,
            csrf_token=session.csrf_token,
        )

    async def mark_read(self, request: Request) -> Response:
        """Marks the notice with the `id` in the form as read, or all without one; 303 back to the page of the list."""
        session, form = await self._site.sessions.submitted(request)
        if session.user_id is None:
            raise PageError(403, FOREIGN_FORM)
        await run_in_threadpool(self._mark_read, session.user_id, form.get("id") or None)
        return see_other(_address(_printable(form.get("after", ""))))

    def _load(self, user_id: str, after: str) -> tuple[InboxPage, int]:
        container = self._site.container

        def load(unit: UnitOfWork) -> tuple[InboxPage, int]:
            page = container.inbox.list_page(unit, user_id, after or None)
            return page, container.inbox.count_unread(unit, user_id)

        return container.database.read(load)

    def _mark_read(self, user_id: str, notice_id: str | None) -> None:
        container = self._site.container
        container.database.write(lambda unit: container.inbox.mark_read(unit, user_id, notice_id))


def _printable(text: str) -> str:
    """The text, or "" if it cannot be an id. PostgreSQL rejects NUL in a parameter."""
    return text if text.isprintable() else ""


def _address(after: str = "") -> str:
    return page_address(INBOX, {"after": after or None})
