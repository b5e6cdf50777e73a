"""Requests through the outgoing HTTP client, and resolvers and responses with fixed values."""

from collections.abc import Sequence
from ipaddress import ip_network

import pytest

from gateway.kit.addresses import Resolver
from gateway.kit.http import HttpClient, HttpResponse
from gateway.kit.http_address import Unreachable
from tests.support.local_server import Responder

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


def fetch(client: HttpClient, url: str, timeout: float = 5, max_bytes: int = 1000) -> HttpResponse:
    return client.get(url, timeout=timeout, max_bytes=max_bytes)


def unreachable_reason(client: HttpClient, url: str, timeout: float = 5, max_bytes: int = 1000) -> str:
    """Sends a request that raises Unreachable; returns its reason. The message must not have the URL or a cause."""
    with pytest.raises(Unreachable) as unreachable:
        fetch(client, url, timeout, max_bytes)
    assert str(unreachable.value) == f"There was no usable response: {unreachable.value.reason}."
    assert unreachable.value.__cause__ is None
    return unreachable.value.reason


def fixed_resolver(*texts: str) -> tuple[Resolver, list[tuple[str, int]]]:
    """Returns a resolver that always returns these addresses, and the list of its calls."""
    calls: list[tuple[str, int]] = []

    def resolver(host: str, port: int) -> Sequence[str]:
        calls.append((host, port))
        return texts

    return resolver, calls


def respond_with(*pieces: bytes) -> Responder:
    """A responder that returns these pieces for every request."""
    return lambda _: pieces
