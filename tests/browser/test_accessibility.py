"""Every page in light, dark and forced colours: no violation that axe-core finds, and a focus ring that can be seen."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from gateway.kit.clock import wall_clock
from gateway.settings import Settings
from gateway.web.routes import STATIC
from tests.support.oauth_world import OAuthWorld
from tests.support.page_case import PageCase
from tests.support.page_cases import CASES

pytestmark = pytest.mark.browser
LOOKS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "forced": {"color_scheme": "dark", "forced_colors": "active"},
}
FOCUS = """() => {
  const channel = value => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const parse = text => (text.match(/[0-9.]+/g) || []).map(Number);
  const luminance = ([r, g, b]) => 0.2126 * channel(r / 255) + 0.7152 * channel(g / 255) + 0.0722 * channel(b / 255);
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const style = getComputedStyle(element);
  let around = element.parentElement, back = [255, 255, 255];
  for (; around; around = around.parentElement) {
    const colour = parse(getComputedStyle(around).backgroundColor);
    if (colour.length < 4 || colour[3] > 0) { back = colour; break; }
  }
  const [a, b] = [luminance(parse(style.outlineColor)), luminance(back)].sort((x, y) => y - x);
  return {
    name: element.outerHTML.slice(0, 80), style: style.outlineStyle, width: parseFloat(style.outlineWidth),
    contrast: (a + 0.05) / (b + 0.05),
  };
}"""

MISPLACED = """() => {
  const found = [];
  const inside = (child, parent) => child.left >= parent.left - 1 && child.right <= parent.right + 1;
  for (const sheet of document.querySelectorAll(".sheet")) {
    const box = sheet.getBoundingClientRect(), style = getComputedStyle(sheet);
    const content = {left: box.left + parseFloat(style.paddingLeft), right: box.right - parseFloat(style.paddingRight)};
    for (const each of sheet.querySelectorAll("a, button, code, input, textarea, select, p")) {
      if (each.closest("pre") || each.type === "hidden" || each.name === "lang") continue;
      for (const part of each.getClientRects())
        if (part.width && !inside(part, content)) found.push(["outside", each.outerHTML.slice(0, 80)]);
    }
  }
  for (const list of document.querySelectorAll("ul")) {
    const links = [...list.querySelectorAll(":scope > li > a")].map(each => [each, each.getBoundingClientRect()]);
    for (const [[first, a], [, b]] of links.slice(1).map((link, i) => [links[i], link]))
      if (Math.abs(a.top - b.top) < 4 && b.left - a.right < 8) found.push(["together", first.outerHTML.slice(0, 80)]);
  }
  return found;
}"""
"""Finds texts and controls that leave their sheet, and links of a list with less than 8 pixels between them. The
language is changed by a button of the form that is shown above the sheet, and commands scroll."""


@pytest.fixture
def world(sqlite_url: str, settings: Settings) -> Iterator[OAuthWorld]:
    with closing(OAuthWorld(sqlite_url, settings, wall_clock)) as opened:
        yield opened


@pytest.fixture
def show(chromium: Any, world: OAuthWorld) -> Iterator[Callable[..., Any]]:
    """Shows a case in Chromium. Page and static files come from this process, without a server."""
    contexts = []
    issuer = world.container.settings.issuer

    def show_case(case: PageCase, look: str, width: int = 1280) -> Any:
        content = case.open(world).text
        context = chromium.new_context(viewport={"width": width, "height": 900}, **LOOKS[look])
        contexts.append(context)

        def respond(route: Any) -> None:
            path = urlsplit(route.request.url).path
            if path.startswith("/static/"):
                route.fulfill(path=STATIC / path.removeprefix("/static/"))
            else:
                route.fulfill(body=content, content_type="text/html; charset=utf-8")

        context.route("**/*", respond)
        page = context.new_page()
        page.goto(f"{issuer}/page")
        return page

    yield show_case
    for context in contexts:
        context.close()


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_g1_page_has_no_violation(
    show: Callable[..., Any], axe: str, case: PageCase, look: str, tmp_path: Path
) -> None:
    page = show(case, look)
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    page.screenshot(path=tmp_path / f"{case.name}-{look}.png", full_page=True)
    page.evaluate(f"{axe}; 0")
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then(result => result.violations)")
    assert [(each["id"], [node["html"][:160] for node in each["nodes"]]) for each in found] == []


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_g1_focus_can_be_seen(show: Callable[..., Any], case: PageCase, look: str) -> None:
    page = show(case, look)
    seen: list[dict[str, Any]] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS)
        if focus is None or (seen and focus["name"] == seen[0]["name"]):
            break
        seen.append(focus)
    assert len(seen) >= 3
    weak = [each for each in seen if each["style"] == "none" or each["width"] < 2]
    if look != "forced":  # the browser chooses both colours
        weak += [each for each in seen if each["contrast"] < 3]
    assert weak == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_g1_texts_stay_inside_and_links_apart(show: Callable[..., Any], case: PageCase) -> None:
    assert show(case, "light", width=390).evaluate(MISPLACED) == []


@pytest.mark.parametrize("look", ["light", "dark"])
def test_g2_inputs_have_the_colours_of_the_theme(show: Callable[..., Any], look: str) -> None:
    page = show(next(case for case in CASES if case.name == "login"), look)
    colours = page.evaluate(
        """() => [...document.querySelectorAll('input:not([type=hidden])')].map(each => {
          const style = getComputedStyle(each);
          return [style.backgroundColor, style.borderTopColor];
        })"""
    )
    expected = {
        "light": ["rgb(255, 255, 255)", "rgb(123, 138, 130)"],
        "dark": ["rgb(16, 21, 15)", "rgb(111, 129, 120)"],
    }
    assert colours == [expected[look]] * 2
