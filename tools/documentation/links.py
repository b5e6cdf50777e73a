"""Where a link of a document leads in the built pages.

The documents link to files of the checkout, so that they can be read there. The English pages are built from docs, the
Chinese ones from docs/zh into the folder zh of the English ones. Files outside docs are in the folder source.
"""

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
CHINESE = DOCS / "zh"
SOURCE = "source"
_LINK = re.compile(r"(?<=\]\()([^)\s#]+)(#[^)\s]*)?(?=\))")
_NESTED = re.compile(r"^ {2,3}(?=([*-]|\d+\.) )", re.MULTILINE)
"""The indentation of nested lists. MkDocs needs four spaces."""

_FENCE = re.compile(r"^( *```.*?^ *```$)", re.MULTILINE | re.DOTALL)


class DeadLink(Exception):
    """A document links to something that is not there."""


@dataclass(frozen=True)
class Place:
    """A file of the built pages: `language` is "en" or "zh", `path` is its source path within that language."""

    language: str
    path: str

    @property
    def url(self) -> str:
        """The address below the root of the English pages."""
        folder = "zh/" if self.language == "zh" else ""
        if not self.path.endswith(".md"):
            return folder + self.path
        name = self.path.removesuffix(".md")
        name = posixpath.dirname(name) if posixpath.basename(name) in {"README", "index"} else name
        return f"{folder}{name}/" if name else folder

    @property
    def file(self) -> Path:
        """The file of the checkout."""
        if self.language == "zh":
            return CHINESE / self.path
        outside = self.path.removeprefix(f"{SOURCE}/")
        return DOCS / self.path if outside == self.path else ROOT / outside

    @property
    def other_language(self) -> "Place | None":
        """The page in the other language, None if there is none."""
        other = Place("en" if self.language == "zh" else "zh", self.path)
        return other if other.file.is_file() else None


def place_of(file: Path) -> Place:
    """Returns the place of a file of the checkout."""
    for language, folder in (("zh", CHINESE), ("en", DOCS)):
        if file.is_relative_to(folder):
            return Place(language, file.relative_to(folder).as_posix())
    return Place("en", f"{SOURCE}/{file.relative_to(ROOT).as_posix()}")


def outside_files() -> list[Place]:
    """Returns the files outside docs to which documents link, directly or through each other."""
    found: dict[Path, None] = {}
    waiting = sorted(DOCS.rglob("*.md"))
    while waiting:
        file = waiting.pop()
        for target in _targets(file):
            if not target.is_relative_to(DOCS) and target not in found:
                found[target] = None
                waiting += [target] if target.suffix == ".md" else []
    return [place_of(file) for file in found]


def relative_url(page: Place, target: Place) -> str:
    """Returns the address of a place relative to that of a page."""
    is_page = target.path.endswith(".md")
    return posixpath.relpath(target.url or ".", page.url or ".") + ("/" if is_page else "")


def rewrite_links(markdown: str, page: Place) -> str:
    """Returns the text with links that lead to the built pages, and nested lists in the form of MkDocs. Raises
    DeadLink."""

    def rewrite(match: "re.Match[str]") -> str:
        target, anchor = match[1], match[2] or ""
        if "://" in target or target.startswith("mailto:"):
            return match[0]
        place = place_of(_resolve(page.file, target))
        if place.language == page.language:
            return posixpath.relpath(place.path, posixpath.dirname(page.path) or ".") + anchor
        return relative_url(page, place) + anchor

    return _outside_fences(markdown, lambda text: _NESTED.sub("    ", _LINK.sub(rewrite, text)))


def _targets(file: Path) -> Iterator[Path]:
    found = list[Path]()

    def collect(text: str) -> str:
        found.extend(_resolve(file, match[1]) for match in _LINK.finditer(text) if "://" not in match[1])
        return text

    _outside_fences(file.read_text(encoding="utf-8"), collect)
    yield from found


def _resolve(file: Path, target: str) -> Path:
    path = (file.parent / target).resolve()
    if path.is_dir():
        path /= "README.md"
    if not path.is_file():
        raise DeadLink(f"{file.relative_to(ROOT)} links to {target}, which is not there")
    return path


def _outside_fences(markdown: str, change: Callable[[str], str]) -> str:
    parts = _FENCE.split(markdown)
    return "".join(part if index % 2 else change(part) for index, part in enumerate(parts))
