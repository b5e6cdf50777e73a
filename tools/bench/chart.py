"""Bar charts as SVG: one group of bars for each scenario, in colours that can be read on light and dark pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, LABEL_WIDTH, VALUE_WIDTH = 860, 270, 90
_ROW, _BAR, _TITLE, _GAP, _MARGIN = 24, 16, 34, 14, 12
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.title { font-weight: 600; font-size: 14px; }
.own { fill: #0a6b4f; }
.other { fill: #8c959f; }
.own-label { font-weight: 600; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .own { fill: #3fb68b; }
  .other { fill: #6e7681; }
}"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar. `own` is whether it is the gateway's, which has a colour of its own."""

    label: str
    value: float
    own: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Bars with one scale. `unit` is written behind each value."""

    title: str
    unit: str
    bars: Sequence[Bar]


def svg(title: str, groups: Sequence[Group]) -> str:
    """Returns an SVG document. `title` is its accessible name. Raises ValueError for a group without bars."""
    parts, top = [], _MARGIN
    for group in groups:
        content, top = _group(group, top)
        parts += content
    height = top + _MARGIN - _GAP
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
        f' role="img" aria-label="{escape(title)}">'
    )
    return "\n".join([head, f"<title>{escape(title)}</title>", f"<style>{_STYLE}\n</style>", *parts, "</svg>\n"])


def _group(group: Group, top: int) -> tuple[list[str], int]:
    """Returns the elements of a group, and the position below it."""
    longest = max(bar.value for bar in group.bars)
    scale = (WIDTH - LABEL_WIDTH - VALUE_WIDTH - 2 * _MARGIN) / longest if longest else 0
    parts = [f'<text class="title" x="{_MARGIN}" y="{top + 16}">{escape(group.title)}</text>']
    top += _TITLE
    left = _MARGIN + LABEL_WIDTH
    for bar in group.bars:
        kind, width, middle = "own" if bar.own else "other", max(1.0, bar.value * scale), top + 13
        label = ' class="own-label"' if bar.own else ""
        value = f"{bar.value:,.0f}" if bar.value >= 10 else f"{bar.value:.2f}"
        parts += [
            f'<text{label} x="{left - 10}" y="{middle}" text-anchor="end">{escape(bar.label)}</text>',
            f'<rect class="{kind}" x="{left}" y="{top}" width="{width:.1f}" height="{_BAR}" rx="2"/>',
            f'<text{label} x="{left + width + 8:.1f}" y="{middle}">{value} {escape(group.unit)}</text>',
        ]
        top += _ROW
    return parts, top + _GAP
