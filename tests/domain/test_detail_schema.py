"""The published schemas of the authorization details types agree with the parser."""

import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.domain.consents.authorization_detail import TYPES, parse_details
from gateway.domain.consents.detail_schema import SCHEMAS
from gateway.domain.consents.purpose import PURPOSES
from gateway.domain.currency import EXPONENTS
from gateway.domain.errors import InvalidInput
from gateway.domain.merchants import Product
from gateway.domain.money import MAX_MINOR, Money
from gateway.domain.scoring.tier import Tier

JSON_TYPES = {"object": dict, "array": list, "string": str, "boolean": bool}
KEYWORDS = {
    *("$schema", "title", "description", "type", "const", "enum", "pattern", "maxLength", "items", "minItems"),
    *("properties", "required", "additionalProperties", "dependentRequired", "anyOf"),
}


def fits(schema: dict[str, Any], value: Any) -> bool:
    """Validates the keywords of JSON Schema 2020-12 that the schemas use. Any other keyword fails."""
    assert set(schema) <= KEYWORDS
    if "type" in schema and not isinstance(value, JSON_TYPES[schema["type"]]):
        return False
    if "const" in schema and value != schema["const"]:
        return False
    if "enum" in schema and not any(type(value) is type(one) and value == one for one in schema["enum"]):
        return False
    if isinstance(value, str):
        pattern = schema.get("pattern", "").removesuffix("$") + r"\Z" if "pattern" in schema else ""
        return len(value) <= schema.get("maxLength", len(value)) and re.search(pattern, value) is not None
    if isinstance(value, list):
        return len(value) >= schema.get("minItems", 0) and all(fits(schema.get("items", {}), one) for one in value)
    return not isinstance(value, dict) or _fits_object(schema, value)


def _fits_object(schema: dict[str, Any], value: dict[str, Any]) -> bool:
    properties = schema.get("properties", {})
    return (
        set(schema.get("required", ())) <= set(value)
        and (schema.get("additionalProperties", True) or set(value) <= set(properties))
        and all(
            set(others) <= set(value) for name, others in schema.get("dependentRequired", {}).items() if name in value
        )
        and all(fits(properties[name], one) for name, one in value.items() if name in properties)
        and (not schema.get("anyOf") or any(fits(one, value) for one in schema["anyOf"]))
    )


def is_read(detail: Any) -> bool:
    try:
        parse_details([detail])
    except InvalidInput:
        return False
    return True


def agree(detail: dict[str, Any]) -> None:
    published = any(fits(schema, detail) for schema in SCHEMAS.values())
    assert published == is_read(detail), detail


odd: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, 1.5, "", " ", "a\n", "é", [], ["PAY_LATER"], {}, "x" * 65]
)
durations = st.sampled_from(
    ["P1D", "PT90M", "P1W", "P1DT2H", "PT0.5S", "PT0S", "P", "PT", "P1DT", "P1M", "P1Y", "P-1D", "1D", "P1D\n", "P١D"]
) | st.from_regex(r"\AP([0-3]?[0-9]W)?([0-9]{1,2}D)?(T([0-9]H)?([0-9]{1,2}M)?([0-9]([.,][0-9]{1,7})?S)?)?\Z")
amounts = (
    st.integers(-1, 2 * MAX_MINOR).map(str)
    | st.builds(
        lambda minor, currency: Money(minor, currency).amount,
        st.integers(0, 2 * MAX_MINOR),
        st.sampled_from(sorted(EXPONENTS)),
    )
    | st.sampled_from(
        ["0", "0.00", "00.10", "1.", ".5", "1.000", "1e3", "+1", " 1", "1\n", "1,000", "0" * 33 + "1", "0" * 31 + "1"]
    )
)
money = st.fixed_dictionaries(
    {"amount": amounts | odd, "currency": st.sampled_from([*sorted(EXPONENTS), "XXX", "cny"]) | odd},
    optional={"tip": odd},
)
documents = st.fixed_dictionaries(
    {"type": st.sampled_from([*TYPES, *TYPES, "payment"])},
    optional={
        "level": st.sampled_from(["threshold", "tier", "exact", "secret"]) | odd,
        "minimum": st.sampled_from([*map(str, Tier), "BEST"]) | odd,
        "products": st.lists(st.sampled_from([*map(str, Product), "LOTTERY"]) | odd, max_size=3) | odd,
        "maximum_amount": money | st.fixed_dictionaries({"amount": amounts}) | odd,
        "purpose": st.sampled_from([*PURPOSES, "MARKETING"]) | odd,
        "duration": durations | odd,
        "optional": st.booleans() | odd,
        "store_id": st.text(" ~az09", max_size=70) | odd,
        "terminal_id": st.text(" ~az09", max_size=70) | odd,
        "color": odd,
    },
)


@given(documents)
def test_schema_and_parser_agree(detail: dict[str, Any]) -> None:
    agree(detail)


MEMBERS: list[tuple[str, st.SearchStrategy[Any]]] = [
    ("products", st.lists(st.sampled_from([*map(str, Product), "LOTTERY"]) | odd, max_size=3) | odd),
    ("maximum_amount", money | odd),
    ("purpose", st.sampled_from([*PURPOSES, "MARKETING"]) | odd),
    ("duration", durations | odd),
    ("optional", st.booleans() | odd),
]


@pytest.mark.parametrize(("member", "values"), [pytest.param(*pair, id=pair[0]) for pair in MEMBERS])
@given(st.data())
def test_schema_and_parser_agree_on_each_member(
    member: str, values: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    agree({"type": "decision", "products": ["PAY_LATER"], member: data.draw(values)})


@given(st.sampled_from(sorted(EXPONENTS)), st.integers(-2, 2))
@example("JPY", 0)
def test_schema_and_parser_agree_at_the_largest_amount(currency: str, beyond: int) -> None:
    amount = Money(MAX_MINOR + beyond, currency)
    detail = {"type": "decision", "products": ["PAY_LATER"], "maximum_amount": amount.document()}
    agree(detail)
    assert is_read(detail) == (beyond <= 0)


@given(st.text(" ~!az09é\n", max_size=66), st.text(" ~az09", min_size=1, max_size=64))
def test_schema_and_parser_agree_on_store_and_terminal_ids(store: str, terminal: str) -> None:
    agree({"type": "decision", "products": ["PAY_LATER"], "store_id": store, "terminal_id": terminal})


@given(st.sampled_from(["threshold", "tier", "exact"]), st.sampled_from([*map(str, Tier), "BEST"]) | odd)
@example("threshold", "GOOD")
@example("tier", "GOOD")
def test_e4_schema_and_parser_agree_on_the_minimum(level: str, minimum: Any) -> None:
    agree({"type": "score", "level": level, "minimum": minimum})


def test_only_the_parser_limits_the_duration() -> None:
    detail = {"type": "score", "level": "tier", "duration": "P3661D"}
    assert fits(SCHEMAS["score"], detail)
    assert not is_read(detail)


def test_every_type_has_a_schema() -> None:
    assert tuple(SCHEMAS) == TYPES
    assert all(
        "description" in one
        for schema in SCHEMAS.values()
        for name, one in schema["properties"].items()
        if name != "type"
    )
