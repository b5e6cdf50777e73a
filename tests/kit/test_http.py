"""The outgoing HTTP client against real servers: addresses, certificates and URLs."""

import time
from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path

import pytest

from gateway.kit.addresses import resolve
from gateway.kit.http import HttpClient
from tests.support.authority import Authority
from tests.support.local_server import LocalServer, http_response
from tests.support.outgoing import LOOPBACK, fetch, fixed_resolver, respond_with, unreachable_reason


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def test_get_and_post_over_tls(authority: Authority) -> None:
    with LocalServer(
        respond_with(http_response(b"[1]", headers=[("X-A", "1"), ("x-a", "2")])),
        context=authority.server("keys.example"),
    ) as server:
        resolver, calls = fixed_resolver("127.0.0.1")
        client = HttpClient(LOOPBACK, authority.ca_file, resolver=resolver)
        url = server.url("/keys?a=b", "keys.example")
        response = fetch(client, url)
        posted = client.post(url, b"ping", timeout=5, max_bytes=10, headers={"Content-Type": "text/plain"})

    assert (response.status, response.body, response.headers["x-a"]) == (200, b"[1]", "1, 2")
    assert posted.body == b"[1]"
    assert calls == [("keys.example", server.port)] * 2
    first, second = server.requests
    assert first.startswith(b"GET /keys?a=b HTTP/1.1\r\n")
    head = first.lower()
    for line in (b"user-agent: sesame-gateway", b"accept-encoding: identity", b"host: keys.example:%d" % server.port):
        assert line + b"\r\n" in head
    assert not any(name in head for name in (b"cookie:", b"authorization:", b"content-length:"))
    assert second.startswith(b"POST ")
    assert second.endswith(b"\r\n\r\nping")


def test_a_large_body_is_sent_whole() -> None:
    with LocalServer(respond_with(http_response(b"ok"))) as server:
        body = bytes(range(256)) * 16_000
        HttpClient(LOOPBACK).post(server.url(), body, timeout=20, max_bytes=10)
    assert server.requests[0].endswith(body)


@pytest.mark.parametrize("hosts", [("other.example",), ("127.0.0.1",)], ids=str)
def test_certificate_for_another_host_is_refused(authority: Authority, hosts: tuple[str, ...]) -> None:
    with LocalServer(respond_with(http_response(b"x")), context=authority.server(*hosts)) as server:
        client = HttpClient(LOOPBACK, authority.ca_file, resolver=fixed_resolver("127.0.0.1")[0])
        assert unreachable_reason(client, server.url("/", "keys.example")) == "tls"
    assert server.requests == []


def test_untrusted_or_expired_certificate_is_refused(authority: Authority, tmp_path: Path) -> None:
    resolver, _ = fixed_resolver("127.0.0.1")
    with LocalServer(respond_with(http_response(b"x")), context=authority.server("keys.example")) as server:
        for ca_file in (None, Authority(tmp_path).ca_file):
            assert (
                unreachable_reason(HttpClient(LOOPBACK, ca_file, resolver=resolver), server.url("/", "keys.example"))
                == "tls"
            )
    with LocalServer(
        respond_with(http_response(b"x")), context=authority.server("keys.example", expired=True)
    ) as server:
        client = HttpClient(LOOPBACK, authority.ca_file, resolver=resolver)
        assert unreachable_reason(client, server.url("/", "keys.example")) == "tls"


def test_invalid_ca_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "junk").write_text("no certificate")
    for name in ("junk", "absent"):
        with pytest.raises(OSError):
            HttpClient(ca_file=tmp_path / name)


def test_loopback_is_allowed_only_if_it_is_listed() -> None:
    with LocalServer(respond_with(http_response(b"x"))) as server:
        assert fetch(HttpClient(LOOPBACK), server.url()).body == b"x"
        assert fetch(HttpClient(LOOPBACK), server.url("/", "localhost")).body == b"x"
        assert unreachable_reason(HttpClient(), server.url()) == "address_refused"
        assert unreachable_reason(HttpClient([ip_network("10.0.0.0/8")]), server.url()) == "address_refused"
    assert len(server.requests) == server.connections == 2


