"""The addresses of a server: where it listens, and where its issuer says that it is."""

import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

from gateway import __version__
from gateway.cli.console import print_warning
from gateway.settings import Settings

HOST = "127.0.0.1"
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_PORTS = {"http": 80, "https": 443}


def local_issuer(listener: socket.socket) -> str:
    """Returns the issuer of a sandbox that is reached directly at the listener."""
    host, port = _bound(listener)
    return f"http://{_authority(HOST if ip_address(host).is_unspecified else host, port)}"


def describe_addresses(listener: socket.socket, settings: Settings) -> str:
    """Returns the lines about a server that has started: its version, address and issuer."""
    host, port = _bound(listener)
    return (
        f"Sesame Gateway {__version__} ({settings.environment}) listens on {_authority(host, port)}.\n"
        f"Its issuer is {settings.issuer}."
    )


def warn_about_issuer(listener: socket.socket, settings: Settings) -> None:
    """Prints a warning if the issuer cannot be the address of the listener, unless a proxy or a container is between
    them. An https issuer always has a proxy in front of the server."""
    host, port = _bound(listener)
    issuer = urlsplit(settings.issuer)
    if issuer.scheme != "http":
        return
    same_port = (issuer.port or _PORTS[issuer.scheme]) == port
    same_host = issuer.hostname not in _LOOPBACK or ip_address(host).is_unspecified or host in _LOOPBACK
    if not (same_port and same_host):
        print_warning(
            f"The issuer is {settings.issuer}, but the server listens on {_authority(host, port)}. Clients follow the"
            f" issuer. Unless a proxy or a container maps the port, set GATEWAY_ISSUER={local_issuer(listener)}"
        )


def _bound(listener: socket.socket) -> tuple[str, int]:
    host, port = listener.getsockname()[:2]
    return str(host), int(port)


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
