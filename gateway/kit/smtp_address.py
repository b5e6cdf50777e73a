"""The address of a mail server and of a sender, as an operator writes them."""

from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.headerregistry import Address
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit


class Encryption(StrEnum):
    """TLS: from the first byte on (RFC 8314). STARTTLS: required before anything is sent (RFC 3207). NONE: only to a
    server on the same machine."""

    TLS = "TLS"
    STARTTLS = "STARTTLS"
    NONE = "NONE"


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """A mail server. `username` and `password` are "" if it needs none."""

    host: str
    port: int
    encryption: Encryption
    username: str = ""
    password: str = field(default="", repr=False)


_PORTS = {"smtps": 465, "smtp": 587}
_LONGEST = 2048


def read_smtp_url(url: str) -> SmtpServer:
    """Returns the server of smtps://USER:PASSWORD@HOST:PORT (TLS, port 465) or smtp:// (STARTTLS, port 587; without
    encryption to a loopback host). User name and password are percent-encoded. Raises ValueError with the end of a
    sentence about it, without any part of the URL."""
    if not (url.isascii() and url.isprintable() and " " not in url and len(url) <= _LONGEST):
        raise ValueError("must be printable ASCII without spaces")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("has no valid host and port") from None
    if parts.scheme not in _PORTS:
        raise ValueError("must begin with smtps:// or smtp://")
    if not host or port == 0 or parts.path.strip("/") or parts.query or parts.fragment or "#" in url or "?" in url:
        raise ValueError("must be user name, password, host and port only, such as smtps://USER:PASSWORD@HOST:465")
    username, password = unquote(parts.username or ""), unquote(parts.password or "")
    credentials = f"{username}{password}"
    if bool(username) != bool(password) or not (credentials.isprintable() and credentials.isascii()):
        raise ValueError("must have a user name and a password in ASCII, percent-encoded, or neither")
    if parts.scheme == "smtps":
        encryption = Encryption.TLS
    else:
        encryption = Encryption.NONE if _is_loopback(host) else Encryption.STARTTLS
    return SmtpServer(host, port or _PORTS[parts.scheme], encryption, username, password)


def read_mailbox(text: str) -> Address:
    """Returns the mailbox in "Name <user@host>" or "user@host". Raises ValueError with the end of a sentence about
    it."""
    name, bracket, rest = text.rpartition("<")
    spec = rest.removesuffix(">") if bracket else text
    name = name.strip().strip('"')
    problem = 'must be an ASCII email address, such as "Sesame <notices@gateway.example>"'
    if bool(bracket) != text.endswith(">") or not text.isprintable() or not spec.isascii() or "@" not in spec:
        raise ValueError(problem)
    try:
        address = Address(name, addr_spec=spec.strip())
    except (HeaderParseError, ValueError, IndexError):
        raise ValueError(problem) from None
    if not address.username or not address.domain:
        raise ValueError(problem)
    return address


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
