"""HTTP clients of live servers. Their addresses begin with http, so the certificates of authorities are not needed;
loading them takes longer than most requests, so all clients share one TLS context."""

import ssl
from functools import cache
from typing import Any

import httpx2


@cache
def _context() -> ssl.SSLContext:
    return ssl.create_default_context()


def plain_client(base_url: str, **options: Any) -> httpx2.Client:
    """A client of the server at `base_url`, which waits up to 30 seconds for a response."""
    return httpx2.Client(base_url=base_url, verify=_context(), **{"timeout": 30, **options})
