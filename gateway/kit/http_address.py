"""Strict parsing of URLs of other servers, so that no two parsers see different hosts in one URL."""

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address
from typing import Literal
from urllib.parse import urlsplit

LONGEST = 2048
PORTS = {"https": 443, "http": 80}
_NAME = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}")

Reason = Literal[
    "url",  # the URL is not valid
    "unresolved",  # the host has no address
    "address_refused",  # a connection to one of its addresses is not allowed
    "connection",  # the connection was refused or lost
    "tls",  # the certificate is not valid for the host
    "timeout",
    "protocol",  # the response is not HTTP
    "encoding",  # the body is compressed
    "too_large",
]


class Unreachable(Exception):
    """No usable response was received. The message contains nothing of the URL or the response."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(f"There was no usable response: {reason}.")
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class HttpAddress:
    """The parts of an http or https URL. `host` is in lower case, and an IPv6 address has no brackets."""

    scheme: str
    host: str
    port: int
    path_and_query: str

    @property
    def encrypted(self) -> bool:
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """Host and port for the Host header, without the default port of the scheme."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


@lru_cache(maxsize=256)
def read_address(url: str) -> HttpAddress:
    """Returns the parts of a URL. Raises Unreachable unless it is an absolute http or https URL (RFC 3986) of at most
    2048 printable ASCII characters, without user information and fragment."""
    if not 0 < len(url) <= LONGEST or not url.isascii() or not url.isprintable() or re.search(r"[ \\#]", url):
        raise Unreachable("url")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Unreachable("url") from None
    host = parts.hostname or ""
    if parts.scheme not in PORTS or "@" in parts.netloc or port == 0 or not _is_host(host, "[" in parts.netloc):
        raise Unreachable("url")
    path = parts.path or "/"
    target = f"{path}?{parts.query}" if parts.query else path
    return HttpAddress(parts.scheme, host, port or PORTS[parts.scheme], target)


def _is_host(host: str, bracketed: bool) -> bool:
    if not bracketed:
        return _NAME.fullmatch(host) is not None
    try:
        return IPv6Address(host).scope_id is None
    except ValueError:
        return False
