"""Every page in light, dark and forced colours: no violation that axe-core finds, and a focus ring that can be seen."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from gateway.kit.clock import wall_clock
from gateway.web.routes import STATIC
from tests.fixtures.settings import sandbox_settings
from tests.support.oauth_world import OAuthWorld
from tests.support.page_case import PageCase
from tests.support.page_cases import CASES

pytestmark = pytest.mark.browser
LOOKS = {
    "light": {"color_scheme": "light", "forced_colors": "none"},
    "dark": {"color_scheme": "dark", "forced_colors": "none"},
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


class ShownCase:
    """A case in Chromium. Page and static files come from this process, without a server. All tests of a case use one
    page: opening one takes longer than most of them."""

    def __init__(self, chromium: Any, world: OAuthWorld, case: PageCase) -> None:
        self._address, self._content = f"{world.container.settings.issuer}/page", case.open(world).text
        # Without motion a changed look has its colours at once.
        self._context = chromium.new_context(reduced_motion="reduce")
        self._context.route("**/*", self._respond)
        self._page = self._context.new_page()
        self.load("light")

    def close(self) -> None:
        self._context.close()

    def load(self, look: str, width: int = 1280) -> Any:
        """Loads the page and returns it."""
        self._page.set_viewport_size({"width": width, "height": 900})
        self.change_look(look)
        self._page.goto(self._address)
        return self._page

    def change_look(self, look: str) -> Any:
        """Returns the page as it is, with another look: only the colours depend on it."""
        self._page.emulate_media(**LOOKS[look])
        return self._page

    def _respond(self, route: Any) -> None:
        path = urlsplit(route.request.url).path
        if path.startswith("/static/"):
            route.fulfill(path=STATIC / path.removeprefix("/static/"))
        else:
            route.fulfill(body=self._content, content_type="text/html; charset=utf-8")


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.name)
def shown(
    request: pytest.FixtureRequest, chromium: Any, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ShownCase]:
    """Each case in turn."""
    folder = tmp_path_factory.mktemp("case")
    url = f"sqlite:///{shutil.copy(sqlite_template, folder / 'gateway.db')}"
    with (
        closing(OAuthWorld(url, sandbox_settings(state_directory=folder), wall_clock)) as world,
        closing(ShownCase(chromium, world, request.param)) as shown,
    ):
        yield shown


@pytest.mark.parametrize("look", LOOKS)
def test_g1_page_has_no_violation(shown: ShownCase, axe: str, look: str, tmp_path: Path) -> None:
    page = shown.change_look(look)
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    if not page.evaluate("'axe' in window"):  # loading it takes longer than running it
        page.evaluate(f"{axe}; 0")
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then(result => result.violations)")
    if found:
        page.screenshot(path=tmp_path / f"{look}.png", full_page=True)
    assert [(each["id"], [node["html"][:160] for node in each["nodes"]]) for each in found] == []


@pytest.mark.parametrize("look", LOOKS)
def test_g1_focus_can_be_seen(shown: ShownCase, look: str) -> None:
    page = shown.load(look)
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


def test_g1_texts_stay_inside_and_links_apart(shown: ShownCase) -> None:
    assert shown.load("light", width=390).evaluate(MISPLACED) == []


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("shown", [case for case in CASES if case.name == "login"], ids=["login"], indirect=True)
def test_g2_inputs_have_the_colours_of_the_theme(shown: ShownCase, look: str) -> None:
    page = shown.load(look)
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
