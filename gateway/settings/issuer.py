"""The form of an issuer identifier. Clients and browsers compare it character by character (RFC 8414 section 3.3, the
Origin header), so it must be written as browsers write an origin (RFC 6454 section 6.2)."""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

_ISSUER = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#\\@\s]*)")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_LONGEST_HOST = 253
_LARGEST_PORT = 65535
_EXAMPLE = "must be scheme and host only, such as https://gateway.example"


def require_issuer(value: str) -> str:
    """Returns the issuer. Raises ValueError with what to write instead, unless it is http or https, a host and, if it
    is not the default, a port, in the one form that browsers use."""
    match = _ISSUER.fullmatch(value)
    if match is None or match[1].lower() not in _DEFAULT_PORTS:
        raise ValueError(_EXAMPLE)
    scheme = match[1].lower()
    host, port = _split(match[2])
    written = f"{scheme}://{_canonical_host(host)}" + ("" if port in (None, _DEFAULT_PORTS[scheme]) else f":{port}")
    if written != value:
        raise ValueError(f"must be written as {written}, which is how browsers and clients write it")
    return value


def _split(authority: str) -> tuple[str, str | None]:
    """The host and the port without leading zeros."""
    host, colon, port = authority, "", ""
    if ":" in authority[authority.rfind("]") + 1 :]:
        host, colon, port = authority.rpartition(":")
    if not colon:
        return host, None
    number = port.lstrip("0")
    if not (port.isascii() and port.isdecimal()) or not number or len(number) > 5 or int(number) > _LARGEST_PORT:
        raise ValueError(f"has no valid port: it must be a number from 1 to {_LARGEST_PORT}")
    return host, number


def _canonical_host(host: str) -> str:
    if host.startswith("["):
        return _canonical_ipv6(host)
    if not host.isascii():
        raise ValueError("has a host that is not ASCII: write its A-label, which begins with xn--")
    if host.endswith("."):
        raise ValueError("has a host that ends with a dot: write it without")
    labels = host.lower().split(".")
    if len(host) > _LONGEST_HOST or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(_EXAMPLE)
    if _NUMERIC.fullmatch(labels[-1]):  # browsers read such a host as an IPv4 address, in several forms
        try:
            return str(IPv4Address(host))
        except AddressValueError:
            raise ValueError("has a host that is no IPv4 address: write four numbers, such as 192.0.2.1") from None
    return ".".join(labels)


def _canonical_ipv6(host: str) -> str:
    try:
        address = IPv6Address(host[1:-1] if host.endswith("]") else "")
    except AddressValueError:
        address = None
    if address is None or address.scope_id is not None:
        raise ValueError("has a host that is no IPv6 address: write it in brackets, such as [2001:db8::1]")
    if address.ipv4_mapped is not None:  # browsers write its last part in hexadecimal, Python does not
        raise ValueError("has an IPv6 address that contains an IPv4 address: write the IPv4 address")
    return f"[{address}]"
