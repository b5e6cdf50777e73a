"""The one outgoing HTTP client: to addresses that others name, and so with nothing of theirs taken on trust.

A host is resolved once, every answer is checked, and the connection goes to an address that was checked: what its name
means a moment later does not matter. The certificate is still that of the name. It stands on httpcore2 alone, which
follows no redirects, decodes nothing, keeps no cookies and reads neither proxies nor passwords from the environment.
"""

import ssl
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpcore2
import httpx2

from gateway.kit.addresses import Network, Resolver, resolve
from gateway.kit.http_address import HttpAddress, Unreachable, read_address
from gateway.kit.http_network import Deadline, GuardedNetwork

USER_AGENT = "sesame-gateway"
CONNECT_WITHIN = 2.0
"""Seconds that one connection may take to come about."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a server answered, whatever its status: a redirect is an answer like any other. Names of headers are in
    lower case, values of the same name joined (RFC 9110 section 5.3)."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpClient:
    """GET and POST over a fresh connection each, on the caller's thread; safe on any. `networks` may be reached though
    they are not public; `ca_file` holds certificates of further authorities. Raises OSError for a file that cannot be
    used."""

    def __init__(
        self, networks: Sequence[Network] = (), ca_file: Path | None = None, *, resolver: Resolver = resolve
    ) -> None:
        self._networks, self._resolver = tuple(networks), resolver
        self._context: ssl.SSLContext | None = _trusting(ca_file) if ca_file is not None else None
        self._making = threading.Lock()

    def get(self, url: str, *, within: float, at_most: int, headers: Mapping[str, str] | None = None) -> HttpAnswer:
        """The answer to a GET, which is complete `within` so many seconds and whose body has `at_most` so many bytes.
        Raises Unreachable."""
        return self._exchange("GET", url, None, headers or {}, within, at_most)

    def post(
        self, url: str, content: bytes, *, within: float, at_most: int, headers: Mapping[str, str] | None = None
    ) -> HttpAnswer:
        """The answer to a POST of these bytes, as `get` has it. Raises Unreachable."""
        return self._exchange("POST", url, content, headers or {}, within, at_most)

    def _exchange(
        self, method: str, url: str, content: bytes | None, headers: Mapping[str, str], within: float, at_most: int
    ) -> HttpAnswer:
        address, deadline = read_address(url), Deadline(within)
        network = GuardedNetwork(self._resolver, self._networks, address.encrypted, deadline, CONNECT_WITHIN)
        target = httpcore2.URL(
            scheme=address.scheme, host=address.host, port=address.port, target=address.path_and_query
        )
        request = httpcore2.Request(method, target, headers=_sent(address, content, headers), content=content)
        context = self._trusted() if address.encrypted else None
        connection = httpcore2.HTTPConnection(target.origin, ssl_context=context, network_backend=network)
        try:
            with closing(connection), closing(connection.handle_request(request)) as response:
                return _received(response, at_most)
        except httpcore2.TimeoutException:
            raise Unreachable("timeout") from None
        except httpcore2.NetworkError:
            raise Unreachable("connection") from None
        except httpcore2.ProtocolError:
            raise Unreachable("protocol") from None

    def _trusted(self) -> ssl.SSLContext:
        with self._making:  # reading the machine's certificates takes long enough to do it once, and only when needed
            if self._context is None:
                self._context = _trusting(None)
            return self._context


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    context = httpx2.create_ssl_context(trust_env=False)
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    return context


def _sent(address: HttpAddress, content: bytes | None, headers: Mapping[str, str]) -> list[tuple[str, str]]:
    ours = {"Host": address.authority, "User-Agent": USER_AGENT, "Accept-Encoding": "identity", "Connection": "close"}
    if content is not None:
        ours["Content-Length"] = str(len(content))
    return [*ours.items(), *headers.items()]


def _received(response: httpcore2.Response, at_most: int) -> HttpAnswer:
    """The whole answer. Raises Unreachable as soon as it is longer than it may be, and for a body in an encoding that
    was not asked for: it might grow to any size when it is decoded."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in response.headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    if headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise Unreachable("encoding")
    if int(headers.get("content-length", "0")) > at_most:  # digits only: h11 has seen to that
        raise Unreachable("too_large")
    body = bytearray()
    for chunk in response.iter_stream():
        body += chunk
        if len(body) > at_most:
            raise Unreachable("too_large")
    return HttpAnswer(response.status, headers, bytes(body))
