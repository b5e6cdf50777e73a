"""Redirects between pages, and the addresses that they lead to."""

import re
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import Response

ACCOUNT = "/account"
LOGIN = "/login"
_RETURN_PATHS = (ACCOUNT, "/oauth/authorize", "/device")
_PATH_AND_QUERY = re.compile(r"/[A-Za-z0-9/._~%?&=+:@!$'()*,;-]{0,4000}", re.ASCII)


def see_other(address: str) -> Response:
    """303: the form is accepted, and the browser continues with GET (RFC 9700 section 4.12)."""
    return Response(status_code=303, headers={"Location": address, "Cache-Control": "no-store"})


def request_address(request: Request) -> str:
    """The path and query of this request. A login can lead back to it."""
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path


def login_address(return_to: str, *, again: bool = False) -> str:
    """The address of the login page, which leads back to `return_to`. With `again` the page explains to a signed-in
    person why they must sign in again."""
    return f"{LOGIN}?{urlencode({'return_to': return_to, **({'again': '1'} if again else {})})}"


def signed_out_address(ended: int) -> str:
    """The address of the login page, which shows the number of ended sessions."""
    return f"{LOGIN}?{urlencode({'ended': ended})}"


def local_address(text: str | None) -> str:
    """The address if it is a page that a login may lead to, else that of the account page. It is never a foreign
    address: the login must not be an open redirector."""
    if text is None or not _PATH_AND_QUERY.fullmatch(text):
        return ACCOUNT
    parts = urlsplit(text)
    return text if not parts.scheme and not parts.netloc and parts.path in _RETURN_PATHS else ACCOUNT
