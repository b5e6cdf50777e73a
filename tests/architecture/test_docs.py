"""The documentation agrees with the code: reference pages, error codes, settings, links and test names."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.domain.error_catalogue import ERRORS
from gateway.settings import Settings
from schema import errors
from schema.types.user_error_code import UserErrorCode
from tests.support.checkout import ROOT, files, named, python_files


@pytest.mark.parametrize("tool", ["reference.py", "sequences.py"])
def test_generated_pages_and_pictures_are_fresh(tool: str) -> None:
    command = [sys.executable, str(ROOT / "tools" / tool), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_error_code_is_documented() -> None:
    codes = {code.name for code in UserErrorCode} | {
        value for name, value in vars(errors).items() if name.isupper() and isinstance(value, str) and value.isupper()
    }
    assert codes - {str(code) for code in ERRORS} == set()


def test_every_setting_has_a_description() -> None:
    short = [name for name, field in Settings.model_fields.items() if not (field.description or "").endswith(".")]
    assert short == []


def test_every_adapter_has_a_page_and_is_linked() -> None:
    linked = set(
        re.findall(r"reference/adapters/(\w+)\.md", (ROOT / "merchants" / "README.md").read_text(encoding="utf-8"))
    )
    pages = {path.stem for path in (ROOT / "docs" / "reference" / "adapters").glob("[a-z]*.md")}
    assert linked == pages == {path.parent.name for path in (ROOT / "merchants").glob("*/policy.toml")}


PAGES = [named(path) for path in files() if path.suffix == ".md"]
LINK = re.compile(r"\]\(([^)\s]+)\)")


def links(page: str) -> list[tuple[Path, str]]:
    """Returns the target file and the anchor of each link of a page to a file of the checkout. An anchor may be
    empty."""
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = [target.partition("#") for target in LINK.findall(text) if "://" not in target]
    return [((ROOT / page).parent / path if path else ROOT / page, anchor) for path, _, anchor in targets]


def anchors(page: Path) -> set[str]:
    """Returns the anchors of a page's headings, as GitHub generates them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_and_commands_exist(page: str) -> None:
    broken = [
        f"{target.name}#{anchor}"
        for target, anchor in links(page)
        if not target.exists() or (anchor and anchor not in anchors(target))
    ]
    assert broken == []
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", (ROOT / page).read_text(encoding="utf-8"))) <= targets


def test_index_lists_every_page_of_the_documentation() -> None:
    """The Chinese pages, and the generated pages of errors and types, have lists of their own."""
    docs = ROOT / "docs"
    own = [docs / "zh", docs / "reference" / "errors", docs / "reference" / "schema"]
    lists = [docs, *own]
    listed = {target.resolve() for each in lists for target, _ in links(f"{named(each)}/README.md")}
    pages = {path for path in docs.rglob("*.md") if path.name != "README.md"}
    assert {path.relative_to(ROOT).as_posix() for path in pages - listed} == set()


def test_mutation_table_names_existing_tests_and_files() -> None:
    table = (ROOT / "docs" / "mutations.md").read_text(encoding="utf-8")
    tests = {name for file in python_files("tests") for name in re.findall(r"def (test_\w+)", file.read_text())}
    assert set(re.findall(r"`(test_\w+?)(?:\[|`)", table)) - tests == set()
    assert [name for name in re.findall(r"\| `(gateway/[^`]+)` \|", table) if not (ROOT / name).exists()] == []
