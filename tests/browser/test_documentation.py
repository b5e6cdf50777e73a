"""The built documentation in a real browser, with its scripts: it loads nothing from another host, follows its
Content-Security-Policy, its search finds pages, and axe-core finds no violation."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.checkout import ROOT
from tests.support.server import Sandbox

pytestmark = pytest.mark.browser
SITE = ROOT / ".docs" / "site"
SIZES = [1280, 390]
PAGES = ["", "quickstart/", "guides/car-deposit/", "zh/guides/point-of-sale/", "nowhere/"]


@pytest.fixture
def open_page(chromium: Any, sqlite_sandbox: Sandbox) -> Iterator[Callable[..., Any]]:
    """Opens a page of the documentation, and checks at the end of the test what the browser loaded and reported."""
    if not SITE.exists():
        pytest.skip("The documentation is not built: make docs")
    issuer, contexts, problems = sqlite_sandbox.credentials["issuer"], [], list[str]()

    def report(request: Any) -> None:
        if not request.url.startswith((f"{issuer}/", "data:")):
            problems.append(request.url)

    def show(path: str, width: int = 1280, scheme: str = "light", language: str = "en-US") -> Any:
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, locale=language)
        contexts.append(context)
        page = context.new_page()
        page.on("request", report)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if "404" not in message.text else None)
        page.goto(f"{issuer}/docs{path}")
        return page

    yield show
    for context in contexts:
        context.close()
    assert problems == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", SIZES)
def test_pages_have_no_violation_and_fit(
    open_page: Callable[..., Any], axe: str, tmp_path: Path, width: int, scheme: str
) -> None:
    for path in PAGES:
        page = open_page(f"/{path}", width, scheme)
        page.screenshot(path=tmp_path / f"{path.replace('/', '-')}{width}-{scheme}.png")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        page.evaluate(f"{axe}; 0")
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then(result => result.violations)")
        assert [(path, each["id"], each["nodes"][0]["html"][:160]) for each in found] == []


@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize(
    ("language", "words", "title"), [("en-US", "open overdue obligation", "Reason codes"), ("zh-CN", "文档", "文档")]
)
def test_search_finds_a_page(open_page: Callable[..., Any], width: int, language: str, words: str, title: str) -> None:
    page = open_page("", width, language=language)
    assert page.url.endswith("/docs/zh/" if language == "zh-CN" else "/docs/")
    if width < 1000:
        page.locator("label.md-header__button[for=__search]").click()
    page.locator("input.md-search__input").click()
    page.keyboard.type(words)
    page.keyboard.press("End")  # the search reads its field when a key is released
    result = page.locator(".md-search-result__article h1", has_text=title).first
    result.wait_for()
    result.click()
    page.wait_for_url("**/docs/**")
    assert title in page.inner_text("article h1")


def test_language_link_leads_to_the_same_page(open_page: Callable[..., Any]) -> None:
    page = open_page("/")
    page.hover("button[aria-label='Select language']")
    page.click("a[hreflang=zh]")
    assert page.url.endswith("/docs/zh/")
    assert page.get_attribute("html", "lang") == "zh"


def test_reader_chooses_dark_colours(open_page: Callable[..., Any]) -> None:
    page = open_page("/quickstart/")
    assert page.get_attribute("body", "data-md-color-scheme") == "default"
    page.click("label[title='Dark colours']")
    assert page.get_attribute("body", "data-md-color-scheme") == "slate"
    page.reload()
    assert page.get_attribute("body", "data-md-color-scheme") == "slate"


def test_page_is_found_and_read_by_the_keyboard(open_page: Callable[..., Any]) -> None:
    page = open_page("/")
    page.keyboard.press("Tab")
    assert page.inner_text(":focus") == "Skip to content"
    page.keyboard.press("/")
    page.locator("input.md-search__input:focus").wait_for()
    page.keyboard.type("open overdue obligation")
    page.keyboard.press("End")
    page.locator(".md-search-result__article h1", has_text="Reason codes").first.wait_for()
    page.keyboard.press("ArrowDown")
    while "Reason codes" not in page.inner_text(":focus"):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/reference/reasons/**")
