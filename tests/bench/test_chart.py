"""The chart is valid SVG, and the section of the page is replaced."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tools.bench.chart import WIDTH, Bar, Group, svg
from tools.bench.report import BEGIN, END, write_section

SVG = "{http://www.w3.org/2000/svg}"


def chart() -> ElementTree.Element:
    bars = [Bar("A & <B>", 2_000), Bar("Sesame Gateway", 500, own=True), Bar("idle", 0)]
    return ElementTree.fromstring(svg("Requests & more", [Group("Read", "/s", bars), Group("Page", "/s", bars[:1])]))  # noqa: S314


def test_chart_is_svg_with_a_title() -> None:
    root = chart()
    assert root.tag == f"{SVG}svg"
    assert root.findtext(f"{SVG}title") == "Requests & more"


def test_bars_have_lengths_in_proportion() -> None:
    widths = [float(rect.get("width", 0)) for rect in chart().iter(f"{SVG}rect")]
    assert widths[0] == pytest.approx(4 * widths[1], rel=0.01)
    assert widths[2] == 1


def test_everything_is_inside_of_the_chart() -> None:
    root = chart()
    height = float(root.get("height", 0))
    for element in root.iter(f"{SVG}rect"):
        assert float(element.get("x", 0)) + float(element.get("width", 0)) < WIDTH
        assert float(element.get("y", 0)) + float(element.get("height", 0)) < height


def test_section_of_the_page_is_replaced(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_section(page, "new")
    assert page.read_text() == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"


def test_page_without_markers_is_not_changed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n")
    with pytest.raises(ValueError, match="has no <!-- bench"):
        write_section(page, "new")
    assert page.read_text() == "before\n"
