"""Redirect URIs: the rule for new ones, parameters after their own bytes, and loopback ports."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.identity.redirect_uri import append_parameters, is_redirect_uri, without_loopback_port

ALLOWED = [
    *("https://a.example", "https://a.example/", "https://a.example/cb", "https://A.Example/cb"),
    *("https://a.example:8443/cb?tenant=1", "https://a.example/cb?", "https://a.example?x=1", "https://localhost/cb"),
    *(
        "https://a.example/cb?x=%ff",
        "https://a.example/cb?flag",
        "https://a.example/cb?a=1;b=2&c",
        "https://a-b.example",
    ),
    *("https://a.example/cb?my_code=1&codes=2", "https://a.example/cb?x=code=1", "https://a.example/cb?Code=1"),
    *(
        "https://xn--bcher-kva.example/cb",
        "https://192.0.2.1/cb",
        "https://a.1b.example/",
        "https://a.example/%2e%2e/x",
    ),
    *("http://127.0.0.1/cb", "http://127.0.0.1:9000/cb", "http://localhost:65535/cb?x[]=1", "https://1.2.3.4.example/"),
]
REFUSED = [
    *("", "/cb", "//a.example/cb", "https:a.example/cb", "https:/a.example", "https:///cb", "https://", "https://:8/"),
    *(
        "http://a.example/cb",
        "http://127.0.0.2/cb",
        "http://127.0.0.1.example/",
        "http://localhost.example/",
        "app://x",
    ),
    *("javascript:alert(1)", "data:text/html,x", "ftp://a.example/", "https://a.example/cb#", "https://a.example/#x"),
    *("https://u@a.example/", "https://u:p@a.example/", "https://@a.example/", "http://127.0.0.1@evil.example/cb"),
    *("https://*.a.example/", "https://a.example/*", "https://a.example/cb?x=*", "https://a.example/cb?x={y}"),
    *("http://[::1]/cb", "http://[::1]:9000/cb", "https://[2001:db8::1]/cb", "https://[::1/cb", "https://::1/"),
    *("https://my_app.example/cb", "https://%63ars.example/cb", "https://-a.example/", "https://a-.example/"),
    *("https://a..example/", "https://a.example./cb", "https://.example/", "https://" + "a" * 64 + ".example/"),
    *("https://" + ".".join(["a" * 60] * 5) + "/", "https://a.example/" + "x" * 2048, "https://xn--a.example/"),
    *("https://256.1.1.1/", "https://1.2.3/", "https://127.1/", "https://2130706433/", "https://0x7f.0.0.1/"),
    *(
        "https://1.2.3.04/",
        "https://a.0x1/",
        "https://a.1/",
        "https://0x/",
        "https://1.2.3.4.5/",
        "https://xn--.example/",
    ),
    *(
        "https://a.example:/cb",
        "https://a.example:0/cb",
        "https://a.example:65536/",
        "https://a.example:x/",
        "https://a:8:9/",
    ),
    *(
        "https://a.example/a b",
        "https://a.example/a\nb",
        "https://a.example/\tb",
        "https://a.example/\x00",
        "https://a.example/\x7f",
    ),
    *(" https://a.example/", "https://a.example/\u00e9", "https://b\u00fccher.example/", "https://a\u3002example/"),
    *(
        "https://a.example\\@b.example/",
        "https:\\\\a.example/",
        "https://a.example/\\x",
        'https://a.example/"',
        "https://a.example/<",
    ),
    *(
        "https://a.example/%",
        "https://a.example/%zz",
        "https://a.example/?x=%f",
        "https://a.example,b.example/",
        "https://a.example;/",
    ),
    *(f"https://a.example/cb?{name}=1" for name in ("code", "state", "iss", "error", "error_description", "error_uri")),
    *(
        "https://a.example/cb?response=x",
        "https://a.example/cb?code",
        "https://a.example/cb?a=1&state=",
        "https://a.example?iss",
    ),
    *(
        "https://a.example/cb?%63ode=1",
        "https://a.example/cb?a=1;code=2",
        "https://a.example/cb?x&c%6Fde",
        "https://a.example/?&error=1",
    ),
]


@pytest.mark.parametrize("uri", [pytest.param(uri, id=f"D7-{uri}") for uri in ALLOWED])
def test_new_uri_is_allowed(uri: str) -> None:
    assert is_redirect_uri(uri)


@pytest.mark.parametrize("uri", [pytest.param(uri, id=f"D7-{uri[:60]!r}") for uri in REFUSED])
def test_new_uri_is_refused(uri: str) -> None:
    assert not is_redirect_uri(uri)


@given(st.text(max_size=40))
def test_d7_any_text_is_allowed_or_refused(text: str) -> None:
    assert is_redirect_uri(text) in {True, False}
    assert is_redirect_uri(f"https://a.example/{text}") in {True, False}


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        pytest.param(uri, expected, id=f"D7-{uri}")
        for uri, expected in (
            ("https://a.example", "https://a.example?code=c&iss=https%3A%2F%2Fb"),
            ("https://a.example/cb?", "https://a.example/cb?code=c&iss=https%3A%2F%2Fb"),
            ("https://a.example/cb?x=%ff", "https://a.example/cb?x=%ff&code=c&iss=https%3A%2F%2Fb"),
            ("https://a.example/cb?flag", "https://a.example/cb?flag&code=c&iss=https%3A%2F%2Fb"),
            ("https://a.example/cb?a=1;b=2&", "https://a.example/cb?a=1;b=2&code=c&iss=https%3A%2F%2Fb"),
            ("https://a.example/cb?a=/?b", "https://a.example/cb?a=/?b&code=c&iss=https%3A%2F%2Fb"),
        )
    ],
)
def test_parameters_follow_the_bytes_of_the_uri(uri: str, expected: str) -> None:
    assert append_parameters(uri, [("code", "c"), ("iss", "https://b")]) == expected


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        pytest.param(uri, expected, id=f"F6-{uri}")
        for uri, expected in (
            ("http://127.0.0.1:9000/cb?x", "http://127.0.0.1/cb?x"),
            ("http://127.0.0.1/cb", "http://127.0.0.1/cb"),
            ("http://localhost:1", "http://localhost"),
            ("http://localhost:65535?x", "http://localhost?x"),
            ("http://127.0.0.1:65536/cb", "http://127.0.0.1:65536/cb"),
            ("http://127.0.0.1:09000/cb", "http://127.0.0.1:09000/cb"),
            ("http://127.0.0.1:9000@evil.example/", "http://127.0.0.1:9000@evil.example/"),
            ("http://127.0.0.1:9000.evil.example/", "http://127.0.0.1:9000.evil.example/"),
            ("http://127.0.0.1.evil.example/", "http://127.0.0.1.evil.example/"),
            ("https://127.0.0.1:9000/cb", "https://127.0.0.1:9000/cb"),
            ("https://a.example:9000/cb", "https://a.example:9000/cb"),
        )
    ],
)
def test_loopback_port_is_removed(uri: str, expected: str) -> None:
    assert without_loopback_port(uri) == expected
