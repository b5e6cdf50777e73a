"""Whether a change of a consent takes away what the merchant was allowed, part by part."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.consents.authorization_detail import AuthorizationDetail
from gateway.domain.consents.coverage import allows_less
from gateway.domain.consents.request import Request
from gateway.domain.merchants import Product
from gateway.domain.money import Money
from gateway.domain.scoring.tier import Tier

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
TIER = AuthorizationDetail("score", level="tier", purpose="CAR_RENTAL", duration=90 * DAY)
THRESHOLD = replace(TIER, level="threshold")
WAIVER = AuthorizationDetail(
    "decision",
    products=(Product.DEPOSIT_WAIVER, Product.PAY_LATER),
    maximum_amount=Money(300_000, "CNY"),
    purpose="CAR_RENTAL",
    duration=90 * DAY,
)
SCOPES = ("score:tier", "decisions:request")
BEFORE = Request(SCOPES, (TIER, WAIVER))


def one(detail: AuthorizationDetail, scope: str = "") -> Request:
    return Request((scope or detail.scope,), (detail,))


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(BEFORE, id="the-same"),
        pytest.param(Request(SCOPES, (WAIVER, TIER)), id="in-another-order"),
        pytest.param(Request(("score:exact", "decisions:request"), (replace(TIER, level="exact"), WAIVER)), id="level"),
        pytest.param(Request(SCOPES, (TIER, replace(WAIVER, maximum_amount=Money(300_001, "CNY")))), id="amount"),
        pytest.param(Request(SCOPES, (replace(TIER, duration=91 * DAY), WAIVER)), id="longer"),
        pytest.param(
            Request(SCOPES, (TIER, *(replace(WAIVER, products=(product,)) for product in WAIVER.products))),
            id="a-detail-for-each-product",
        ),
        pytest.param(Request(SCOPES, (TIER, replace(WAIVER, duration=DAY), WAIVER)), id="twice"),
    ],
)
def test_change_that_keeps_everything_allows_no_less(after: Request) -> None:
    assert not allows_less(after, BEFORE, timedelta(0))


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(one(WAIVER), id="no-tier"),
        pytest.param(one(TIER), id="no-decisions"),
        pytest.param(Request(("score:threshold", "decisions:request"), (THRESHOLD, WAIVER)), id="a-lower-level"),
        pytest.param(Request(("score:threshold", "decisions:request"), (TIER, WAIVER)), id="a-lower-scope"),
        pytest.param(Request(("score:tier", "decisions:preview"), (TIER, WAIVER)), id="previews-only"),
        pytest.param(Request(SCOPES, (TIER, replace(WAIVER, products=WAIVER.products[:1]))), id="a-product"),
        pytest.param(Request(SCOPES, (TIER, replace(WAIVER, purpose="HOTEL_STAY"))), id="the-purpose-of-decisions"),
        pytest.param(Request(SCOPES, (replace(TIER, purpose="HOTEL_STAY"), WAIVER)), id="the-purpose-of-the-tier"),
        pytest.param(Request(SCOPES, (TIER, replace(WAIVER, maximum_amount=Money(299_999, "CNY")))), id="an-amount"),
        pytest.param(Request(SCOPES, (TIER, replace(WAIVER, maximum_amount=Money(300_000, "EUR")))), id="a-currency"),
        pytest.param(Request(SCOPES, (TIER, replace(WAIVER, store_id="S", terminal_id="T"))), id="other-places"),
        pytest.param(Request(SCOPES, (replace(TIER, duration=90 * DAY - SECOND), WAIVER)), id="the-end-of-a-part"),
        pytest.param(
            Request(SCOPES, (TIER, replace(WAIVER, duration=DAY), replace(WAIVER, maximum_amount=Money(1, "CNY")))),
            id="the-amount-after-a-day",
        ),
    ],
)
def test_change_that_loses_a_part_allows_less(after: Request) -> None:
    assert allows_less(after, BEFORE, timedelta(0))


def test_only_the_remaining_time_must_be_allowed() -> None:
    before = Request(SCOPES, (replace(TIER, duration=10 * DAY), WAIVER))
    after = one(replace(WAIVER, duration=80 * DAY))
    assert allows_less(after, before, 10 * DAY - SECOND)
    assert not allows_less(after, before, 10 * DAY)  # the tier has expired
    assert allows_less(one(replace(WAIVER, duration=80 * DAY - SECOND)), before, 10 * DAY)


def test_end_of_the_consent_is_earlier_from_a_whole_second_on() -> None:
    before, after = one(TIER), one(replace(TIER, duration=80 * DAY))
    assert not allows_less(after, before, 10 * DAY + SECOND / 2)
    assert not allows_less(after, before, 10 * DAY)
    assert allows_less(after, before, 10 * DAY - SECOND)


def test_end_of_the_consent_counts_although_no_scope_needs_its_last_detail() -> None:
    before = Request(("score:tier",), (replace(TIER, duration=DAY), WAIVER))
    assert allows_less(one(TIER), replace(before, details=(TIER, replace(WAIVER, duration=91 * DAY))), timedelta(0))
    assert not allows_less(one(TIER), before, timedelta(0))


@pytest.mark.parametrize(
    ("before", "after", "is_less"),
    [
        pytest.param(None, Tier.FAIR, True, id="from-any-tier-to-one"),
        pytest.param(Tier.FAIR, None, False, id="from-one-tier-to-any"),
        pytest.param(Tier.FAIR, Tier.FAIR, False, id="the-same-tier"),
        pytest.param(Tier.FAIR, Tier.GOOD, True, id="another-tier"),
    ],
)
def test_tier_of_threshold_inquiries_counts(before: Tier | None, after: Tier | None, is_less: bool) -> None:
    held, granted = (one(replace(THRESHOLD, minimum=minimum)) for minimum in (before, after))
    assert allows_less(granted, held, timedelta(0)) is is_less


def test_level_above_the_scope_does_not_count() -> None:
    assert not allows_less(one(TIER), one(replace(TIER, level="exact"), "score:tier"), timedelta(0))
    assert allows_less(one(TIER), one(replace(TIER, level="exact")), timedelta(0))
