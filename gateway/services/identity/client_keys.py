"""Public keys that a client keeps at an address of its own (`jwks_uri`, RFC 7591 section 2)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.kit import json
from gateway.kit.http import HttpClient
from gateway.kit.http_address import PORTS, HttpAddress, Unreachable, read_address
from gateway.kit.jose import JoseRefused, allowed_algorithms, public_key_set

WITHIN = 5.0
"""Seconds for the whole exchange."""

LARGEST = 64 * 1024
"""Bytes of a key set: as many as a registration with inline keys may have."""

_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=\"?([0-9]{1,9})")
_NOT_KEPT = re.compile(r"(?:^|[\s,])no-(?:cache|store)(?:$|[\s,=])")
_SENTENCES = {
    "url": "It must be an absolute https address without user information and fragment, 2048 ASCII characters at most.",
    "host": "Its host is not on the list of hosts that keys are fetched from (GATEWAY_JWKS_URI_HOSTS).",
    "unresolved": "Its host has no address.",
    "address_refused": "Its host has an address that is not public, or it is not https.",
    "connection": "Its server cannot be reached.",
    "tls": "The certificate of its server is not good for its host.",
    "timeout": f"Its server took longer than {WITHIN:.0f} seconds.",
    "protocol": "Its server does not answer in HTTP.",
    "encoding": "Its server compresses the answer, although nobody asked for that.",
    "too_large": f"The answer is larger than {LARGEST} bytes.",
    "status": "Its server does not answer with 200. Redirects are not followed.",
    "json": "The answer is not JSON in UTF-8 with each member named once.",
    "keys": "The keys there cannot be used.",
    "busy": "Too many key sets are being fetched at this moment. Try again.",
}


class KeysRefused(Exception):
    """There are no keys that could be used. `reason` is a word for logs; the message is a sentence for the client's
    owner. Neither repeats anything of the address or the answer."""

    def __init__(self, reason: str, message: str | None = None) -> None:
        super().__init__(message or _SENTENCES[reason])
        self.reason, self.message = reason, message or _SENTENCES[reason]


@dataclass(frozen=True, slots=True)
class FetchedKeys:
    """A key set as it would be stored, and the seconds for which its server says that it is good, if it does."""

    key_set: Mapping[str, Any]
    max_age: int | None


class KeySource:
    """Fetches key sets from these hosts, and from no others: the list is looked at for each fetch."""

    def __init__(self, http: HttpClient, hosts: Sequence[str]) -> None:
        self._http, self._hosts = http, frozenset(map(_host_and_port, hosts))

    def fetch(self, uri: str) -> FetchedKeys:
        """The keys at the address. Takes up to five seconds, so never within a unit of work. Raises KeysRefused."""
        try:
            self._require_known(read_address(uri))
            answer = self._http.get(uri, timeout=WITHIN, max_bytes=LARGEST, headers={"Accept": "application/json"})
        except Unreachable as unreachable:
            raise KeysRefused(unreachable.reason) from None
        if answer.status != 200:
            raise KeysRefused("status")
        try:
            keys = public_key_set(json.decode_unique(answer.body))
        except ValueError:
            raise KeysRefused("json") from None
        except JoseRefused as refused:
            raise KeysRefused("keys", f"The keys there cannot be used: {refused}") from None
        return FetchedKeys(keys, _max_age(answer.headers.get("cache-control", "")))

    def _require_known(self, address: HttpAddress) -> None:
        if not {(address.host, address.port), (address.host, None)} & self._hosts:
            raise KeysRefused("host")


def fitting_keys(key_set: Mapping[str, Any], algorithm: str | None) -> dict[str, Any]:
    """The set without the keys that do not fit the client's algorithm; the whole set where it has none."""
    keys = key_set["keys"]
    return {"keys": [jwk for jwk in keys if algorithm is None or algorithm in allowed_algorithms(jwk)]}


def _host_and_port(entry: str) -> tuple[str, int | None]:
    """An entry of the setting; the port is None where any will do."""
    host, colon, port = entry.rpartition(":")
    if not colon or entry.endswith("]"):
        return entry.strip("[]"), PORTS["https"]
    return host.strip("[]"), None if port == "*" else int(port)


def _max_age(cache_control: str) -> int | None:
    """What a Cache-Control header says of the age up to which its answer is good (RFC 9111 section 5.2.2)."""
    text = cache_control.lower()
    if _NOT_KEPT.search(text):
        return 0
    found = _MAX_AGE.search(text)
    return int(found.group(1)) if found else None
