"""Which addresses this server may connect to: public ones (RFC 6890), and the networks that the operator allows."""

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

Resolver = Callable[[str, int], Sequence[str]]
"""Answers the addresses of a host and port as text. Raises OSError or UnicodeError where there are none."""

_GLOBAL_UNICAST = IPv6Network("2000::/3")
# The registries as they stand today, beside what the interpreter knows: versions of Python differ in what they call
# global. Whatever holds an IPv4 address inside (mapped, 6to4, Teredo, NAT64) is refused unread: it leads past the rules
# for the address that it holds.
_NOT_PUBLIC: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    )
)


def resolve(host: str, port: int) -> list[str]:
    """The addresses that the machine's resolver knows for the host, each once. Raises OSError, UnicodeError."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


def is_public(address: Address) -> bool:
    """Whether the address is one of the open internet, and of nothing else."""
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not address.is_multicast and not _within(address, _NOT_PUBLIC)


def may_connect(address: Address, allowed: Sequence[Network], *, encrypted: bool) -> bool:
    """Whether a connection to the address is allowed: `allowed` are networks that need not be public. What is not
    encrypted stays on this machine."""
    if not encrypted:
        return address.is_loopback and _within(address, allowed)
    return is_public(address) or _within(address, allowed)


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)
