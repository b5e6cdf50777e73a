"""The network under the outgoing HTTP client: names resolved once and checked, and one deadline over all that is sent,
read and waited for."""

import ssl
import threading
import time
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from typing import Any

import httpcore2

from gateway.kit.addresses import Network, Resolver, may_connect
from gateway.kit.http_address import Unreachable

MOST_TRIED = 4
"""Addresses of one host that are tried in turn."""


class Deadline:
    """Begins when it is made. A timeout of each single read would not do: who sends a byte a second never meets it."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self, at_most: float | None = None) -> float:
        """The seconds that are left, or `at_most` if that is less. Raises TimeoutException when none are."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise httpcore2.TimeoutException
        return left if at_most is None else min(left, at_most)


class GuardedNetwork(httpcore2.NetworkBackend):
    """For one exchange. What it raises is Unreachable, or an exception of httpcore2."""

    def __init__(
        self,
        resolver: Resolver,
        networks: Sequence[Network],
        encrypted: bool,
        deadline: Deadline,
        connect_within: float,
    ) -> None:
        self._resolver, self._networks, self._encrypted = resolver, networks, encrypted
        self._deadline, self._connect_within = deadline, connect_within

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """A connection to an address of the host, after all its addresses have been found good."""
        failed: Exception = Unreachable("unresolved")
        for address in self._checked(host, port)[:MOST_TRIED]:
            within = self._deadline.left(self._connect_within)
            try:
                # An address in figures: there is nothing left to resolve.
                stream = httpcore2.SyncBackend().connect_tcp(address, port, within, None, ())
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failed = error
            else:
                return _TimedStream(stream, self._deadline)
        raise failed

    def _checked(self, host: str, port: int) -> list[str]:
        """The addresses of the host. One that may not be reached refuses all: whoever mixes it in hopes that it will
        be the one that is taken."""
        texts = self._resolved(host, port)
        try:
            addresses = [ip_address(text) for text in texts]
        except ValueError:
            raise Unreachable("unresolved") from None
        if not all(may_connect(address, self._networks, encrypted=self._encrypted) for address in addresses):
            raise Unreachable("address_refused")
        return [str(address) for address in addresses]

    def _resolved(self, host: str, port: int) -> Sequence[str]:
        """What the resolver says, in time. It has no timeout of its own, so a slow one is left behind on its thread."""
        found: SimpleQueue[Sequence[str]] = SimpleQueue()

        def ask() -> None:
            try:
                found.put(self._resolver(host, port))
            except (OSError, UnicodeError):
                found.put(())

        threading.Thread(target=ask, name="resolver", daemon=True).start()
        try:
            return found.get(timeout=self._deadline.left())
        except Empty:
            raise Unreachable("timeout") from None


class _TimedStream(httpcore2.NetworkStream):
    """A connection on which every step ends with the deadline."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: Deadline) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # Not by the stream's own write, which gives each of its sends the whole timeout again.
        socket, view = self._stream.get_extra_info("socket"), memoryview(buffer)
        try:
            while view:
                socket.settimeout(self._deadline.left(timeout))
                view = view[socket.send(view) :]
        except TimeoutError:
            raise httpcore2.WriteTimeout from None
        except OSError:
            raise httpcore2.WriteError from None

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        try:
            left = self._deadline.left(timeout)
            return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)
        except BaseException as error:
            self.close()  # httpcore2 has not kept it yet
            if isinstance(error.__cause__, ssl.SSLError):
                raise Unreachable("tls") from None
            raise

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
