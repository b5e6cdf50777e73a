"""Forms of our own pages: a form that another site has sent is refused (RFC 9700 section 4.7)."""

from collections.abc import Collection

from starlette.requests import Request

from gateway.oauth.request_parsing import UnreadableRequest, read_form
from gateway.web.errors import PageError
from gateway.web.texts import msgid

CSRF_FIELD = "csrf_token"
FOREIGN_FORM = msgid("This page is out of date. Please open it again.")
UNREADABLE_FORM = msgid("The form could not be read. Please open the page again.")


async def read_own_form(
    request: Request, issuer: str, multiline: Collection[str] = (), *, without_referrer: bool = False
) -> dict[str, str]:
    """The fields of a submitted form. Those in `multiline` may contain line ends. `without_referrer`: the page has the
    policy no-referrer, with which browsers report no origin. Raises PageError (403) for a form of another origin, and
    PageError (400, 413 or 415) for one that cannot be read."""
    _require_own_origin(request, issuer, without_referrer=without_referrer)
    try:
        return await read_form(request, multiline)
    except UnreadableRequest as refused:
        raise PageError(refused.status, UNREADABLE_FORM) from None


def reports_own_origin(request: Request, issuer: str) -> bool:
    """Whether the browser reports that the form is from a page of ours."""
    return request.headers.get("origin") == issuer


def _require_own_origin(request: Request, issuer: str, *, without_referrer: bool) -> None:
    # Programs send neither header; then the CSRF token alone decides.
    origin = request.headers.get("origin")
    if without_referrer and origin == "null":
        origin = None
    site = request.headers.get("sec-fetch-site")
    if origin is not None and origin != issuer:
        raise PageError(403, FOREIGN_FORM)
    if origin is None and site not in {None, "same-origin"}:
        raise PageError(403, FOREIGN_FORM)
