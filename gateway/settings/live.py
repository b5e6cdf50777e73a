"""What a live deployment does not accept. Each rule returns the sentence about the setting."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_address, ip_network
from itertools import pairwise
from urllib.parse import urlsplit

from gateway.settings.settings import Settings

Network = IPv4Network | IPv6Network

FEWEST_BYTES = 12
"""Different bytes that a secret key must have. Fewer in 32 random bytes happen once in 10^13."""

WIDEST_IPV4, WIDEST_IPV6 = 8, 20
"""The shortest prefixes of a network of proxies or outgoing connections."""
_PRIVATE_IPV6 = IPv6Network("fc00::/7")
LINK_LOCAL = tuple(map(ip_network, ("169.254.0.0/16", "fe80::/10")))
"""Addresses at which cloud platforms hand out credentials."""
_MAPPED = IPv6Network("::ffff:0:0/96")

MOST_ATTEMPTS, MOST_ATTEMPTS_PER_ADDRESS, MOST_INQUIRIES = 100, 10_000, 1_000
SHORTEST_WINDOW = timedelta(minutes=1)


def unsafe_in_live(settings: Settings) -> list[str]:
    """Returns a sentence for each setting that is not allowed in a live deployment."""
    return [*_required(settings), *_networks(settings), *_limits(settings), *_valkey(settings)]


def _required(settings: Settings) -> Iterator[str]:
    if not settings.issuer.startswith("https://"):
        yield "GATEWAY_ISSUER: must be https in live, such as https://gateway.example"
    key = settings.master_key()
    if key is None:
        yield "GATEWAY_SECRET_KEY: is required in live: openssl rand -base64 32"
    elif is_weak(key):
        yield "GATEWAY_SECRET_KEY: must be 32 random bytes in live: openssl rand -base64 32"
    if settings.adapters is None:
        yield "GATEWAY_ADAPTERS: is required in live: the adapters to load, such as car_rental,online_shop"
    if "database_url" not in settings.model_fields_set:  # its default is the file of a sandbox
        yield "GATEWAY_DATABASE_URL: is required in live, such as postgresql://USER@HOST/NAME"


def is_weak(key: bytes) -> bool:
    """Whether the bytes are obviously not random: few different ones, a repeated pattern, a sequence, or a text."""
    few = len(set(key)) < FEWEST_BYTES
    repeated = any(key == (key[:period] * len(key))[: len(key)] for period in range(1, len(key) // 2 + 1))
    steps = {(after - before) % 256 for before, after in pairwise(key)}
    return few or repeated or len(steps) == 1 or all(32 <= byte < 127 for byte in key)


def _networks(settings: Settings) -> Iterator[str]:
    proxies = map(ip_network, settings.trusted_proxies)
    if wide := _too_wide(proxies):
        yield f"GATEWAY_TRUSTED_PROXIES: {wide} has too many addresses for live: name the addresses of your own proxies"
    if wide := _too_wide(settings.outgoing_networks):
        yield f"GATEWAY_OUTGOING_NETWORKS: {wide} has too many addresses for live: name your own networks"
        return
    for network in settings.outgoing_networks:
        if any(network.version == each.version and network.overlaps(each) for each in LINK_LOCAL):
            yield (
                f"GATEWAY_OUTGOING_NETWORKS: {network} contains link-local addresses, where cloud platforms hand out"
                " credentials"
            )


def _too_wide(networks: Iterable[Network]) -> Network | None:
    """The first network that is wider than an operator's own can be, also one that several make together. Private
    networks are their operator's own: those of IPv4 have no shorter prefix than WIDEST_IPV4."""
    every = list(networks)
    for ipv4 in collapse_addresses(each for each in every if isinstance(each, IPv4Network)):
        if ipv4.prefixlen < WIDEST_IPV4:
            return ipv4
    for ipv6 in collapse_addresses(each for each in every if isinstance(each, IPv6Network)):
        shortest = _MAPPED.prefixlen + WIDEST_IPV4 if ipv6.subnet_of(_MAPPED) else WIDEST_IPV6
        if ipv6.prefixlen < shortest and not ipv6.subnet_of(_PRIVATE_IPV6):
            return ipv6
    return None


def _limits(settings: Settings) -> Iterator[str]:
    most = (
        ("LOGIN_ATTEMPTS", settings.login_attempts, MOST_ATTEMPTS),
        ("LOGIN_ATTEMPTS_PER_ADDRESS", settings.login_attempts_per_address, MOST_ATTEMPTS_PER_ADDRESS),
        ("INQUIRIES_PER_HOUR", settings.inquiry_budget, MOST_INQUIRIES),
    )
    for name, value, largest in most:
        if value > largest:
            yield f"GATEWAY_{name}: must be at most {largest} in live"
    if settings.login_window < SHORTEST_WINDOW:
        yield "GATEWAY_LOGIN_WINDOW: must be at least 1 minute in live"


def _valkey(settings: Settings) -> Iterator[str]:
    if settings.valkey_url is None:
        return
    try:
        parts = urlsplit(settings.valkey_url.get_secret_value())
        public = ip_address(parts.hostname or "").is_global
    except ValueError:  # a name: its address can change
        return
    if parts.scheme == "valkey" and public:
        yield "GATEWAY_VALKEY_URL: must use TLS (valkeys://) to a public address in live"
