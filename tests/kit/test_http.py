"""The outgoing HTTP client against real servers: where it connects, whom it believes, and how long and how much it
reads."""

import gzip
import socket
import time
from collections.abc import Iterator, Sequence
from ipaddress import ip_network
from pathlib import Path

import pytest

from gateway.kit.addresses import Resolver, resolve
from gateway.kit.http import HttpAnswer, HttpClient
from gateway.kit.http_address import Unreachable
from tests.support.authority import Authority
from tests.support.local_server import Answers, LocalServer, answer

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def got(client: HttpClient, url: str, within: float = 5, at_most: int = 1000) -> HttpAnswer:
    return client.get(url, within=within, at_most=at_most)


def refused(client: HttpClient, url: str, within: float = 5, at_most: int = 1000) -> str:
    """Why there is no answer; the text says nothing of the address."""
    with pytest.raises(Unreachable) as unreachable:
        got(client, url, within, at_most)
    assert str(unreachable.value) == f"There was no usable answer: {unreachable.value.reason}."
    assert unreachable.value.__cause__ is None
    return unreachable.value.reason


def told(*texts: str) -> tuple[Resolver, list[tuple[str, int]]]:
    """A resolver that always answers these addresses, and what it was asked."""
    asked: list[tuple[str, int]] = []

    def resolver(host: str, port: int) -> Sequence[str]:
        asked.append((host, port))
        return texts

    return resolver, asked


def fixed(*pieces: bytes) -> Answers:
    return lambda _: pieces


def test_get_and_post_over_tls(authority: Authority) -> None:
    with LocalServer(
        fixed(answer(b"[1]", headers=[("X-A", "1"), ("x-a", "2")])), context=authority.server("keys.example")
    ) as server:
        resolver, asked = told("127.0.0.1")
        client = HttpClient(LOOPBACK, authority.ca_file, resolver=resolver)
        url = server.url("/keys?a=b", "keys.example")
        found = got(client, url)
        posted = client.post(url, b"ping", within=5, at_most=10, headers={"Content-Type": "text/plain"})

    assert (found.status, found.body, found.headers["x-a"]) == (200, b"[1]", "1, 2")
    assert posted.body == b"[1]"
    assert asked == [("keys.example", server.port)] * 2
    first, second = server.requests
    assert first.startswith(b"GET /keys?a=b HTTP/1.1\r\n")
    head = first.lower()
    for line in (b"user-agent: sesame-gateway", b"accept-encoding: identity", b"host: keys.example:%d" % server.port):
        assert line + b"\r\n" in head
    assert not any(name in head for name in (b"cookie:", b"authorization:", b"content-length:"))
    assert second.startswith(b"POST ")
    assert second.endswith(b"\r\n\r\nping")


def test_a_large_body_is_sent_whole() -> None:
    with LocalServer(fixed(answer(b"ok"))) as server:
        body = bytes(range(256)) * 16_000
        HttpClient(LOOPBACK).post(server.url(), body, within=20, at_most=10)
    assert server.requests[0].endswith(body)


@pytest.mark.parametrize("hosts", [("other.example",), ("127.0.0.1",)], ids=str)
def test_a_certificate_for_another_host(authority: Authority, hosts: tuple[str, ...]) -> None:
    with LocalServer(fixed(answer(b"x")), context=authority.server(*hosts)) as server:
        client = HttpClient(LOOPBACK, authority.ca_file, resolver=told("127.0.0.1")[0])
        assert refused(client, server.url("/", "keys.example")) == "tls"
    assert server.requests == []


def test_a_certificate_by_nobody_we_trust_or_out_of_date(authority: Authority, tmp_path: Path) -> None:
    resolver, _ = told("127.0.0.1")
    with LocalServer(fixed(answer(b"x")), context=authority.server("keys.example")) as server:
        for ca_file in (None, Authority(tmp_path).ca_file):
            assert refused(HttpClient(LOOPBACK, ca_file, resolver=resolver), server.url("/", "keys.example")) == "tls"
    with LocalServer(fixed(answer(b"x")), context=authority.server("keys.example", expired=True)) as server:
        client = HttpClient(LOOPBACK, authority.ca_file, resolver=resolver)
        assert refused(client, server.url("/", "keys.example")) == "tls"


