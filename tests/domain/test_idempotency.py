"""Idempotency keys, and the difference between two inputs."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.decisions.idempotency import differing, require_key
from gateway.domain.errors import InvalidInput

leaves = st.text(max_size=3) | st.booleans()
documents = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(
        leaves | st.lists(leaves, max_size=2),
        lambda inner: st.dictionaries(st.sampled_from("abc"), inner, min_size=1, max_size=3),
        max_leaves=8,
    ),
    max_size=3,
)


def at(document: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document


@given(documents, documents)
def test_differing_is_empty_exactly_when_equal(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert (differing(first, second) == ()) == (first == second)


@given(documents, documents)
def test_differing_is_symmetric_and_names_different_values(first: dict[str, Any], second: dict[str, Any]) -> None:
    paths = differing(first, second)
    assert set(paths) == set(differing(second, first))
    assert len(set(paths)) == len(paths)
    assert all(at(first, path) != at(second, path) for path in paths)


@pytest.mark.parametrize(
    ("first", "second", "paths"),
    [
        pytest.param({"a": "1", "b": "2"}, {"b": "2", "a": "1"}, (), id="member-order"),
        pytest.param({"a": {"b": "1", "c": "2"}}, {"a": {"b": "1", "c": "3"}}, (("a", "c"),), id="nested"),
        pytest.param({"b": "1", "a": "1"}, {"b": "2", "a": "2"}, (("b",), ("a",)), id="order-of-the-first"),
        pytest.param({"a": {"b": "1"}}, {"a": "1"}, (("a",),), id="document-and-leaf"),
        pytest.param({"a": ["1"]}, {"a": ["1", "2"]}, (("a",),), id="lists-are-one-value"),
        pytest.param({"a": None}, {}, (), id="null-is-absent"),
        pytest.param({"a": "1"}, {"b": "1"}, (("a",), ("b",)), id="other-members"),
        pytest.param({"ask": {"x": {"n": "1"}}}, {"ask": {"y": {"n": "1"}}}, (("ask", "x"), ("ask", "y")), id="member"),
    ],
)
def test_differing_paths(first: dict[str, Any], second: dict[str, Any], paths: tuple[tuple[str, ...], ...]) -> None:
    assert differing(first, second) == paths


@pytest.mark.parametrize("key", ["k", "a b", "键-1", "x" * 255], ids=["one", "inner-space", "chinese", "longest"])
def test_valid_key_is_accepted(key: str) -> None:
    assert require_key(key) == key


@pytest.mark.parametrize(
    "key",
    ["", "x" * 256, " k", "k ", "a\nb", "a\x00b", "a\u202eb", "\ud800"],
    ids=["empty", "too-long", "leading", "trailing", "newline", "nul", "override", "surrogate"],
)
def test_invalid_key_is_refused_at_its_field(key: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        require_key(key)
    assert (refused.value.code, refused.value.field) == ("INVALID", ("idempotencyKey",))
