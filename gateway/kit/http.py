"""The outgoing HTTP client, for URLs that clients supply and that are not trusted, and for those of the operator.

For each connection a host is resolved once, all its addresses are checked, and the connection is made to a checked
address. So a later change of the name (DNS rebinding) has no effect. The certificate must be valid for the name. The
client uses httpcore2 only, which follows no redirects, decodes no bodies, keeps no cookies and reads neither proxies
nor passwords from the environment.
"""

import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import httpcore2
import httpx2

from gateway.kit.addresses import Network, Resolver, resolve
from gateway.kit.http_address import HttpAddress, Unreachable, read_address
from gateway.kit.http_connections import Connection, KeptConnections
from gateway.kit.http_network import Deadline, GuardedNetwork

USER_AGENT = "sesame-gateway"
CONNECT_TIMEOUT = 2.0
"""The usual number of seconds for one connection attempt at most."""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """The response of a server, with any status, including redirects. Header names are in lower case; values of the
    same name are joined (RFC 9110 section 5.3)."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Closed(Exception):
    """The host closed a kept connection before it began a response."""


class HttpClient:
    """Sends GET and POST requests on the caller's thread. It is thread-safe. `networks` are allowed although they are
    not public. `ca_file` holds certificates of further authorities. `connect_timeout` is the largest number of seconds
    for one connection attempt. Raises OSError for a file that cannot be used.

    Each request has a connection of its own, unless `keeps_connections`. Then the next request for the same URL uses
    the connection again. If the host closes it at that moment without a response, the request is sent once more over a
    new one: only for requests that may come twice."""

    def __init__(
        self,
        networks: Sequence[Network] = (),
        ca_file: Path | None = None,
        *,
        resolver: Resolver = resolve,
        connect_timeout: float = CONNECT_TIMEOUT,
        keeps_connections: bool = False,
    ) -> None:
        self._networks, self._resolver, self._connect_timeout = tuple(networks), resolver, connect_timeout
        self._kept = KeptConnections() if keeps_connections else None
        self._context: ssl.SSLContext | None = _trusting(ca_file) if ca_file is not None else None
        self._context_lock = threading.Lock()

    def get(
        self, url: str, *, timeout: float, max_bytes: int, headers: Mapping[str, str] | None = None
    ) -> HttpResponse:
        """Sends a GET and returns the response. `timeout` is in seconds and for the whole exchange, `max_bytes` limits
        the body. Raises Unreachable."""
        return self._exchange("GET", url, None, headers or {}, timeout, max_bytes)

    def post(
        self, url: str, content: bytes, *, timeout: float, max_bytes: int, headers: Mapping[str, str] | None = None
    ) -> HttpResponse:
        """Sends a POST with these bytes and returns the response, with the limits of `get`. Raises Unreachable."""
        return self._exchange("POST", url, content, headers or {}, timeout, max_bytes)

    @property
    def kept(self) -> int:
        """The number of kept connections that are not in use."""
        return 0 if self._kept is None else len(self._kept)

    def close_unusable(self) -> None:
        """Closes the kept connections that were unused for too long, and those that their host has closed."""
        if self._kept is not None:
            self._kept.close_unusable()

    def close(self) -> None:
        """Closes the kept connections."""
        if self._kept is not None:
            self._kept.close()

    def _exchange(
        self, method: str, url: str, content: bytes | None, headers: Mapping[str, str], timeout: float, max_bytes: int
    ) -> HttpResponse:
        address = read_address(url)
        target = httpcore2.URL(
            scheme=address.scheme, host=address.host, port=address.port, target=address.path_and_query
        )
        sent = _sent(address, content, headers, keeps=self._kept is not None)
        request = httpcore2.Request(method, target, headers=sent, content=content)
        kept = None if self._kept is None else self._kept.take(url, timeout)
        try:
            if kept is not None:
                with suppress(_Closed):
                    return self._send(kept, request, max_bytes)
            deadline = Deadline(timeout) if kept is None else kept.deadline
            return self._send(self._open(url, address, deadline), request, max_bytes)
        except httpcore2.TimeoutException:
            raise Unreachable("timeout") from None
        except httpcore2.NetworkError:
            raise Unreachable("connection") from None
        except httpcore2.ProtocolError:
            raise Unreachable("protocol") from None

    def _open(self, url: str, address: HttpAddress, deadline: Deadline) -> Connection:
        network = GuardedNetwork(self._resolver, self._networks, address.encrypted, deadline, self._connect_timeout)
        origin = httpcore2.URL(scheme=address.scheme, host=address.host, port=address.port, target="/").origin
        context = self._trusted() if address.encrypted else None
        http = httpcore2.HTTPConnection(origin, ssl_context=context, network_backend=network)
        return Connection(url, http, deadline, time.monotonic())

    def _send(self, connection: Connection, request: httpcore2.Request, max_bytes: int) -> HttpResponse:
        """Returns the response. The connection is kept if another exchange can follow, else it is closed. Raises
        _Closed if a kept connection ended before the response began."""
        received: HttpResponse | None = None
        try:
            try:
                response = connection.http.handle_request(request)
            except (httpcore2.NetworkError, httpcore2.RemoteProtocolError):
                if connection.kept_at is not None:
                    raise _Closed from None
                raise
            with closing(response):
                received = _received(response, max_bytes)
        finally:
            if received is not None and self._kept is not None:
                self._kept.put(connection)
            else:
                connection.http.close()
        return received

    def _trusted(self) -> ssl.SSLContext:
        with self._context_lock:  # reading the machine's certificates is slow, so it is done once and only if needed
            if self._context is None:
                self._context = _trusting(None)
            return self._context


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    context = httpx2.create_ssl_context(trust_env=False)
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    return context


def _sent(
    address: HttpAddress, content: bytes | None, headers: Mapping[str, str], *, keeps: bool
) -> list[tuple[str, str]]:
    own = {"Host": address.authority, "User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    if not keeps:
        own["Connection"] = "close"
    if content is not None:
        own["Content-Length"] = str(len(content))
    return [*own.items(), *headers.items()]


def _received(response: httpcore2.Response, max_bytes: int) -> HttpResponse:
    """Returns the whole response. Raises Unreachable as soon as it exceeds `max_bytes`, and for a compressed body,
    which could decode to any size."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in response.headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    if headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise Unreachable("encoding")
    if int(headers.get("content-length", "0")) > max_bytes:  # h11 has checked that it has digits only
        raise Unreachable("too_large")
    body = bytearray()
    for chunk in response.iter_stream():
        body += chunk
        if len(body) > max_bytes:
            raise Unreachable("too_large")
    return HttpResponse(response.status, headers, bytes(body))
