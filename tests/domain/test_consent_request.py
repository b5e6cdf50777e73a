"""Narrowing of a request: the person grants exactly the choice, and never more than was requested."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.consents.authorization_detail import LEVELS, AuthorizationDetail
from gateway.domain.consents.request import (
    AS_ASKED,
    SHORTER_DURATIONS,
    Choice,
    Request,
    can_lower_maximum_amount,
    narrow,
)
from gateway.domain.consents.version import ConsentAction, ConsentVersion
from gateway.domain.duration import format_duration
from gateway.domain.errors import InvalidInput
from gateway.domain.events import Actor
from gateway.domain.merchants import Product
from gateway.domain.money import Money
from gateway.domain.scope import SCOPES, expand
from tests.support.clock import BUSINESS_NOON as NOON

DAYS_90 = timedelta(days=90)
TIER = AuthorizationDetail("score", level="tier", purpose="CAR_RENTAL", duration=DAYS_90)
EXACT = replace(TIER, level="exact", optional=True, duration=timedelta(days=30))
WAIVER = AuthorizationDetail(
    "decision",
    products=(Product.DEPOSIT_WAIVER,),
    maximum_amount=Money(300_000, "CNY"),
    purpose="CAR_RENTAL",
    duration=DAYS_90,
)
LATER = replace(WAIVER, products=(Product.PAY_LATER,), maximum_amount=Money(500, "JPY"), optional=True)
AT_POINT_OF_SALE = replace(WAIVER, store_id="S1", terminal_id="T1")


def request(*details: AuthorizationDetail) -> Request:
    wanted = {detail.scope for detail in details}
    return Request(tuple(name for name in SCOPES if name in wanted), details)


ASKED = request(TIER, EXACT, WAIVER, LATER)


def refused_at(asked: Request, choice: Choice) -> tuple[str, ...] | None:
    with pytest.raises(InvalidInput) as refused:
        narrow(asked, choice)
    return refused.value.field


def test_optional_details_are_left_out_by_default() -> None:
    assert narrow(ASKED, AS_ASKED) == request(TIER, WAIVER)


def test_included_details_are_granted_and_not_optional() -> None:
    granted = narrow(ASKED, Choice(frozenset({1, 3})))
    assert granted.details == (TIER, replace(EXACT, optional=False), WAIVER, replace(LATER, optional=False))
    assert granted.scopes == ASKED.scopes


def test_scope_of_a_left_out_detail_is_not_granted() -> None:
    assert narrow(request(TIER, EXACT), AS_ASKED).scopes == ("score:tier",)
    assert narrow(request(TIER, LATER), AS_ASKED).scopes == ("score:tier",)
    plain = Request(("score:threshold", "score:tier", "decisions:preview"), (TIER, replace(WAIVER, optional=True)))
    assert narrow(plain, AS_ASKED).scopes == ("score:threshold", "score:tier")
    assert narrow(plain, Choice(frozenset({1}))).scopes == plain.scopes


def test_narrowing_to_nothing_is_refused() -> None:
    assert refused_at(request(EXACT, LATER), AS_ASKED) == ("include",)
    assert narrow(request(EXACT, LATER), Choice(frozenset({0}))).scopes == ("score:exact",)


def test_maximum_amounts_are_lowered_one_by_one() -> None:
    granted = narrow(ASKED, Choice(frozenset({3}), {2: "12.50", 3: "499"}))
    assert [detail.maximum_amount for detail in granted.details] == [None, Money(1_250, "CNY"), Money(499, "JPY")]


def test_requested_maximum_amount_can_be_kept() -> None:
    assert narrow(ASKED, Choice(amounts={2: "3000"})) == narrow(ASKED, AS_ASKED)


@pytest.mark.parametrize(
    "amount", ["3000.01", "0", "0.00", "-1", "", "junk", "1.001", "1,000", "1e3", "٣", "NaN", "9" * 40, " 1"]
)
def test_lowered_maximum_amount_must_be_above_zero_and_at_most_the_requested_one(amount: str) -> None:
    assert refused_at(ASKED, Choice(amounts={2: amount})) == ("amount", "2")


def test_maximum_amount_of_an_excluded_detail_is_ignored() -> None:
    assert narrow(ASKED, Choice(amounts={3: "junk"})) == narrow(ASKED, AS_ASKED)


def test_maximum_amount_at_a_point_of_sale_cannot_be_lowered() -> None:
    assert not can_lower_maximum_amount(AT_POINT_OF_SALE)
    assert refused_at(request(AT_POINT_OF_SALE), Choice(amounts={0: "1.00"})) == ("form",)


@pytest.mark.parametrize(
    "choice",
    [
        pytest.param(Choice(frozenset({0})), id="tick-of-a-part-that-is-not-optional"),
        pytest.param(Choice(frozenset({4})), id="tick-of-no-part"),
        pytest.param(Choice(amounts={0: "1.00"}), id="amount-of-a-score"),
        pytest.param(Choice(amounts={4: "1.00"}), id="amount-of-no-part"),
    ],
)
def test_choice_that_was_not_offered_is_refused(choice: Choice) -> None:
    assert refused_at(ASKED, choice) == ("form",)


def test_shorter_duration_cuts_every_detail() -> None:
    granted = narrow(ASKED, Choice(frozenset({1}), duration="P30D"))
    assert {detail.duration for detail in granted.details} == {timedelta(days=30)}
    granted = narrow(ASKED, Choice(frozenset({1}), duration="P90D"))
    assert [detail.duration for detail in granted.details] == [DAYS_90, timedelta(days=30), DAYS_90]


@pytest.mark.parametrize("duration", ["P91D", "P89D", "P0D", "", "forever", "P3660D"])
def test_duration_that_was_not_offered_is_refused(duration: str) -> None:
    assert refused_at(ASKED, Choice(duration=duration)) == ("duration",)


@given(st.timedeltas(min_value=timedelta(microseconds=1), max_value=timedelta(days=3660)))
def test_offered_durations_are_the_requested_one_and_shorter_ones(length: timedelta) -> None:
    first, *rest = request(replace(TIER, duration=length)).durations
    assert first == length
    assert rest == [each for each in SHORTER_DURATIONS if each < length]


details = st.builds(
    lambda kind, level, products, minor, days, optional: (
        AuthorizationDetail("score", level=level, purpose="LENDING", duration=timedelta(days=days), optional=optional)
        if kind
        else AuthorizationDetail(
            "decision",
            products=tuple(products),
            maximum_amount=Money(minor, "CNY"),
            purpose="LENDING",
            duration=timedelta(days=days),
            optional=optional,
        )
    ),
    st.booleans(),
    st.sampled_from(LEVELS),
    st.sets(st.sampled_from(Product), min_size=1),
    st.integers(1, 10_000),
    st.integers(1, 120),
    st.booleans(),
)


def within(part: AuthorizationDetail, asked: AuthorizationDetail) -> bool:
    """Whether `part` equals `asked`, or is less in members that a person can lower."""
    amount, maximum = part.maximum_amount, asked.maximum_amount
    less = amount is None if maximum is None else amount is not None and 0 < amount.minor <= maximum.minor
    assert part.duration is not None
    assert asked.duration is not None
    alike = replace(part, maximum_amount=maximum, duration=asked.duration, optional=asked.optional) == asked
    return alike and less and timedelta(0) < part.duration <= asked.duration


def narrowed_or_none(asked: Request, choice: Choice) -> Request | None:
    """Returns the granted request; None for a choice that includes nothing or has an invalid maximum."""
    wrong = [
        n
        for n, amount in (choice.amounts or {}).items()
        if (n in choice.included or not asked.details[n].optional)
        and not 0
        < Money.from_document({"amount": amount, "currency": "CNY"}).minor
        <= (asked.details[n].maximum_amount or Money.zero("CNY")).minor
    ]
    nothing = all(part.optional for part in asked.details) and not choice.included
    if wrong or nothing:
        assert refused_at(asked, choice) == (("amount", str(min(wrong))) if wrong else ("include",))
        return None
    return narrow(asked, choice)


@given(st.lists(details, min_size=1, max_size=8, unique=True), st.data())
def test_granted_request_never_exceeds_the_asked_one(parts: list[AuthorizationDetail], data: st.DataObject) -> None:
    asked = request(*parts)
    indexes = range(len(parts))
    choice = Choice(
        included=frozenset(data.draw(st.sets(st.sampled_from(indexes)))) & {n for n in indexes if parts[n].optional},
        amounts={
            n: data.draw(st.builds(lambda minor: Money(minor, "CNY").amount, st.integers(-1, 12_000)))
            for n in indexes
            if can_lower_maximum_amount(parts[n]) and data.draw(st.booleans())
        },
        duration=data.draw(st.none() | st.sampled_from([format_duration(each) for each in asked.durations])),
    )
    granted = narrowed_or_none(asked, choice)
    if granted is None:
        return
    kept = [part for n, part in enumerate(parts) if not part.optional or n in choice.included]
    assert all(any(within(part, each) for each in kept) for part in granted.details)
    assert all(any(within(part, each) for part in granted.details) for each in kept)
    assert not any(part.optional for part in granted.details)
    assert expand(granted.scopes) <= expand(asked.scopes)
    assert set(granted.scopes) <= set(asked.scopes)
    assert expand(granted.scopes) == expand(detail.scope for detail in granted.details)


@given(st.lists(details, min_size=1, max_size=8, unique=True), st.integers(1, 200))
def test_limit_duration_cuts_every_detail(parts: list[AuthorizationDetail], days: int) -> None:
    life = timedelta(days=days)
    cut = request(*parts).limit_duration(life)
    assert all(part.duration is not None and part.duration <= life for part in cut.details)
    assert cut.duration == min(request(*parts).duration, life)
    assert cut.scopes == request(*parts).scopes


def test_request_round_trips() -> None:
    assert Request.from_document(ASKED.document()) == ASKED


@pytest.mark.parametrize(
    ("granted", "narrowed"),
    [
        pytest.param(AS_ASKED, True, id="optional-part-left-out"),
        pytest.param(Choice(frozenset({1, 3})), False, id="all"),
        pytest.param(Choice(frozenset({1, 3}), {2: "1.00"}), True, id="less-money"),
        pytest.param(Choice(frozenset({1, 3}), duration="P7D"), True, id="less-time"),
    ],
)
def test_version_is_narrowed_if_less_was_granted(granted: Choice, narrowed: bool) -> None:
    result = narrow(ASKED, granted)
    version = ConsentVersion("con_1", 1, ConsentAction.CREATED, Actor.USER, result.scopes, result.details, ASKED, NOON)
    assert version.narrowed is narrowed
    assert not replace(version, asked=None).narrowed
