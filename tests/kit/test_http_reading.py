"""The limits of time, size and encoding of the outgoing HTTP client, against real servers."""

import gzip
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from gateway.kit.http import HttpClient
from gateway.kit.http_address import Unreachable
from tests.support.local_server import LocalServer, http_response
from tests.support.outgoing import LOOPBACK, fetch, respond_with, unreachable_reason


def _chunked(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


def _endless(_: bytes) -> Iterator[bytes]:
    yield http_response(sized=False)
    while True:
        yield b"x" * 1000


def test_body_is_read_up_to_the_limit() -> None:
    for response in (http_response(b"x" * 1000), http_response(b"x" * 1000, sized=False), _chunked(b"x" * 1000)):
        with LocalServer(respond_with(response)) as server:
            assert len(fetch(HttpClient(LOOPBACK), server.url()).body) == 1000
            assert unreachable_reason(HttpClient(LOOPBACK), server.url(), max_bytes=999) == "too_large"
    with LocalServer(_endless) as server:
        assert unreachable_reason(HttpClient(LOOPBACK), server.url()) == "too_large"


def test_too_large_content_length_is_refused_without_reading() -> None:
    refused = threading.Event()

    def never_sent(_: bytes) -> Iterator[bytes]:
        yield http_response(headers=[("Content-Length", "5000")], sized=False)
        refused.wait(2)

    with LocalServer(never_sent) as server:
        began = time.monotonic()
        assert unreachable_reason(HttpClient(LOOPBACK), server.url()) == "too_large"
        assert time.monotonic() - began < 1.5
        refused.set()


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "identity, gzip", "GZIP"])
def test_compressed_body_is_refused(encoding: str) -> None:
    small = gzip.compress(b"0" * 10_000_000)
    with LocalServer(respond_with(http_response(small, headers=[("Content-Encoding", encoding)]))) as server:
        assert unreachable_reason(HttpClient(LOOPBACK), server.url(), max_bytes=100_000) == "encoding"


@pytest.mark.parametrize("part", ["head", "body", "interim", "nothing"])
@pytest.mark.slow
def test_slow_response_ends_at_the_deadline(part: str) -> None:
    ended = threading.Event()

    def drip(_: bytes) -> Iterator[bytes]:
        if part == "body":
            yield http_response(sized=False)
        for _turn in range(60):
            yield {"interim": b"HTTP/1.1 102 Wait\r\n\r\n", "nothing": b""}.get(part, b"H")
            if ended.wait(0.05):
                return

    with LocalServer(drip) as server:
        began = time.monotonic()
        reason = unreachable_reason(HttpClient(LOOPBACK), server.url(), timeout=0.6)
        took = time.monotonic() - began
        ended.set()
    assert (reason, 0.4 < took < 2.5) == ("timeout", True) if part != "head" else reason in {"timeout", "protocol"}


def test_server_that_does_not_read_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        began, url = time.monotonic(), f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with pytest.raises(Unreachable) as unreachable:
            HttpClient(LOOPBACK).post(url, bytes(50_000_000), timeout=0.3, max_bytes=10)
        assert (unreachable.value.reason, time.monotonic() - began < 2.5) == ("timeout", True)


@pytest.mark.parametrize(
    "response",
    [
        *(
            b"",
            b"not http\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
            b"HTTP/1.1 200 OK\r\nA b\r\n\r\n",
        ),
        b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"a" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    ],
    ids=["nothing", "junk", "cut off", "broken header", "large header", "number without end", "two lengths"],
)
def test_response_that_is_not_http_is_refused(response: bytes) -> None:
    with LocalServer(respond_with(response)) as server:
        assert unreachable_reason(HttpClient(LOOPBACK), server.url()) in {"protocol", "connection", "too_large"}
