"""Every code block of the documentation is executed by a test, or listed here with the reason why none executes it."""

import ast

import pytest

from tests.support.checkout import files, named, nodes, python_files
from tests.support.page_blocks import Block, block, blocks_of

WHOLE = {
    "README.md": "tests/flows/test_quickstart.py",
    "docs/going-live.md": "tests/flows/test_going_live.py",
    "docs/quickstart-fapi2.md": "tests/flows/test_quickstart.py",
    "docs/quickstart.md": "tests/flows/test_quickstart.py",
    "docs/sandbox.md": "tests/flows/test_quickstart.py",
    "docs/webhooks.md": "tests/test_webhook_page.py",
}
"""The tests that execute a page from its beginning to its end, as tests/flows/test_guides.py does with each guide."""
LANGUAGES = {"sh", "sql", "json", "http", "text"}
"""The languages of the blocks that these tests execute. Blocks in GraphQL are executed by
tests/schema/test_documented_operations.py on all pages."""

NOT_EXECUTED = {
    ("docs/architecture.md", "8 entry"): "A picture of the layers.",
    ("docs/decisions.md", " decisionRequest"): "A picture of the statuses.",
    ("docs/glossary.md", "deployment"): "A picture of tenants.",
    ("docs/going-live.md", "gateway.example {"): "The configuration of a proxy. The test has a proxy of its own.",
    ("docs/operating.md", "[Service]"): "A unit of systemd. Its command is that of the section, which is executed.",
    (
        "docs/mutations.md",
        ".venv/bin/python -m",
    ): "Takes minutes. tests/oauth/test_mutations.py breaks a few rules.",
    ("docs/performance.md", "python -m tools.load"): "Measurements on an idle machine.",
    ("docs/performance.md", "python -m tools.webhook_load"): "Measurements on an idle machine.",
    ("docs/performance.md", "python tools/score_load.py"): "A measurement that takes about an hour.",
}


def pages() -> list[str]:
    """The pages that people write. Generated ones are compared with the code, Chinese ones with the English ones."""
    names = [named(file) for file in files() if file.suffix == ".md"]
    other = ("docs/reference/", "docs/zh/")
    written = [name for name in names if name.startswith("docs/") and not name.startswith(other)]
    return ["README.md", "CONTRIBUTING.md", "merchants/README.md", *written]


def claims() -> set[tuple[str, str]]:
    """The page and the start of each block that a test takes with `block`."""
    calls = [
        node
        for file in python_files("tests")
        for node in nodes(file)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "block"
    ]
    arguments = [[each.value for each in call.args if isinstance(each, ast.Constant)] for call in calls]
    return {(str(each[0]), str(each[1])) for each in arguments if len(each) == 2}


CLAIMS = claims()


def is_whole(page: str) -> bool:
    return page in WHOLE or page.startswith("docs/guides/")


def is_executed(page: str, each: Block) -> bool:
    """Whether a test executes this block."""
    if each.language == "graphql" or (each.language in LANGUAGES and is_whole(page)):
        return True
    return any(page == other and each.text.startswith(start) for other, start in CLAIMS)


@pytest.mark.parametrize("page", pages())
def test_each_block_is_executed_or_listed(page: str) -> None:
    listed = tuple(start for other, start in NOT_EXECUTED if other == page)
    found = [each.text for each in blocks_of(page) if not is_executed(page, each)]
    left = [text for text in found if not text.startswith(listed)]
    assert left == [], "No test takes these blocks with `block` of tests.support.page_blocks."


def test_listed_blocks_exist_and_are_not_executed() -> None:
    for page, start in NOT_EXECUTED:
        found = [each for each in blocks_of(page) if each.text.startswith(start)]
        assert len(found) == 1, (page, start)
        assert not is_executed(page, found[0]), (page, start)


def test_executed_blocks_exist() -> None:
    for page, start in CLAIMS:
        assert block(page, start)


@pytest.mark.parametrize("page", WHOLE)
def test_executing_test_names_the_page(page: str) -> None:
    (test,) = (file for file in files() if named(file) == WHOLE[page])
    assert page.rpartition("/")[2].removesuffix(".md") in test.read_text().replace("README = ", "README")


@pytest.mark.parametrize("page", [name for name in map(named, files()) if name.startswith("docs/zh/")])
def test_chinese_page_has_the_blocks_of_the_english_one(page: str) -> None:
    if page.endswith(".md") and page != "docs/zh/README.md":
        assert blocks_of(page) == blocks_of(page.replace("docs/zh/", "docs/"))