def test_a_file_of_authorities_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "junk").write_text("no certificate")
    for name in ("junk", "absent"):
        with pytest.raises(OSError):
            HttpClient(ca_file=tmp_path / name)


def test_loopback_only_where_it_is_listed() -> None:
    with LocalServer(fixed(answer(b"x"))) as server:
        assert got(HttpClient(LOOPBACK), server.url()).body == b"x"
        assert got(HttpClient(LOOPBACK), server.url("/", "localhost")).body == b"x"
        assert refused(HttpClient(), server.url()) == "address_refused"
        assert refused(HttpClient([ip_network("10.0.0.0/8")]), server.url()) == "address_refused"
    assert len(server.requests) == server.connections == 2


def test_plain_http_stays_on_this_machine() -> None:
    for text in ("10.1.2.3", "93.184.216.34"):
        client = HttpClient([*LOOPBACK, ip_network("10.0.0.0/8")], resolver=told(text)[0])
        assert refused(client, "http://keys.example/") == "address_refused"


@pytest.mark.parametrize("host", ["127.1", "0x7f000001", "2130706433", "0177.0.0.1", "127.0.0.1", "[::1]", "localhost"])
def test_no_spelling_of_loopback_gets_through(host: str) -> None:
    with LocalServer(fixed(answer(b"x"))) as server:
        assert refused(HttpClient(), server.url("/", host).replace("http:", "https:")) in {
            "address_refused",
            "unresolved",
        }
    assert server.connections == 0
    if "." in host or host.isdigit():
        assert resolve(host, 443) == ["127.0.0.1"], "the spelling means what it is here for"


def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    """A name that means something else a moment later, as in a DNS rebinding attack."""
    turns = iter([["127.0.0.1"], ["127.0.0.9"]])
    with LocalServer(fixed(answer(b"x"))) as server:
        client = HttpClient(LOOPBACK, resolver=lambda host, port: next(turns))
        assert got(client, server.url("/", "keys.example")).body == b"x"
        assert next(turns) == ["127.0.0.9"], "asked once"
        assert server.connections == 1


def test_one_bad_address_refuses_all_and_the_next_good_one_is_tried() -> None:
    with LocalServer(fixed(answer(b"x"))) as server:
        url = server.url("/", "keys.example")
        for mixed in (("127.0.0.1", "10.0.0.1"), ("10.0.0.1", "127.0.0.1"), ("127.0.0.1", "nonsense")):
            assert refused(HttpClient(LOOPBACK, resolver=told(*mixed)[0]), url) in {"address_refused", "unresolved"}
        assert server.connections == 0
        assert got(HttpClient(LOOPBACK, resolver=told("127.0.0.77", "127.0.0.1")[0]), url).body == b"x"
        assert refused(HttpClient(LOOPBACK, resolver=told("127.0.0.77")[0]), url) == "connection"


def test_a_host_without_an_address_and_a_slow_resolver() -> None:
    assert refused(HttpClient(resolver=told()[0]), "https://keys.example/") == "unresolved"

    def failing(host: str, port: int) -> Sequence[str]:
        raise OSError

    def slow(host: str, port: int) -> Sequence[str]:
        time.sleep(3)
        return ["127.0.0.1"]

    assert refused(HttpClient(resolver=failing), "https://keys.example/") == "unresolved"
    began = time.monotonic()
    assert refused(HttpClient(LOOPBACK, resolver=slow), "https://keys.example/", within=0.3) == "timeout"
    assert time.monotonic() - began < 2.5


@pytest.mark.parametrize(
    "url",
    [
        *("", "keys.example", "/keys", "//keys.example/", "ftp://keys.example/", "file:///etc/passwd", "https:///keys"),
        *("https://user@keys.example/", "https://user:word@keys.example/", "https://keys.example@127.0.0.1/"),
        *("https://keys.example/#top", "https://keys.example/#", "https://keys.example\\@evil.example/"),
        *(
            "https://keys.example:0/",
            "https://keys.example:99999/",
            "https://keys.example:x/",
            "https://k\u0435ys.example/",
        ),
        *(
            "https://keys.example/ a",
            "https://keys.example/\r\nX: y",
            "https://keys.example/\x00",
            "https://[::1%25lo]/",
        ),
        *(
            "https://[::1/",
            "https://[127.0.0.1]/",
            "https://keys..example/",
            "https://.keys.example/",
            "https://a%2eb/",
        ),
        "https://keys.example/" + "x" * 2048,
    ],
)
def test_an_address_that_is_not_read(url: str) -> None:
    resolver, asked = told("127.0.0.1")
    assert refused(HttpClient(LOOPBACK, resolver=resolver), url) == "url"
    assert asked == []