def test_plain_http_to_other_machines_is_refused() -> None:
    for text in ("10.1.2.3", "93.184.216.34"):
        client = HttpClient([*LOOPBACK, ip_network("10.0.0.0/8")], resolver=fixed_resolver(text)[0])
        assert unreachable_reason(client, "http://keys.example/") == "address_refused"


@pytest.mark.parametrize("host", ["127.1", "0x7f000001", "2130706433", "0177.0.0.1", "127.0.0.1", "[::1]", "localhost"])
def test_every_spelling_of_loopback_is_refused(host: str) -> None:
    with LocalServer(respond_with(http_response(b"x"))) as server:
        assert unreachable_reason(HttpClient(), server.url("/", host).replace("http:", "https:")) in {
            "address_refused",
            "unresolved",
        }
    assert server.connections == 0
    if "." in host or host.isdigit():
        assert resolve(host, 443) == ["127.0.0.1"], "the spelling is one of loopback"


def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    """The name resolves to another address a moment later, as in a DNS rebinding attack."""
    turns = iter([["127.0.0.1"], ["127.0.0.9"]])
    with LocalServer(respond_with(http_response(b"x"))) as server:
        client = HttpClient(LOOPBACK, resolver=lambda host, port: next(turns))
        assert fetch(client, server.url("/", "keys.example")).body == b"x"
        assert next(turns) == ["127.0.0.9"], "the name is resolved once"
        assert server.connections == 1


def test_one_refused_address_refuses_all_and_the_next_address_is_tried() -> None:
    with LocalServer(respond_with(http_response(b"x"))) as server:
        url = server.url("/", "keys.example")
        for mixed in (("127.0.0.1", "10.0.0.1"), ("10.0.0.1", "127.0.0.1"), ("127.0.0.1", "nonsense")):
            assert unreachable_reason(HttpClient(LOOPBACK, resolver=fixed_resolver(*mixed)[0]), url) in {
                "address_refused",
                "unresolved",
            }
        assert server.connections == 0
        assert fetch(HttpClient(LOOPBACK, resolver=fixed_resolver("127.0.0.77", "127.0.0.1")[0]), url).body == b"x"
        assert unreachable_reason(HttpClient(LOOPBACK, resolver=fixed_resolver("127.0.0.77")[0]), url) == "connection"


def test_unresolved_host_and_slow_resolver() -> None:
    assert unreachable_reason(HttpClient(resolver=fixed_resolver()[0]), "https://keys.example/") == "unresolved"

    def failing(host: str, port: int) -> Sequence[str]:
        raise OSError

    def slow(host: str, port: int) -> Sequence[str]:
        time.sleep(3)
        return ["127.0.0.1"]

    assert unreachable_reason(HttpClient(resolver=failing), "https://keys.example/") == "unresolved"
    began = time.monotonic()
    assert unreachable_reason(HttpClient(LOOPBACK, resolver=slow), "https://keys.example/", timeout=0.3) == "timeout"
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
def test_invalid_url_is_refused(url: str) -> None:
    resolver, calls = fixed_resolver("127.0.0.1")
    assert unreachable_reason(HttpClient(LOOPBACK, resolver=resolver), url) == "url"
    assert calls == []


def test_redirect_is_returned_and_not_followed() -> None:
    with LocalServer(respond_with(http_response(b"else"))) as other:
        moved = http_response(status=302, headers=[("Location", other.url()), ("Set-Cookie", "a=b")])
        with LocalServer(respond_with(moved)) as server:
            client = HttpClient(LOOPBACK)
            response = fetch(client, server.url())
            fetch(client, server.url())
    assert (response.status, response.headers["location"]) == (302, other.url())
    assert other.connections == 0
    assert b"cookie" not in server.requests[1].lower()


def test_environment_variables_are_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password something\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with (
        LocalServer(respond_with(http_response(b"proxy"))) as proxy,
        LocalServer(respond_with(http_response(b"x"))) as server,
    ):
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url())
        assert fetch(HttpClient(LOOPBACK), server.url()).body == b"x"
    assert proxy.connections == 0
    assert b"authorization" not in server.requests[0].lower()
