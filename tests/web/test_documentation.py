"""The built documentation under /docs: pages and files of a folder, and nothing outside of it."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from gateway.settings import Settings
from tests.support.clock import MovableClock
from tests.support.oauth_world import OAuthWorld

FILES = {
    "index.html": "<h1>Documentation</h1>",
    "404.html": "<h1>404</h1>",
    "quickstart/index.html": "<h1>Quickstart</h1>",
    "zh/index.html": "<h1>文档</h1>",
    "assets/javascripts/bundle.a5f9d56c.min.js": "0",
    "assets/stylesheets/documentation.css": "a{}",
    "search/search_index.json": "{}",
    "reference/errors/index.html": "<h1>Error codes</h1>",
    "reference/errors/INVALID/index.html": "<h1>INVALID</h1>",
    "examples/client.py": "print()",
    "empty/picture.svg": "<svg/>",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small documentation in a folder beside a secret."""
    (tmp_path / "secret.html").write_text("secret")
    for name, text in FILES.items():
        path = tmp_path / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "site"


@pytest.fixture
def http(sqlite_url: str, settings: Settings, clock: MovableClock, folder: Path) -> Iterator[httpx2.Client]:
    with closing(OAuthWorld(sqlite_url, settings.model_copy(update={"docs_directory": folder}), clock)) as world:
        yield world.http()


@pytest.mark.parametrize(
    ("path", "content"), [("/docs/", "Documentation"), ("/docs/quickstart/", "Quickstart"), ("/docs/zh/", "文档")]
)
def test_page_is_shown(http: httpx2.Client, path: str, content: str) -> None:
    response = http.get(path)
    assert response.status_code == 200
    assert content in response.text
    assert response.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(("language", "location"), [("en", "/docs/"), ("zh-CN", "/docs/zh/"), ("fr", "/docs/")])
def test_entrance_leads_to_the_pages_in_the_language_of_the_reader(
    http: httpx2.Client, language: str, location: str
) -> None:
    response = http.get("/docs", headers={"Accept-Language": language, "Host": "evil.example"})
    assert (response.status_code, response.headers["location"]) == (302, location)


def test_page_without_slash_redirects_to_the_same_host(http: httpx2.Client) -> None:
    response = http.get("/docs/quickstart", headers={"Host": "evil.example"})
    assert (response.status_code, response.headers["location"]) == (302, "/docs/quickstart/")


def test_policy_allows_scripts_and_styles_of_files_only(http: httpx2.Client) -> None:
    policy = http.get("/docs/").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert http.get("/docs/search/search_index.json").headers["content-security-policy"] == policy


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/docs/quickstart/", "no-cache"),
        ("/docs/search/search_index.json", "no-cache"),
        ("/docs/assets/stylesheets/documentation.css", "no-cache"),
        ("/docs/assets/javascripts/bundle.a5f9d56c.min.js", "public, max-age=31536000, immutable"),
    ],
)
def test_caches_keep_files_whose_name_has_a_hash(http: httpx2.Client, path: str, expected: str) -> None:
    assert http.get(path).headers["cache-control"] == expected


def test_unchanged_page_is_not_sent_again(http: httpx2.Client, folder: Path) -> None:
    tag = http.get("/docs/quickstart/").headers["etag"]
    assert http.get("/docs/quickstart/", headers={"If-None-Match": tag}).status_code == 304
    os.utime(folder / "quickstart" / "index.html", (1, 1))
    assert http.get("/docs/quickstart/", headers={"If-None-Match": tag}).status_code == 200


def test_example_is_shown_as_text(http: httpx2.Client) -> None:
    assert http.get("/docs/examples/client.py").headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    "path", ["/docs/nowhere", "/docs/empty/", "/docs/empty", "/docs/quickstart/index.html/", "/docs//"]
)
def test_unknown_path_shows_the_404_page_and_lists_no_folder(http: httpx2.Client, path: str) -> None:
    response = http.get(path)
    assert (response.status_code, response.text) == (404, "<h1>404</h1>")
    assert "content-security-policy" in response.headers


@pytest.mark.parametrize(
    "path",
    [
        "/docs/../secret.html",
        "/docs/%2e%2e/secret.html",
        "/docs/%2e%2e%2fsecret.html",
        "/docs/quickstart/..%2f..%2fsecret.html",
        "/docs/..%5csecret.html",
        "/docs//etc/passwd",
        "/docs/%2fetc%2fpasswd",
        "/docs/link.html",
        "/docs/a%00b",
        f"/docs/{'a' * 300}",
    ],
)
def test_nothing_outside_the_folder_is_shown(http: httpx2.Client, folder: Path, path: str) -> None:
    (folder / "link.html").symlink_to(folder.parent / "secret.html")
    response = http.request("GET", httpx2.URL(http.base_url.join("/"), raw_path=path.encode()))
    assert response.status_code == 404
    assert "secret" not in response.text
    assert "root:" not in response.text


def test_other_methods_are_refused(http: httpx2.Client) -> None:
    assert http.post("/docs/").status_code == 405
    assert http.head("/docs/").status_code == 200


@pytest.mark.parametrize(("path", "status"), [("/docs", 200), ("/docs/", 404), ("/docs/quickstart/", 404)])
@pytest.mark.parametrize(("language", "text"), [("en", "is not built yet"), ("zh", "文档尚未构建")])
def test_page_says_how_to_build(world: OAuthWorld, path: str, status: int, language: str, text: str) -> None:
    response = world.http().get(path, headers={"Accept-Language": language})
    assert response.status_code == status
    assert text in response.text
    assert "<code>make docs</code>" in response.text
    assert "GATEWAY_DOCS_DIRECTORY" in response.text
    assert ".docs/site" in response.text  # a server that was started outside the checkout shows another folder


def test_documentation_appears_without_a_restart(http: httpx2.Client, folder: Path) -> None:
    hidden = folder.rename(folder.with_name("hidden"))
    assert "is not built yet" in http.get("/docs").text
    hidden.rename(folder)
    assert http.get("/docs/").text == FILES["index.html"]


@pytest.mark.parametrize(
    ("path", "location"), [("", "/docs/reference/errors/"), ("/INVALID", "/docs/reference/errors/INVALID/")]
)
def test_error_codes_lead_to_the_built_pages(http: httpx2.Client, path: str, location: str) -> None:
    response = http.get(f"/docs/errors{path}")
    assert (response.status_code, response.headers["location"]) == (302, location)


def test_error_code_that_is_not_built_has_a_page(http: httpx2.Client) -> None:
    assert "<code>NOT_FOUND</code>" in http.get("/docs/errors/NOT_FOUND").text
