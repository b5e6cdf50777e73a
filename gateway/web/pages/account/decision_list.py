"""The handler of the list of all decisions about a person."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.services.decisions.obligations import HistoryPage
from gateway.web.pages.account.decisions import DECISIONS, describe_decision
from gateway.web.site.redirects import page_address, request_login
from gateway.web.site.site import Site


class DecisionList:
    """The list, newest first, in pages."""

    def __init__(self, site: Site) -> None:
        self._site = site

    @property
    def route(self) -> Route:
        return Route(DECISIONS, self.show)

    async def show(self, request: Request) -> Response:
        """A page of the list; 303 to the login page if nobody is signed in."""
        after = request.query_params.get("after", "")
        after = after if after.isprintable() else ""
        session = await self._site.sessions.current(request)
        if session is None or session.user_id is None:
            return request_login(request, decisions_address(after))
        page = await run_in_threadpool(self._load, session.user_id, after)
        texts = self._site.renderer.texts(request)
        return self._site.renderer.page(
            request,
            "pages/account/decisions.html",
            decisions=[describe_decision(texts, decision) for decision in page.decisions],
            first=DECISIONS if after else "",
            next=decisions_address(page.next) if page.next else "",
        )

    def _load(self, user_id: str, after: str) -> HistoryPage:
        container = self._site.container
        return container.database.read(
            lambda unit: container.obligations.list_history(unit, user_id, after=after or None)
        )


def decisions_address(after: str) -> str:
    """The address of the page that begins after this decision; of the first page if it is ""."""
    return page_address(DECISIONS, {"after": after or None})
