"""What MkDocs calls while it builds the documentation."""

import hashlib
import html
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import rjieba
from material.plugins.search import plugin as search
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

from tools.documentation.links import CHINESE, DeadLink, Place, outside_files, relative_url, rewrite_links

LANGUAGES = {"en": "English", "zh": "中文"}
_ALTERNATE = re.compile(r'<link rel="alternate" href="[^"]*" hreflang="[^"]*">\s*')
"""Links in the head, for which the theme would load a site map of each language to find this page in it."""

_SEARCH = '<div class="md-search" data-md-component="search" role="dialog"'
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_PICTURE = re.compile(r'<img alt="([^"]*)" src="([^"]*pictures/[^"]*\.svg)" ?/?>')
_scripts: dict[str, str] = {}


class _Segmenter:
    """Splits Chinese text into words, for the search. Material calls it like the package jieba, which has no wheel."""

    @staticmethod
    def cut(text: bytes) -> list[str]:
        words: list[str] = rjieba.cut(text.decode())
        return words


search.jieba = _Segmenter


def on_config(config: Any) -> Any:
    """Replaces each entry FOLDER/* of the navigation by the pages of the folder, and adds the pages that it lacks."""
    folder = Path(config.docs_dir)
    config.nav = _expand(config.nav, folder)
    named = set(_pages(config.nav))
    other = None if folder == CHINESE else CHINESE
    pages = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.md") if other not in path.parents)
    missing = [page for page in pages if page not in named]
    if missing:
        config.nav.append({"更多" if folder == CHINESE else "More": missing})
    return config


def _pages(entry: Any) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
    for each in entry.values() if isinstance(entry, dict) else entry if isinstance(entry, list) else ():
        yield from _pages(each)


def _expand(entry: Any, folder: Path) -> Any:
    if isinstance(entry, list):
        return [each for item in entry for each in _listed(item, folder)]
    if isinstance(entry, dict):
        return {title: _expand(value, folder) for title, value in entry.items()}
    return entry


def _listed(item: Any, folder: Path) -> list[Any]:
    if isinstance(item, str) and item.endswith("/*"):
        pages = sorted((folder / item[:-2]).glob("*.md"))
        return [page.relative_to(folder).as_posix() for page in pages if page.name != "README.md"]
    return [_expand(item, folder)]


def on_files(files: Any, config: Any) -> Any:
    """Adds the files outside docs to which documents link."""
    if config.theme["language"] == "en":
        for place in _or_fail(outside_files):
            files.append(File.generated(config, place.path, abs_src_path=str(place.file)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Lets the links lead to the built pages."""
    place = Place(config.theme["language"], page.file.src_uri)
    return _or_fail(lambda: rewrite_links(markdown, place))


def _or_fail(work: Any) -> Any:
    try:
        return work()
    except DeadLink as error:
        raise PluginError(str(error)) from None


def on_page_content(content: str, page: Any, config: Any, files: Any) -> str:
    """Puts the sequence pictures into the page, so that they have the colours of the page."""

    def insert(match: "re.Match[str]") -> str:
        path = posixpath.normpath(posixpath.join(page.url, match[2]))
        svg = (Path(config.docs_dir) / path).read_text(encoding="utf-8")
        svg = re.sub(r"<style>.*?</style>", "", svg, flags=re.DOTALL)
        label = html.escape(html.unescape(match[1]), quote=True)
        svg = svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
        return f'<div class="sequence" tabindex="0" role="group" aria-label="{label}">{svg}</div>'

    return _PICTURE.sub(insert, content)


def on_page_context(context: Any, page: Any, config: Any, nav: Any) -> Any:
    """Lets the language links lead to the same page, or to the first page of a language that lacks it."""
    place = Place(config.theme["language"], page.file.src_uri)
    links, root = [], Place(place.language, "README.md")
    for language, name in LANGUAGES.items():
        other = place if language == place.language else place.other_language or Place(language, "README.md")
        links.append({"name": name, "link": relative_url(root, other), "lang": language})
    config.extra["alternate"] = links
    page.canonical_url = None  # the host is known only when the pages are served
    return context


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Names the search dialog, and puts inline scripts into files, because the Content-Security-Policy allows none."""
    return _change(output, config, page.url)


def on_post_template(output: str, template_name: str, config: Any) -> str:
    """The same for the page 404.html, which is shown at any address."""
    return _change(output, config, None) if template_name == "404.html" else output


def _change(output: str, config: Any, url: str | None) -> str:
    label = {"en": "Search", "zh": "搜索"}[config.theme["language"]]
    output = _ALTERNATE.sub("", output).replace(_SEARCH, f'{_SEARCH} aria-label="{label}"')

    def move(match: "re.Match[str]") -> str:
        name = f"assets/inline/{hashlib.sha256(match[1].encode()).hexdigest()[:16]}.js"
        _scripts[name] = match[1]
        address = f"/docs/{name}" if url is None else posixpath.relpath(name, url or ".")
        return f'<script src="{address}"></script>'

    return _INLINE_SCRIPT.sub(move, output)


def on_post_build(config: Any) -> None:
    """Writes the scripts of the pages, and removes the site map, which needs a host, and source maps."""
    site = Path(config.site_dir)
    for name, script in _scripts.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(script, encoding="utf-8")
    _scripts.clear()
    for file in [*site.glob("sitemap.xml*"), *site.rglob("*.map")]:
        file.unlink()
