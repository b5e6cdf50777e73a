"""Normalization of URLs (RFC 3986 sections 5.2.4, 6.2.2 and 6.2.3)."""

import pytest

from gateway.kit.url_normalization import normalize_escapes, normalize_without_query, remove_dot_segments

ROOT = ("https", "gateway.example", 443, "/")
TOKEN = ("https", "gateway.example", 443, "/oauth/token")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param(url, expected, id=f"D12-{url}")
        for url, expected in (
            ("https://gateway.example", ROOT),
            ("https://gateway.example/", ROOT),
            ("https://gateway.example?x", ROOT),
            ("https://gateway.example#x", ROOT),
            ("https://gateway.example/.", ROOT),
            ("https://gateway.example/..", ROOT),
            ("HTTPS://GateWay.EXAMPLE:443/oauth/token", TOKEN),
            ("https://gateway.example:/oauth/token", TOKEN),
            ("https://g%61teway.example/oauth/token", TOKEN),
            ("https://gateway.example/%6Fauth/%74oken", TOKEN),
            ("https://gateway.example/a/../oauth/./token", TOKEN),
            ("https://gateway.example/%2e%2E/oauth/token", TOKEN),
            ("https://gateway.example/oauth/token?a=b#c", TOKEN),
            ("http://gateway.example:80/oauth/token", ("http", "gateway.example", 80, "/oauth/token")),
            ("https://gateway.example/oauth/token/", ("https", "gateway.example", 443, "/oauth/token/")),
            ("https://gateway.example/OAUTH/token", ("https", "gateway.example", 443, "/OAUTH/token")),
            ("https://gateway.example/a%2fb", ("https", "gateway.example", 443, "/a%2Fb")),
            ("https://[::1]:443/x", ("https", "::1", 443, "/x")),
        )
    ],
)
def test_equivalent_urls_are_equal(url: str, expected: tuple[str, str, int, str]) -> None:
    assert normalize_without_query(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        *("", "/oauth/token", "gateway.example/x", "ftp://gateway.example/", "https:///x", "https://", "https:x"),
        *("https://a@gateway.example/", "https://gateway.example:x/", "https://gateway.example:0/", "https://["),
        *(
            "https://gateway.example:70000/",
            "https://gateway.example/ x",
            "https://gate\nway.example/",
            " https://a.b/",
        ),
        *(
            "https://a.b/\t",
            "https://a.b/\u00e9",
            "https://a.b\\c",
            "https://a.b/%",
            "https://a.b/%zz",
            "https://a.b/\x00",
        ),
    ],
)
def test_d12_other_texts_are_no_url(url: str) -> None:
    assert normalize_without_query(url) is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        *(
            ("/a/b/c/./../../g", "/a/g"),
            ("/..", "/"),
            ("/.", "/"),
            ("/a/..", "/"),
            ("/a/.", "/a/"),
            ("", ""),
            ("/", "/"),
        ),
        *(("/../../g", "/g"), ("/a//b", "/a//b"), ("//", "//"), ("/...", "/..."), ("/a/../..//b", "//b")),
    ],
)
def test_d12_dot_segments_are_removed(path: str, expected: str) -> None:
    assert remove_dot_segments(path) == expected


def test_d12_escapes_have_one_form() -> None:
    assert normalize_escapes("%7e%41%2d%2f%3A%25%zz%4") == "~A-%2F%3A%25%zz%4"
