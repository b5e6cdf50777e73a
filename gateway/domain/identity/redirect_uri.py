"""Redirect URIs: which may be registered, and how an authorization response extends them (RFC 6749 section 3.1.2)."""

import re
from collections.abc import Sequence
from urllib.parse import unquote_plus, urlencode

RULE = (
    "A redirect URI is absolute https (or http on 127.0.0.1 or localhost), with a host name of ASCII letters, digits"
    " and hyphens or an IPv4 address, without fragment, user information and wildcard, at most 2048 characters long."
    " Its query has none of the parameters that a response adds: code, state, iss, error, error_description, error_uri"
    " and response."
)
LONGEST = 2048
_RESERVED = frozenset({"code", "state", "iss", "error", "error_description", "error_uri", "response"})
_LOOPBACK = ("127.0.0.1", "localhost")

_URI = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]+)(?::(?P<port>[0-9]{1,5}))?(?P<path>/[^?#]*)?(?:\?(?P<query>[^#]*))?",
    re.ASCII,
)
# RFC 3986 without "*", which would look like a wildcard, and without what browsers read differently.
_CHARACTERS = re.compile(r"(?:[A-Za-z0-9._~:/?@!$&'()+,;=\[\]-]|%[0-9A-Fa-f]{2})+", re.ASCII)
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)
_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!$)|$)){4}", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*", re.ASCII)
_LOOPBACK_PORT = re.compile(r"(http://(?:127\.0\.0\.1|localhost))(?::([1-9][0-9]{0,4}))?(?=[/?]|$)", re.ASCII)


def is_redirect_uri(uri: str) -> bool:
    """Whether a redirect URI may be registered, see RULE (RFC 9700 section 2.1, RFC 8252 section 7.3). URIs are
    compared exactly, so wildcards would never match. A host that browsers read differently or not at all is not
    allowed: the person could not be told where their answer goes."""
    found = _URI.fullmatch(uri) if len(uri) <= LONGEST and _CHARACTERS.fullmatch(uri) else None
    if found is None or not _is_host(found["host"]):
        return False
    if found["scheme"] == "http" and found["host"] not in _LOOPBACK:
        return False
    if found["port"] is not None and not 0 < int(found["port"]) <= 65535:
        return False
    # Some servers also separate parameters by semicolons.
    parameters = re.split("[&;]", found["query"] or "")
    return not any(unquote_plus(parameter.partition("=")[0]) in _RESERVED for parameter in parameters)


def append_parameters(uri: str, parameters: Sequence[tuple[str, str]]) -> str:
    """Returns the URI with these query parameters after its own. The URI is kept byte by byte."""
    separator = "" if uri.endswith(("?", "&")) else "&" if "?" in uri else "?"
    return f"{uri}{separator}{urlencode(parameters)}"


def without_loopback_port(uri: str) -> str:
    """Returns the URI without its port if it is http on a loopback address, else the same URI. Programs on the
    partner's own machine listen at any free port (RFC 8252 section 7.3)."""
    found = _LOOPBACK_PORT.match(uri)
    if found is None or int(found[2] or "80") > 65535:
        return uri
    return found[1] + uri[found.end() :]


def _is_host(host: str) -> bool:
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return False
    if _NUMBER.fullmatch(labels[-1]):  # browsers read a host that ends with a number as an IPv4 address
        return _IPV4.fullmatch(host) is not None
    return all(_is_punycode(label) for label in labels if label.lower().startswith("xn--"))


def _is_punycode(label: str) -> bool:
    try:
        label.lower().encode().decode("idna")
    except UnicodeError:
        return False
    return True
