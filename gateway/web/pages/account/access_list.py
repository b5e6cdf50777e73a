"""The handler of the list of all accesses to a person's data."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.services.access_log import AccessPage
from gateway.web.pages.account.accesses import ACCESSES, KIND_NAMES, describe_group
from gateway.web.site.redirects import page_address, request_login
from gateway.web.site.site import Site


class AccessList:
    """The list, newest first, in pages; `kind` and `merchant` in the address select some of the accesses."""

    def __init__(self, site: Site) -> None:
        self._site = site

    @property
    def route(self) -> Route:
        return Route(ACCESSES, self.show)

    async def show(self, request: Request) -> Response:
        """A page of the list; 303 to the login page if nobody is signed in. Unknown kinds are ignored."""
        selected = {name: request.query_params.get(name, "") for name in ("kind", "merchant", "after")}
        selected = {name: value if value.isprintable() else "" for name, value in selected.items()}
        if selected["kind"] not in KIND_NAMES:
            selected["kind"] = ""
        session = await self._site.sessions.current(request)
        if session is None or session.user_id is None:
            return request_login(request, _address(**selected))
        page = await run_in_threadpool(self._load, session.user_id, **selected)
        texts = self._site.renderer.texts(request)
        kinds = [("", _address(merchant=selected["merchant"]))]
        kinds += [(kind, _address(kind, selected["merchant"])) for kind in KIND_NAMES]
        return self._site.renderer.page(
            request,
            "pages/account/accesses.html",
            accesses=[describe_group(texts, group) for group in page.groups],
            kinds=kinds,
            kind_names=KIND_NAMES,
            kind=selected["kind"],
            first=_address(selected["kind"], selected["merchant"]) if selected["after"] else "",
            next=_address(selected["kind"], selected["merchant"], page.next) if page.next else "",
        )

    def _load(self, user_id: str, *, kind: str, merchant: str, after: str) -> AccessPage:
        container = self._site.container
        return container.database.read(
            lambda unit: container.access_log.list_page(
                unit, user_id, kind=kind, merchant_id=merchant, after=after or None
            )
        )


def _address(kind: str = "", merchant: str = "", after: str = "") -> str:
    return page_address(ACCESSES, {"kind": kind or None, "merchant": merchant or None, "after": after or None})
