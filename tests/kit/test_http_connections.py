"""Connections that are kept for the next request, against real servers."""

import threading
import time
from collections.abc import Iterable, Iterator
from itertools import count

import pytest

from gateway.kit import http_connections
from gateway.kit.http import HttpClient
from tests.support.authority import Authority
from tests.support.local_server import LocalServer, http_response
from tests.support.outgoing import LOOPBACK, fetch, fixed_resolver, respond_with, unreachable_reason

OK = http_response(b"ok")


@pytest.fixture
def client() -> Iterator[HttpClient]:
    client = HttpClient(LOOPBACK, keeps_connections=True)
    yield client
    client.close()


def wait_until_closed(client: HttpClient) -> None:
    """Waits until the kept connections are closed by their host."""
    end = time.monotonic() + 5
    while client.kept and time.monotonic() < end:
        client.close_unusable()
        time.sleep(0.01)
    assert client.kept == 0


def test_next_request_for_a_url_uses_the_connection(client: HttpClient) -> None:
    with LocalServer(respond_with(OK), exchanges=9) as server:
        bodies = [client.post(server.url(), b"%d" % number, timeout=5, max_bytes=10).body for number in range(3)]
        assert (bodies, server.connections, client.kept) == ([b"ok"] * 3, 1, 1)
        assert [request.rpartition(b"\r\n")[2] for request in server.requests] == [b"0", b"1", b"2"]
        assert not any(b"connection:" in request.lower() for request in server.requests)
        client.close()


def test_connection_over_tls_is_checked_once_and_used_again(tmp_path_factory: pytest.TempPathFactory) -> None:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    resolver, calls = fixed_resolver("127.0.0.1")
    with LocalServer(respond_with(OK), context=authority.server("keys.example"), exchanges=9) as server:
        client = HttpClient(LOOPBACK, authority.ca_file, resolver=resolver, keeps_connections=True)
        for _ in range(3):
            assert fetch(client, server.url("/", "keys.example")).body == b"ok"
        client.close()
    assert (server.connections, len(calls)) == (1, 1)


def test_another_url_has_another_connection(client: HttpClient) -> None:
    with LocalServer(respond_with(OK), exchanges=9) as server:
        for path in ("/one", "/two", "/one", "/two"):
            fetch(client, server.url(path))
        assert (server.connections, client.kept) == (2, 2)
        client.close()


def test_requests_at_the_same_time_have_different_connections(client: HttpClient) -> None:
    together = threading.Barrier(3)

    def respond(_: bytes) -> Iterable[bytes]:
        together.wait(5)
        return (OK,)

    with LocalServer(respond, exchanges=9) as server:
        threads = [threading.Thread(target=fetch, args=(client, server.url())) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (server.connections, client.kept) == (3, 3)
        client.close()


def test_closed_connection_is_replaced(client: HttpClient) -> None:
    with LocalServer(respond_with(OK)) as server:
        assert [fetch(client, server.url()).body for _ in range(3)] == [b"ok"] * 3
        wait_until_closed(client)
    assert server.connections == len(server.requests) == 3


def test_request_is_sent_again_if_the_connection_closes_without_a_response(client: HttpClient) -> None:
    numbers = count(1)
    with LocalServer(lambda _: () if next(numbers) == 2 else (OK,), exchanges=9) as server:
        assert [fetch(client, server.url()).body for _ in range(2)] == [b"ok"] * 2
        assert (server.connections, len(server.requests)) == (2, 3)
        client.close()


def test_request_is_not_sent_again_over_a_new_connection(client: HttpClient) -> None:
    with LocalServer(respond_with(), exchanges=9) as server:
        assert unreachable_reason(client, server.url()) == "protocol"
    assert len(server.requests) == 1


def test_request_is_not_sent_again_after_a_part_of_a_response(client: HttpClient) -> None:
    numbers = count(1)
    with LocalServer(lambda _: (OK if next(numbers) == 1 else OK[:-1],), exchanges=2) as server:
        fetch(client, server.url())
        assert unreachable_reason(client, server.url()) == "protocol"
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(http_response(b"ok", headers=[("Connection", "close")]), id="close"),
        pytest.param(OK.replace(b"HTTP/1.1", b"HTTP/1.0"), id="HTTP/1.0"),
        pytest.param(OK + OK, id="a second response"),
        pytest.param(OK + b"x", id="a surplus byte"),
    ],
)
def test_connection_is_not_kept_after(response: bytes, client: HttpClient) -> None:
    with LocalServer(respond_with(response), exchanges=9) as server:
        for _ in range(2):
            assert fetch(client, server.url()).body == b"ok"
            assert client.kept == 0
    assert server.connections == 2


def test_connection_is_not_kept_after_a_response_that_is_too_large(client: HttpClient) -> None:
    with LocalServer(respond_with(http_response(b"x" * 2000)), exchanges=9) as server:
        assert unreachable_reason(client, server.url()) == "too_large"
        assert client.kept == 0


def test_each_request_has_its_own_time(client: HttpClient) -> None:
    release = threading.Event()
    numbers = count(1)

    def respond(_: bytes) -> Iterable[bytes]:
        if next(numbers) == 3:
            release.wait(5)
        return (OK,)

    with LocalServer(respond, exchanges=9) as server:
        for _ in range(2):
            fetch(client, server.url(), timeout=0.4)
            time.sleep(0.3)
        began = time.monotonic()
        assert unreachable_reason(client, server.url(), timeout=0.4) == "timeout"
        assert 0.3 < time.monotonic() - began < 3
        assert (client.kept, server.connections) == (0, 1)
        release.set()


@pytest.mark.parametrize("limit", ["LONGEST_USE", "IDLE_SECONDS"])
def test_old_connection_is_not_used(limit: str, client: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalServer(respond_with(OK), exchanges=9) as server:
        fetch(client, server.url())
        monkeypatch.setattr(http_connections, limit, 0.05)
        time.sleep(0.06)
        fetch(client, server.url())
        assert server.connections == 2
        client.close()


def test_oldest_connection_is_closed_when_there_are_too_many(
    client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_connections, "MOST_KEPT", 2)
    with LocalServer(respond_with(OK), exchanges=9) as server:
        for path in ("/1", "/2", "/3", "/2", "/3", "/1"):
            fetch(client, server.url(path))
        assert (client.kept, server.connections) == (2, 4)
        client.close()
