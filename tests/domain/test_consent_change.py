"""Merging and replacing consents: the result never allows what the person has not allowed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import product as product_of

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.consents.authorization_detail import LEVELS, MOST_DETAILS, AuthorizationDetail
from gateway.domain.consents.change import Change, GrantAction, in_force
from gateway.domain.consents.consent import Consent
from gateway.domain.consents.request import Request
from gateway.domain.errors import ConsentRefused, InvalidInput
from gateway.domain.merchants import Product
from gateway.domain.money import Money
from gateway.domain.scope import SCOPES
from gateway.kit.clock import BusinessTime
from tests.support.clock import BUSINESS_NOON as NOON

DAY = timedelta(days=1)
TIER = AuthorizationDetail("score", level="tier", purpose="CAR_RENTAL", duration=90 * DAY)
WAIVER = AuthorizationDetail(
    "decision",
    products=(Product.DEPOSIT_WAIVER,),
    maximum_amount=Money(300_000, "CNY"),
    purpose="CAR_RENTAL",
    duration=90 * DAY,
)
LATER = replace(WAIVER, products=(Product.PAY_LATER,))
PREVIEW = "decisions:preview"


def consent(*details: AuthorizationDetail, scopes: tuple[str, ...] = ()) -> Consent:
    lasts = max(detail.duration for detail in details if detail.duration)
    return Consent(
        id="con_1",
        merchant_id="mer_1",
        client_id="cli_1",
        user_id="usr_1",
        subject="sub_1",
        scopes=scopes or request(*details).scopes,
        details=details,
        granted_at=NOON,
        expires_at=NOON + lasts,
        revoked_at=None,
    )


def request(*details: AuthorizationDetail) -> Request:
    wanted = {detail.scope for detail in details}
    return Request(tuple(name for name in SCOPES if name in wanted), details)


def merged(held: Consent, *details: AuthorizationDetail, now: BusinessTime = NOON) -> Consent:
    return Change(GrantAction.MERGE, held, 1).result(request(*details), now)


def replaced(held: Consent, *details: AuthorizationDetail, now: BusinessTime = NOON) -> Consent:
    return Change(GrantAction.REPLACE, held, 1).result(request(*details), now)


def test_merge_adds_to_existing_details() -> None:
    after = merged(consent(TIER), WAIVER)
    assert after.details == (TIER, WAIVER)
    assert after.scopes == ("score:tier", "decisions:request")


def test_replacement_removes_existing_details() -> None:
    after = replaced(consent(TIER, WAIVER), LATER, now=NOON + DAY)
    assert after.details == (LATER,)
    assert after.scopes == ("decisions:request",)
    assert (after.granted_at, after.expires_at) == (NOON + DAY, NOON + 91 * DAY)


def test_merge_keeps_the_end_of_existing_details() -> None:
    moment = NOON + DAY + timedelta(seconds=1, microseconds=5)
    after = merged(consent(replace(TIER, duration=3 * DAY)), WAIVER, now=moment)
    assert after.details[0].duration == 2 * DAY - timedelta(seconds=2)  # rounded down, so that it is never longer
    assert after.score_purpose("tier", NOON + 3 * DAY - timedelta(seconds=1)) == "CAR_RENTAL"
    assert after.score_purpose("tier", NOON + 3 * DAY) is None
    assert after.expires_at == moment + 90 * DAY


def test_merge_drops_expired_details_and_their_scopes() -> None:
    held = consent(replace(TIER, duration=DAY), LATER)
    after = merged(held, WAIVER, now=NOON + DAY)
    assert after.details == (replace(LATER, duration=89 * DAY), WAIVER)
    assert after.scopes == ("decisions:request",)


def test_detail_with_less_than_a_second_left_is_expired() -> None:
    held = consent(replace(TIER, duration=DAY), LATER)
    assert [d.type for d in in_force(held, NOON + DAY - timedelta(microseconds=1))] == ["decision"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        pytest.param(TIER, 1, id="the-same"),
        pytest.param(replace(TIER, level="exact"), 1, id="a-higher-level"),
        pytest.param(replace(TIER, level="threshold"), 1, id="a-lower-level"),
        pytest.param(replace(TIER, level="exact", duration=DAY), 2, id="higher-but-shorter"),
        pytest.param(replace(TIER, purpose="HOUSING"), 2, id="another-purpose"),
        pytest.param(WAIVER, 2, id="another-type"),
    ],
)
def test_merge_drops_details_that_another_covers(more: AuthorizationDetail, expected: int) -> None:
    assert len(merged(consent(TIER), more).details) == expected


@pytest.mark.parametrize(
    ("other", "covered"),
    [
        pytest.param(WAIVER, True, id="itself"),
        pytest.param(replace(WAIVER, maximum_amount=Money(1, "CNY")), True, id="less-money"),
        pytest.param(replace(WAIVER, maximum_amount=Money(300_001, "CNY")), False, id="more-money"),
        pytest.param(replace(WAIVER, maximum_amount=Money(1, "EUR")), False, id="other-money"),
        pytest.param(replace(WAIVER, duration=91 * DAY), False, id="longer"),
        pytest.param(replace(WAIVER, store_id="S", terminal_id="T"), True, id="at-one-point-of-sale"),
        pytest.param(LATER, False, id="another-product"),
        pytest.param(replace(WAIVER, products=(*WAIVER.products, *LATER.products)), False, id="more-products"),
    ],
)
def test_what_a_decision_detail_covers(other: AuthorizationDetail, covered: bool) -> None:
    assert WAIVER.covers(other) is covered


def test_point_of_sale_detail_covers_no_other_point_of_sale() -> None:
    at_terminal = replace(WAIVER, store_id="S", terminal_id="T")
    assert not at_terminal.covers(WAIVER)
    assert not at_terminal.covers(replace(at_terminal, terminal_id="U"))


@pytest.mark.parametrize(
    ("held", "asked"),
    [
        pytest.param(consent(WAIVER, scopes=(PREVIEW,)), request(LATER), id="requests-into-previews"),
        pytest.param(consent(WAIVER), Request((PREVIEW,), (LATER,)), id="previews-into-requests"),
    ],
)
def test_previews_and_requests_are_not_merged(held: Consent, asked: Request) -> None:
    with pytest.raises(InvalidInput):
        Change(GrantAction.MERGE, held, 1).require_possible(asked, NOON)
    Change(GrantAction.REPLACE, held, 1).require_possible(asked, NOON)


def test_preview_can_be_merged_with_a_tier() -> None:
    Change(GrantAction.MERGE, consent(TIER), 1).require_possible(Request((PREVIEW,), (WAIVER,)), NOON)


def test_merge_is_limited_to_the_largest_number_of_details() -> None:
    held = consent(*(replace(TIER, level="exact", duration=n * DAY, purpose="HOUSING") for n in range(1, MOST_DETAILS)))
    change = Change(GrantAction.MERGE, held, 1)
    change.require_possible(request(TIER), NOON)
    with pytest.raises(InvalidInput):
        change.require_possible(request(TIER, WAIVER), NOON)
    change.require_possible(request(TIER, WAIVER), NOON + DAY)  # one of them has expired
    Change(GrantAction.REPLACE, held, 1).require_possible(request(TIER, WAIVER), NOON)


lengths = st.integers(1, 200).map(lambda hours: timedelta(hours=hours))
scores = st.builds(
    AuthorizationDetail,
    st.just("score"),
    level=st.sampled_from(LEVELS),
    purpose=st.sampled_from(["CAR_RENTAL", "HOUSING"]),
    duration=lengths,
)
decisions = st.builds(
    AuthorizationDetail,
    st.just("decision"),
    products=st.sets(st.sampled_from(list(Product)), min_size=1, max_size=2).map(
        lambda products: tuple(sorted(products))
    ),
    maximum_amount=st.builds(Money, st.integers(1, 3), st.sampled_from(["CNY", "EUR"])),
    purpose=st.sampled_from(["CAR_RENTAL", "HOUSING"]),
    duration=lengths,
)
details = st.lists(st.one_of(scores, decisions), min_size=1, max_size=4).map(tuple)


def allows(held: Consent, asked: AuthorizationDetail, now: BusinessTime) -> bool:
    if asked.level is not None:
        wanted = [d for d in held.details if d.level and LEVELS.index(d.level) >= LEVELS.index(asked.level)]
        return any(d.purpose == asked.purpose and now < held.granted_at + (d.duration or DAY) for d in wanted)
    assert asked.maximum_amount is not None
    assert asked.purpose is not None
    amount = asked.maximum_amount
    try:
        for product in asked.products:
            held.require_covers(product, asked.purpose, amount, Money.zero(amount.currency), now)
    except ConsentRefused:
        return False
    return True


def probes() -> Iterator[AuthorizationDetail]:
    """Everything that a generated detail can allow, one product at a time."""
    for purpose in ("CAR_RENTAL", "HOUSING"):
        for level in LEVELS:
            yield replace(TIER, level=level, purpose=purpose)
        for product, minor, currency in product_of(Product, range(1, 4), ("CNY", "EUR")):
            yield replace(WAIVER, products=(product,), maximum_amount=Money(minor, currency), purpose=purpose)


@given(details, details, st.integers(0, 150), st.sampled_from(GrantAction))
def test_change_removes_permission_exactly_if_something_is_no_longer_allowed(
    before: tuple[AuthorizationDetail, ...],
    more: tuple[AuthorizationDetail, ...],
    changed_after: int,
    action: GrantAction,
) -> None:
    held = consent(*before)
    now = min(NOON + timedelta(hours=changed_after), held.expires_at - timedelta(seconds=1))
    change = Change(action, held, 1)
    after = change.result(request(*more), now)
    last_moments = {now, *(NOON + (detail.duration or DAY) - timedelta(seconds=1) for detail in before)}
    lost = any(
        allows(held, probe, moment) and not allows(after, probe, moment)
        for moment in last_moments
        if moment >= now
        for probe in probes()
    )
    assert change.removes_permission(after) is lost
    assert not (lost and action is GrantAction.MERGE)


@given(details, details, st.one_of(scores, decisions), st.integers(0, 150), st.integers(0, 400))
def test_merge_allows_exactly_what_either_consent_allows(
    before: tuple[AuthorizationDetail, ...],
    more: tuple[AuthorizationDetail, ...],
    asked: AuthorizationDetail,
    merged_after: int,
    later: int,
) -> None:
    held = consent(*before)
    now = min(NOON + timedelta(hours=merged_after), held.expires_at - timedelta(seconds=1))
    after, fresh = merged(held, *more, now=now), replaced(held, *more, now=now)
    moment = now + timedelta(hours=later)
    # One product at a time, as decisions are requested.
    for one in (replace(asked, products=(product,)) for product in asked.products) if asked.products else (asked,):
        assert allows(after, one, moment) == (allows(held, one, moment) or allows(fresh, one, moment))
    assert after.expires_at == max(held.expires_at, fresh.expires_at)
    assert len(after.details) <= len(before) + len(more)
