"""Links of documents lead to the built pages, in both languages and outside of docs."""

import pytest

from tools.documentation.links import DeadLink, Place, outside_files, relative_url, rewrite_links

GUIDE = Place("en", "guides/car-deposit.md")
CHINESE_GUIDE = Place("zh", "guides/car-deposit.md")
README = Place("en", "source/README.md")


@pytest.mark.parametrize(
    ("page", "link", "expected"),
    [
        (GUIDE, "../webhooks.md#verify", "../webhooks.md#verify"),
        (GUIDE, "../../README.md", "../source/README.md"),
        (GUIDE, "../reference/adapters", "../reference/adapters/README.md"),
        (CHINESE_GUIDE, "pay-later.md", "pay-later.md"),
        (CHINESE_GUIDE, "../../webhooks.md#verify", "../../../webhooks/#verify"),
        (CHINESE_GUIDE, "../../../schema/gateway.graphql", "../../../source/schema/gateway.graphql"),
        (README, "docs/webhooks.md", "../webhooks.md"),
        (Place("en", "README.md"), "zh/README.md", "zh/"),
        (GUIDE, "https://example.com/x.md", "https://example.com/x.md"),
    ],
)
def test_link_leads_to_the_built_page(page: Place, link: str, expected: str) -> None:
    assert rewrite_links(f"[text]({link})", page) == f"[text]({expected})"


@pytest.mark.parametrize("link", ["nowhere.md", "../../nowhere.py", "../adr"])
def test_dead_link_is_an_error(link: str) -> None:
    with pytest.raises(DeadLink):
        rewrite_links(f"[text]({link})", GUIDE)


def test_code_is_not_changed() -> None:
    code = "```json\n[text](nowhere.md)\n   * x\n```"
    assert rewrite_links(code, GUIDE) == code


def test_nested_list_is_indented_by_four_spaces() -> None:
    assert rewrite_links("1. a\n   * b", GUIDE) == "1. a\n    * b"


@pytest.mark.parametrize(
    ("page", "other", "expected"),
    [
        (GUIDE, CHINESE_GUIDE, "../../zh/guides/car-deposit/"),
        (CHINESE_GUIDE, GUIDE, "../../../guides/car-deposit/"),
        (Place("en", "README.md"), Place("zh", "README.md"), "zh/"),
    ],
)
def test_address_in_the_other_language(page: Place, other: Place, expected: str) -> None:
    assert relative_url(page, other) == expected
    assert page.other_language == other


def test_page_without_translation_has_no_other_language() -> None:
    assert Place("en", "webhooks.md").other_language is None


def test_files_outside_docs_are_found_through_each_other() -> None:
    found = {place.path for place in outside_files()}
    assert {"source/README.md", "source/LICENSE", "source/schema/gateway.graphql"} <= found
