"""Authorization details: valid ones round-trip, invalid ones are refused at their member."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.consents.authorization_detail import LEVELS, MOST_DETAILS, AuthorizationDetail, parse_details
from gateway.domain.consents.purpose import PURPOSES
from gateway.domain.currency import EXPONENTS
from gateway.domain.errors import InvalidInput
from gateway.domain.merchants import PointOfSale, Product
from gateway.domain.money import MAX_MINOR, Money
from gateway.kit.json import decode, encode

SCORE = {"type": "score", "level": "tier"}
DECISION = {"type": "decision", "products": ["DEPOSIT_WAIVER"]}
AT_STORE = {"store_id": "S1", "terminal_id": "T1"}

purposes = st.none() | st.sampled_from(sorted(PURPOSES))
durations = st.none() | st.timedeltas(min_value=timedelta(microseconds=1), max_value=timedelta(days=3660))
amounts = st.builds(Money, st.integers(1, MAX_MINOR), st.sampled_from(sorted(EXPONENTS)))
names = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=64)
bound: st.SearchStrategy[dict[str, str]] = st.just({}) | st.fixed_dictionaries(
    {"store_id": names, "terminal_id": names}
)
details = st.one_of(
    st.builds(
        AuthorizationDetail,
        type=st.just("score"),
        level=st.sampled_from(LEVELS),
        purpose=purposes,
        duration=durations,
        optional=st.booleans(),
    ),
    st.builds(
        lambda point_of_sale, **members: AuthorizationDetail(**members, **point_of_sale),
        point_of_sale=bound,
        type=st.just("decision"),
        products=st.lists(st.sampled_from(Product), min_size=1, unique=True).map(tuple),
        maximum_amount=st.none() | amounts,
        purpose=purposes,
        duration=durations,
        optional=st.booleans(),
    ),
)


@given(st.lists(details, min_size=1, max_size=MOST_DETAILS))
def test_details_round_trip(written: list[AuthorizationDetail]) -> None:
    documents = decode(encode([detail.document() for detail in written]))
    assert parse_details(documents) == tuple(written)


def test_detail_is_bound_to_the_point_of_sale_that_it_names() -> None:
    plain, bound, optional = parse_details([DECISION, {**DECISION, **AT_STORE}, {**SCORE, "optional": True}])
    assert (plain.point_of_sale, bound.point_of_sale, optional.point_of_sale) == (None, PointOfSale("S1", "T1"), None)
    assert (plain.optional, optional.optional) == (False, True)
    assert "optional" not in plain.document()
    assert parse_details([{**SCORE, "optional": False}])[0].document() == SCORE


@given(details)
def test_detail_has_its_scope(detail: AuthorizationDetail) -> None:
    assert detail.scope == ("decisions:request" if detail.type == "decision" else f"score:{detail.level}")


def test_repeated_products_count_once() -> None:
    (detail,) = parse_details([{**DECISION, "products": ["PAY_LATER", "DEPOSIT_WAIVER", "PAY_LATER"]}])
    assert detail.products == (Product.PAY_LATER, Product.DEPOSIT_WAIVER)


@pytest.mark.parametrize(
    ("item", "code", "field"),
    [
        pytest.param("score", "INVALID", (), id="not-an-object"),
        pytest.param(None, "INVALID", (), id="null"),
        pytest.param([SCORE], "INVALID", (), id="array"),
        pytest.param({}, "INVALID", ("type",), id="no-type"),
        pytest.param({"type": "payment"}, "INVALID", ("type",), id="unknown-type"),
        pytest.param({"type": ["score"]}, "INVALID", ("type",), id="type-of-wrong-type"),
        pytest.param({**SCORE, "color": "red"}, "INVALID", ("color",), id="unknown-member"),
        pytest.param({**SCORE, "products": ["PAY_LATER"]}, "INVALID", ("products",), id="products-of-a-score"),
        pytest.param({**DECISION, "level": "tier"}, "INVALID", ("level",), id="level-of-a-decision"),
        pytest.param({"type": "score"}, "INVALID", ("level",), id="no-level"),
        pytest.param({**SCORE, "level": "secret"}, "INVALID", ("level",), id="unknown-level"),
        pytest.param({**SCORE, "level": 3}, "INVALID", ("level",), id="level-of-wrong-type"),
        pytest.param({**SCORE, "level": ["tier"]}, "INVALID", ("level",), id="level-in-an-array"),
        pytest.param({**SCORE, "purpose": "MARKETING"}, "INVALID", ("purpose",), id="unknown-purpose"),
        pytest.param({**SCORE, "purpose": ""}, "INVALID", ("purpose",), id="empty-purpose"),
        pytest.param({**SCORE, "purpose": 1}, "INVALID", ("purpose",), id="purpose-of-wrong-type"),
        pytest.param({**SCORE, "duration": "90 days"}, "INVALID", ("duration",), id="not-a-duration"),
        pytest.param({**SCORE, "duration": "P3M"}, "INVALID", ("duration",), id="calendar-duration"),
        pytest.param({**SCORE, "duration": "PT0S"}, "INVALID", ("duration",), id="zero-duration"),
        pytest.param({**SCORE, "duration": "P4000D"}, "INVALID", ("duration",), id="too-long-duration"),
        pytest.param({**SCORE, "purpose": None}, "INVALID", ("purpose",), id="null-purpose"),
        pytest.param({**SCORE, "duration": None}, "INVALID", ("duration",), id="null-duration"),
        pytest.param({**DECISION, "maximum_amount": None}, "INVALID", ("maximum_amount",), id="null-amount"),
        pytest.param({**SCORE, "optional": "true"}, "INVALID", ("optional",), id="optional-as-text"),
        pytest.param({**SCORE, "optional": 1}, "INVALID", ("optional",), id="optional-as-number"),
        pytest.param({**SCORE, "optional": None}, "INVALID", ("optional",), id="null-optional"),
        pytest.param({**SCORE, **AT_STORE}, "INVALID", ("store_id",), id="point-of-sale-of-a-score"),
        pytest.param({**DECISION, "store_id": "S1"}, "INVALID", ("terminal_id",), id="store-without-terminal"),
        pytest.param({**DECISION, "terminal_id": "T1"}, "INVALID", ("store_id",), id="terminal-without-store"),
        pytest.param({**DECISION, **AT_STORE, "store_id": ""}, "INVALID", ("store_id",), id="empty-store"),
        pytest.param({**DECISION, **AT_STORE, "store_id": None}, "INVALID", ("store_id",), id="null-store"),
        pytest.param(
            {**DECISION, **AT_STORE, "terminal_id": "x" * 65}, "INVALID", ("terminal_id",), id="long-terminal"
        ),
        pytest.param({**DECISION, **AT_STORE, "terminal_id": "\u5e97"}, "INVALID", ("terminal_id",), id="not-ascii"),
        pytest.param({**DECISION, **AT_STORE, "store_id": "a\n"}, "INVALID", ("store_id",), id="control-character"),
        pytest.param({**DECISION, **AT_STORE, "store_id": 7}, "INVALID", ("store_id",), id="store-as-number"),
        pytest.param({**DECISION, "duration": 90}, "INVALID", ("duration",), id="duration-of-wrong-type"),
        pytest.param({"type": "decision"}, "INVALID", ("products",), id="no-products"),
        pytest.param({**DECISION, "products": []}, "INVALID", ("products",), id="empty-products"),
        pytest.param({**DECISION, "products": "PAY_LATER"}, "INVALID", ("products",), id="products-as-text"),
        pytest.param({**DECISION, "products": [1]}, "INVALID", ("products",), id="product-of-wrong-type"),
        pytest.param({**DECISION, "products": ["LOTTERY"]}, "INVALID", ("products",), id="unknown-product"),
        pytest.param({**DECISION, "maximum_amount": "3000"}, "INVALID", ("maximum_amount",), id="amount-as-text"),
        pytest.param(
            {**DECISION, "maximum_amount": {"amount": "1.00"}}, "INVALID", ("maximum_amount",), id="no-currency"
        ),
        pytest.param(
            {**DECISION, "maximum_amount": {"amount": 3000, "currency": "CNY"}},
            "INVALID",
            ("maximum_amount",),
            id="amount-as-number",
        ),
        pytest.param(
            {**DECISION, "maximum_amount": {"amount": "1.00", "currency": "CNY", "tip": "1"}},
            "INVALID",
            ("maximum_amount",),
            id="amount-with-another-member",
        ),
        pytest.param(
            {**DECISION, "maximum_amount": {"amount": "0.00", "currency": "CNY"}},
            "INVALID_AMOUNT",
            ("maximum_amount", "amount"),
            id="zero-amount",
        ),
        pytest.param(
            {**DECISION, "maximum_amount": {"amount": "-1.00", "currency": "CNY"}},
            "INVALID_AMOUNT",
            ("maximum_amount", "amount"),
            id="negative-amount",
        ),
        pytest.param(
            {**DECISION, "maximum_amount": {"amount": "1.001", "currency": "CNY"}},
            "INVALID_AMOUNT",
            ("maximum_amount", "amount"),
            id="too-many-decimals",
        ),
        pytest.param(
            {**DECISION, "maximum_amount": {"amount": "99999999999999", "currency": "CNY"}},
            "INVALID_AMOUNT",
            ("maximum_amount", "amount"),
            id="huge-amount",
        ),
        pytest.param(
            {**DECISION, "maximum_amount": {"amount": "1.00", "currency": "ABC"}},
            "UNSUPPORTED_CURRENCY",
            ("maximum_amount", "currency"),
            id="unknown-currency",
        ),
    ],
)
def test_a_bad_detail_is_refused_with_its_index_and_member(item: Any, code: str, field: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_details([SCORE, item])
    assert (refused.value.code, refused.value.field) == (code, ("1", *field))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="null"),
        pytest.param([], id="empty"),
        pytest.param("[]", id="text"),
        pytest.param({"type": "score"}, id="object"),
        pytest.param([SCORE] * (MOST_DETAILS + 1), id="too-many"),
    ],
)
def test_value_that_is_not_a_short_array_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_details(value)
    assert refused.value.code == "INVALID"


leaves = st.sampled_from([None, True, 0, 1.5, "", "tier", "score", "decision", "PAY_LATER", "P1D", "CAR_RENTAL"])
money = st.fixed_dictionaries({"amount": leaves, "currency": st.sampled_from(["CNY", "", 5])})
json_values = leaves | st.lists(leaves, max_size=2) | money
members = (
    "type",
    "level",
    "products",
    "maximum_amount",
    "purpose",
    "duration",
    "color",
    "optional",
    "store_id",
    "terminal_id",
)


@given(
    st.lists(
        st.dictionaries(st.sampled_from(members), json_values),
        max_size=3,
    )
)
def test_any_json_is_parsed_or_refused(value: list[dict[str, Any]]) -> None:
    refused: InvalidInput | None = None
    read: tuple[AuthorizationDetail, ...] = ()
    try:
        read = parse_details(value)
    except InvalidInput as error:
        refused = error
    if refused is None:
        assert len(read) == len(value)
    else:
        assert refused.field is None or refused.field[0] in {"0", "1", "2"}