def test_a_redirect_is_an_answer_and_not_followed() -> None:
    with LocalServer(fixed(answer(b"else"))) as other:
        moved = answer(status=302, headers=[("Location", other.url()), ("Set-Cookie", "a=b")])
        with LocalServer(fixed(moved)) as server:
            client = HttpClient(LOOPBACK)
            found = got(client, server.url())
            got(client, server.url())
    assert (found.status, found.headers["location"]) == (302, other.url())
    assert other.connections == 0
    assert b"cookie" not in server.requests[1].lower()


def _chunked(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


def _endless(_: bytes) -> Iterator[bytes]:
    yield answer(sized=False)
    while True:
        yield b"x" * 1000


def test_a_body_is_read_up_to_its_limit() -> None:
    for said in (answer(b"x" * 1000), answer(b"x" * 1000, sized=False), _chunked(b"x" * 1000)):
        with LocalServer(fixed(said)) as server:
            assert len(got(HttpClient(LOOPBACK), server.url()).body) == 1000
            assert refused(HttpClient(LOOPBACK), server.url(), at_most=999) == "too_large"
    with LocalServer(_endless) as server:
        assert refused(HttpClient(LOOPBACK), server.url()) == "too_large"


def test_a_length_that_is_announced_is_believed_without_reading() -> None:
    def never_sent(_: bytes) -> Iterator[bytes]:
        yield answer(headers=[("Content-Length", "5000")], sized=False)
        time.sleep(2)

    with LocalServer(never_sent) as server:
        began = time.monotonic()
        assert refused(HttpClient(LOOPBACK), server.url()) == "too_large"
        assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "identity, gzip", "GZIP"])
def test_a_compressed_body_is_not_taken(encoding: str) -> None:
    small = gzip.compress(b"0" * 10_000_000)
    with LocalServer(fixed(answer(small, headers=[("Content-Encoding", encoding)]))) as server:
        assert refused(HttpClient(LOOPBACK), server.url(), at_most=100_000) == "encoding"


@pytest.mark.parametrize("part", ["head", "body", "interim", "nothing"])
def test_one_deadline_over_all_that_drips(part: str) -> None:
    def drip(_: bytes) -> Iterator[bytes]:
        if part == "body":
            yield answer(sized=False)
        for _turn in range(60):
            yield {"interim": b"HTTP/1.1 102 Wait\r\n\r\n", "nothing": b""}.get(part, b"H")
            time.sleep(0.05)

    with LocalServer(drip) as server:
        began = time.monotonic()
        reason = refused(HttpClient(LOOPBACK), server.url(), within=0.6)
        took = time.monotonic() - began
    assert (reason, 0.4 < took < 2.5) == ("timeout", True) if part != "head" else reason in {"timeout", "protocol"}


def test_a_server_that_does_not_read() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        began, url = time.monotonic(), f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with pytest.raises(Unreachable) as unreachable:
            HttpClient(LOOPBACK).post(url, bytes(50_000_000), within=0.3, at_most=10)
        assert (unreachable.value.reason, time.monotonic() - began < 2.5) == ("timeout", True)


@pytest.mark.parametrize(
    "said",
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
def test_what_is_not_http(said: bytes) -> None:
    with LocalServer(fixed(said)) as server:
        assert refused(HttpClient(LOOPBACK), server.url()) in {"protocol", "connection", "too_large"}


def test_the_environment_has_no_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password something\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with LocalServer(fixed(answer(b"proxy"))) as proxy, LocalServer(fixed(answer(b"x"))) as server:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url())
        assert got(HttpClient(LOOPBACK), server.url()).body == b"x"
    assert proxy.connections == 0
    assert b"authorization" not in server.requests[0].lower()
