"""Fetches the public keys of clients from their `jwks_uri` (RFC 7591 section 2)."""

import re
from codecs import BOM_UTF8
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.kit import json
from gateway.kit.http import HttpClient
from gateway.kit.http_address import PORTS, HttpAddress, Unreachable, read_address
from gateway.kit.jose import JoseRefused, allowed_algorithms, foreign_key_set

WITHIN = 5.0
"""The timeout of a whole fetch, in seconds."""

LARGEST = 64 * 1024
"""The largest key set in bytes, as for a registration with inline keys."""

_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=\"?([0-9]{1,9})")
_NOT_KEPT = re.compile(r"(?:^|[\s,])no-(?:cache|store)(?:$|[\s,=])")
_SENTENCES = {
    "url": "It must be an absolute https URL without user information and fragment, at most 2048 ASCII characters.",
    "host": "Its host is not in the list of allowed hosts (GATEWAY_JWKS_URI_HOSTS).",
    "unresolved": "Its host has no address.",
    "address_refused": "Its host has an address that is not public, or it is not https.",
    "connection": "Its server cannot be reached.",
    "tls": "The certificate of its server is not valid for its host.",
    "timeout": f"Its server took longer than {WITHIN:.0f} seconds.",
    "protocol": "The response of its server is not HTTP.",
    "encoding": "Its server compresses the response, although the request does not allow it.",
    "too_large": f"The response is larger than {LARGEST} bytes.",
    "status": "The status of the response is not 200. Redirects are not followed.",
    "json": "The response is not JSON in UTF-8, or it repeats a member.",
    "keys": "Its keys cannot be used.",
    "busy": "Too many key sets are being fetched now. Try again.",
}


class KeysRefused(Exception):
    """The client has no usable keys. `reason` is a word for logs, `message` a sentence for the client's owner. Neither
    repeats parts of the URL or the response."""

    def __init__(self, reason: str, message: str | None = None) -> None:
        super().__init__(message or _SENTENCES[reason])
        self.reason, self.message = reason, message or _SENTENCES[reason]


@dataclass(frozen=True, slots=True)
class FetchedKeys:
    """A key set in the form in which it is stored, and the max-age of the response in seconds, None without one."""

    key_set: Mapping[str, Any]
    max_age: int | None


class KeySource:
    """Fetches key sets from these hosts and from no others. The list is checked at each fetch."""

    def __init__(self, http: HttpClient, hosts: Sequence[str]) -> None:
        self._http, self._hosts = http, frozenset(map(_host_and_port, hosts))

    def fetch(self, uri: str) -> FetchedKeys:
        """The keys at the URL. Takes up to five seconds, so never call it within a unit of work. Raises KeysRefused."""
        try:
            self._require_known(read_address(uri))
            answer = self._http.get(uri, timeout=WITHIN, max_bytes=LARGEST, headers={"Accept": "application/json"})
        except Unreachable as unreachable:
            raise KeysRefused(unreachable.reason) from None
        if answer.status != 200:
            raise KeysRefused("status")
        try:
            keys = foreign_key_set(json.decode_unique(answer.body.removeprefix(BOM_UTF8)))  # RFC 8259 section 8.1
        except ValueError:
            raise KeysRefused("json") from None
        except JoseRefused as refused:
            raise KeysRefused("keys", f"Its keys cannot be used: {refused}") from None
        return FetchedKeys(keys, _max_age(answer.headers.get("cache-control", "")))

    def _require_known(self, address: HttpAddress) -> None:
        if not {(address.host, address.port), (address.host, None)} & self._hosts:
            raise KeysRefused("host")


def fitting_keys(key_set: Mapping[str, Any], algorithm: str | None) -> dict[str, Any]:
    """The key set without the keys that do not fit the client's algorithm. The whole set if `algorithm` is None."""
    keys = key_set["keys"]
    return {"keys": [jwk for jwk in keys if algorithm is None or algorithm in allowed_algorithms(jwk)]}


def _host_and_port(entry: str) -> tuple[str, int | None]:
    """Host and port of an entry of the setting. The port is None if any port is allowed."""
    host, colon, port = entry.rpartition(":")
    if not colon or entry.endswith("]"):
        return entry.strip("[]"), PORTS["https"]
    return host.strip("[]"), None if port == "*" else int(port)


def _max_age(cache_control: str) -> int | None:
    """The max-age of a Cache-Control header in seconds, 0 for no-cache and no-store, None without one (RFC 9111 section
    5.2.2)."""
    text = cache_control.lower()
    if _NOT_KEPT.search(text):
        return 0
    found = _MAX_AGE.search(text)
    return int(found.group(1)) if found else None
