"""JSON: the canonical form, and strict decoding."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.kit.json import canonical, decode, encode

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=10,
)


def turned(value: Any) -> Any:
    """Returns the value with the members of every object in reverse order."""
    if isinstance(value, dict):
        return {name: turned(value[name]) for name in reversed(value)}
    return [turned(item) for item in value] if isinstance(value, list) else value


@given(values)
def test_canonical_does_not_depend_on_the_order_of_members(value: Any) -> None:
    assert canonical(turned(value)) == canonical(value)


@given(values)
def test_canonical_round_trips(value: Any) -> None:
    assert decode(canonical(value)) == value
    assert canonical(decode(canonical(value))) == canonical(value)


@given(st.lists(st.text("abcxyzABC019_", max_size=4), unique=True))
def test_canonical_sorts_members_by_name(names: list[str]) -> None:
    assert list(json.loads(canonical(dict.fromkeys(names, 1)))) == sorted(names)


def test_canonical_text_of_a_known_document() -> None:
    document = {"b": [1, True, None], "a": {"é": "键", "d": '"\n'}, "": 0}
    assert canonical(document).decode() == '{"":0,"a":{"d":"\\"\\n","é":"键"},"b":[1,true,null]}'


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(1.0, id="alone"),
        pytest.param({"a": {"b": 0.5}}, id="in-an-object"),
        pytest.param([1, [2.0]], id="in-a-list"),
        pytest.param({"a": (1, 2.5)}, id="in-a-tuple"),
        pytest.param(float("nan"), id="not-a-number"),
        pytest.param(float("inf"), id="infinity"),
    ],
)
def test_canonical_refuses_floats(value: Any) -> None:
    with pytest.raises(TypeError):
        canonical(value)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({1: "a"}, id="number-as-name"),
        pytest.param({"a": {1, 2}}, id="set"),
        pytest.param({"a": b"bytes"}, id="bytes"),
        pytest.param("\ud800", id="lone-surrogate"),
        pytest.param(2**64, id="beyond-64-bits"),
    ],
)
def test_canonical_refuses_what_json_does_not_have(value: Any) -> None:
    with pytest.raises(TypeError):
        canonical(value)


@pytest.mark.parametrize("text", ["", "{", "{'a':1}", "NaN", "[1,]", b"\xff"])
def test_decode_refuses_what_is_not_json(text: bytes | str) -> None:
    with pytest.raises(ValueError):
        decode(text)


def test_encode_writes_utf_8_without_white_space() -> None:
    assert encode({"b": "键", "a": 1.5}) == '{"b":"键","a":1.5}'.encode()
