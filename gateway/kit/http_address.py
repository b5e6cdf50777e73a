"""Addresses of other servers, read once and strictly: two readers of one address must not see two hosts in it."""

import re
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Literal
from urllib.parse import urlsplit

LONGEST = 2048
PORTS = {"https": 443, "http": 80}
_NAME = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}")

Reason = Literal[
    "url",  # the address cannot be read, or holds what it must not
    "unresolved",  # the host has no address
    "address_refused",  # one of its addresses may not be reached from here
    "connection",  # nobody listens, or the connection broke
    "tls",  # the certificate is not good, or not that of the host
    "timeout",
    "protocol",  # what came is not HTTP
    "encoding",  # the body is compressed
    "too_large",
]


class Unreachable(Exception):
    """There is no answer that could be used. The text repeats nothing of the address nor of what was answered."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(f"There was no usable answer: {reason}.")
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class HttpAddress:
    """An http or https address in its parts; `host` is in lower case, an IPv6 address without its brackets."""

    scheme: str
    host: str
    port: int
    path_and_query: str

    @property
    def encrypted(self) -> bool:
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """Host and port, as the Host header has them: the scheme's own port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def read_address(url: str) -> HttpAddress:
    """The address in its parts. Raises Unreachable for anything but an absolute http or https URL (RFC 3986) of
    printable ASCII, and for one with user information, a fragment or more than 2048 characters."""
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
