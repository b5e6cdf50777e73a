"""Identifiers of trusted documents."""

import pytest

from gateway.domain.identity.trusted_document import (
    LONGEST_ID,
    RULE,
    TrustedDocument,
    compute_id,
    digest_documents,
    normalize_id,
)

PRETTY = "query ($id: ID!) {\n  user(id: $id) {\n    name\n  }\n}"
COMPACT = "query($id:ID!){user(id:$id){name}}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PRETTY, "sha256:7dba4bd717b41f10434822356a93c32b1fb4907b983e854300ad839f84cdcd6e"),
        (COMPACT, "sha256:71f7dc5758652baac68e4a10c50be732b741c892ade2883a99358f52b555286b"),
    ],
)
def test_identifier_of_a_text_is_that_of_the_draft(text: str, expected: str) -> None:
    """The examples of the appendix "Persisted Documents"."""
    assert compute_id(text) == expected
    assert TrustedDocument(expected, text).find_fault() is None


def test_hash_without_its_prefix_is_the_same_identifier() -> None:
    assert normalize_id(compute_id(PRETTY).removeprefix("sha256:")) == compute_id(PRETTY)
    assert normalize_id("FriendNames") == "FriendNames"


def test_hash_of_another_text_is_a_fault() -> None:
    fault = TrustedDocument(compute_id(COMPACT), PRETTY).find_fault()
    assert fault is not None
    assert compute_id(PRETTY) in fault


@pytest.mark.parametrize(
    "document_id", ["FriendNames", "a" * 40, "0" * 32, "a.b_c~d-9", "x-team:FriendNames.v2", "a" * LONGEST_ID]
)
def test_custom_identifier_is_accepted(document_id: str) -> None:
    assert TrustedDocument(document_id, PRETTY).find_fault() is None


@pytest.mark.parametrize(
    "document_id",
    [
        *("", "a b", "a/b", "é", "a\n", "a" * (LONGEST_ID + 1)),
        *("md5:0123", "sha256:", "sha256:ABC", "x-:a", "x-a:", "x-a:b:c", f"sha256:{'0' * 63}"),
        compute_id(PRETTY).upper(),
    ],
)
def test_identifier_outside_the_grammar_is_a_fault(document_id: str) -> None:
    assert TrustedDocument(document_id, PRETTY).find_fault() == RULE


def test_digest_depends_on_identifiers_and_texts_and_not_on_the_order() -> None:
    one, two = TrustedDocument("one", PRETTY), TrustedDocument("two", COMPACT)
    sets = [[], [one], [two], [one, two], [TrustedDocument("one", COMPACT), two], [TrustedDocument("three", PRETTY)]]
    assert len({digest_documents(each) for each in sets}) == len(sets)
    assert digest_documents([one, two]) == digest_documents([two, one])
