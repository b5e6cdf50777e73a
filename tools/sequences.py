"""Draws the sequence pictures of the guides from docs/guides/pictures/*.toml, in English and Chinese. With --check it
only reports stale pictures and exits with 1.

A picture has the colours of the reader's system. In the built pages a hook removes its style, and it has those of the
page.
"""

import sys
import tomllib
from html import escape
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent.parent / "docs"
SOURCES = DOCS / "guides" / "pictures"
FOLDERS = (SOURCES, DOCS / "zh" / "guides" / "pictures")
WIDTH, FIRST, GAP, HEAD, ROW = 484, 68, 174, 54, 44
STYLE = (
    "<style>text{fill:#1b2420;font:14px system-ui,sans-serif}.box{fill:#e8f3ed;stroke:#51605a}"
    ".life,.arrow{stroke:#51605a}.tip{fill:#51605a}"
    "@media(prefers-color-scheme:dark){text{fill:#d3dbd6}.box{fill:#1c2f26;stroke:#a9b8b0}"
    ".life,.arrow{stroke:#a9b8b0}.tip{fill:#a9b8b0}}</style>"
)


def draw(picture: dict[str, Any], language: int) -> str:
    """Returns the SVG of a picture. `actors` are [English, Chinese], `steps` are [from, to, English, Chinese]."""
    steps, bottom = picture["steps"], HEAD + ROW * len(picture["steps"]) + 12
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom}">', STYLE]
    for index, actor in enumerate(picture["actors"]):
        x = FIRST + GAP * index
        parts.append(f'<path class="life" d="M{x} 40V{bottom}" stroke-dasharray="3 4"/>')
        parts.append(f'<rect class="box" x="{x - 62}" y="6" width="124" height="34" rx="6"/>')
        parts.append(f'<text x="{x}" y="28" text-anchor="middle">{escape(actor[language])}</text>')
    for number, (start, end, *texts) in enumerate(steps):
        y = HEAD + ROW * number + 30
        a, b = FIRST + GAP * start, FIRST + GAP * end
        side = 1 if b > a else -1
        middle = a + side * GAP // 2  # not on the line of the second actor
        parts.append(f'<text x="{middle}" y="{y - 8}" text-anchor="middle">{escape(texts[language])}</text>')
        parts.append(f'<path class="arrow" d="M{a} {y}H{b - 8 * side}" stroke-width="1.5"/>')
        parts.append(f'<path class="tip" d="M{b} {y}l{-9 * side} -5v10z"/>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def main() -> None:
    """The command."""
    stale = []
    for source in sorted(SOURCES.glob("*.toml")):
        picture = tomllib.loads(source.read_text(encoding="utf-8"))
        for language, folder in enumerate(FOLDERS):
            path, svg = folder / f"{source.stem}.svg", draw(picture, language)
            if not path.exists() or path.read_text(encoding="utf-8") != svg:
                stale.append(path.relative_to(DOCS).as_posix())
                if "--check" not in sys.argv:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(svg, encoding="utf-8")
    if stale and "--check" in sys.argv:
        sys.exit(f"Stale: {', '.join(stale)}. Run: make reference")


if __name__ == "__main__":
    main()
