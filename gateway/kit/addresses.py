"""The addresses that the server may connect to: public ones (RFC 6890), and networks that the operator allows."""

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

Resolver = Callable[[str, int], Sequence[str]]
"""Returns the addresses of a host and port as text. Raises OSError or UnicodeError if there are none."""

_GLOBAL_UNICAST = IPv6Network("2000::/3")
# The current registries, in addition to `is_global`, which differs between versions of Python. Addresses that contain
# an IPv4 address (mapped, 6to4, Teredo, NAT64) are all rejected, because they would bypass the rules for that address.
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
    """Returns the addresses of the host from the machine's resolver, without repeats. Raises OSError, UnicodeError."""
    results = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(result[4][0]) for result in results))


def is_public(address: Address) -> bool:
    """Whether the address is a public unicast address of the internet."""
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not address.is_multicast and not _within(address, _NOT_PUBLIC)


def may_connect(address: Address, allowed: Sequence[Network], *, encrypted: bool) -> bool:
    """Whether a connection to the address is allowed. `allowed` are networks that need not be public. Unencrypted
    connections are allowed to loopback addresses only."""
    if not encrypted:
        return address.is_loopback and _within(address, allowed)
    return is_public(address) or _within(address, allowed)


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)
