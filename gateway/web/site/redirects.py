"""Redirects between pages, and the addresses that they lead to."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from gateway.kit.languages import LANGUAGES

ACCOUNT = "/account"
LOGIN = "/login"
INVITATION = "/invitation"
HOME = "/"
PARTNER_DESK, PARTNER_SIGN_IN = "/partners", "/partners/sign-in"
GRAPHIQL = "/partners/graphiql"
_RETURN_PATH = re.compile(r"/account(/[A-Za-z0-9_-]+)*|/oauth/authorize|/device", re.ASCII)
_KEPT = ("client_id", "request_uri", "user_code", "kind", "merchant", "dimension", "after")
"""The parameters with which a person comes back from the login page. Others mean nothing to our pages."""
_LONGEST = 4000


def see_other(address: str) -> Response:
    """303: the form is accepted, and the browser continues with GET (RFC 9700 section 4.12)."""
    return Response(status_code=303, headers={"Location": address, "Cache-Control": "no-store"})


def page_address(path: str, parameters: Mapping[str, str | None]) -> str:
    """The address of one of our pages, with those parameters that are not None."""
    query = urlencode({name: value for name, value in parameters.items() if value is not None})
    return f"{path}?{query}" if query else path


def login_address(return_to: str, *, again: bool = False, lang: str | None = None) -> str:
    """The address of the login page, which leads back to `return_to`. With `again` the page explains to a signed-in
    person why they must sign in again. `lang` is the language that the person has chosen by the address they opened."""
    language = lang if lang in LANGUAGES else None
    return page_address(LOGIN, {"return_to": return_to, "again": "1" if again else None, "lang": language})


def request_login(request: Request, return_to: str) -> Response:
    """303 to the login page, which leads back to `return_to`, in the language of the request's address."""
    return see_other(login_address(return_to, lang=request.query_params.get("lang")))


def signed_out_address(ended: int) -> str:
    """The address of the login page, which shows the number of ended sessions."""
    return f"{LOGIN}?{urlencode({'ended': ended})}"


def local_address(text: str | None) -> str:
    """The address if it is a page that a login may lead to, without unknown and repeated parameters, else that of the
    account page. It is never a foreign address: the login must not be an open redirector."""
    if text is None or len(text) > _LONGEST or not text.isprintable() or "\\" in text:
        return ACCOUNT
    try:
        parts = urlsplit(text)
        sent = parse_qsl(parts.query)
    except ValueError:
        return ACCOUNT
    if parts.scheme or parts.netloc or not _RETURN_PATH.fullmatch(parts.path):
        return ACCOUNT
    names = [name for name, _ in sent]
    return page_address(parts.path, {name: value for name, value in sent if name in _KEPT and names.count(name) == 1})
