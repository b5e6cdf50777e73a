"""The network backend of the outgoing HTTP client: resolves and checks names once, and applies one deadline to each
whole exchange."""

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

MAX_ADDRESSES = 4
"""The largest number of addresses of one host that are tried in turn."""


class Deadline:
    """A deadline that starts at construction. A timeout per read is not enough, because a server that sends one byte a
    second would never exceed it."""

    def __init__(self, seconds: float) -> None:
        self.restart(seconds)

    def restart(self, seconds: float) -> None:
        """Begins again, for the next exchange over the same connection."""
        self._end = time.monotonic() + seconds

    def remaining(self, at_most: float | None = None) -> float:
        """Returns the remaining seconds, or `at_most` if that is less. Raises TimeoutException if none remain."""
        seconds = self._end - time.monotonic()
        if seconds <= 0:
            raise httpcore2.TimeoutException
        return seconds if at_most is None else min(seconds, at_most)


class GuardedNetwork(httpcore2.NetworkBackend):
    """The network backend of one connection. It raises Unreachable or exceptions of httpcore2."""

    def __init__(
        self,
        resolver: Resolver,
        networks: Sequence[Network],
        encrypted: bool,
        deadline: Deadline,
        connect_timeout: float,
    ) -> None:
        self._resolver, self._networks, self._encrypted = resolver, networks, encrypted
        self._deadline, self._connect_timeout = deadline, connect_timeout

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Returns a connection to an address of the host, after all its addresses have been checked."""
        failure: Exception = Unreachable("unresolved")
        for address in self._checked(host, port)[:MAX_ADDRESSES]:
            seconds = self._deadline.remaining(self._connect_timeout)
            try:
                # A numeric address, which is not resolved again.
                stream = httpcore2.SyncBackend().connect_tcp(address, port, seconds, None, ())
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return _TimedStream(stream, self._deadline)
        raise failure

    def _checked(self, host: str, port: int) -> list[str]:
        """Returns the addresses of the host. If one of them is not allowed, all are rejected: an attacker may have
        added it to have it chosen."""
        texts = self._resolved(host, port)
        try:
            addresses = [ip_address(text) for text in texts]
        except ValueError:
            raise Unreachable("unresolved") from None
        if not all(may_connect(address, self._networks, encrypted=self._encrypted) for address in addresses):
            raise Unreachable("address_refused")
        return [str(address) for address in addresses]

    def _resolved(self, host: str, port: int) -> Sequence[str]:
        """Returns the result of the resolver. The resolver has no timeout, so it runs on its own thread, which is
        abandoned at the deadline."""
        results: SimpleQueue[Sequence[str]] = SimpleQueue()

        def ask() -> None:
            try:
                results.put(self._resolver(host, port))
            except (OSError, UnicodeError):
                results.put(())

        threading.Thread(target=ask, name="resolver", daemon=True).start()
        try:
            return results.get(timeout=self._deadline.remaining())
        except Empty:
            raise Unreachable("timeout") from None


class _TimedStream(httpcore2.NetworkStream):
    """A connection on which each operation ends at the deadline."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: Deadline) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.remaining(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # The stream's own write would apply the whole timeout to each of its sends.
        socket, view = self._stream.get_extra_info("socket"), memoryview(buffer)
        try:
            while view:
                socket.settimeout(self._deadline.remaining(timeout))
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
            seconds = self._deadline.remaining(timeout)
            return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, seconds), self._deadline)
        except BaseException as error:
            self.close()  # httpcore2 does not close it at this point
            if isinstance(error.__cause__, ssl.SSLError):
                raise Unreachable("tls") from None
            raise

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
