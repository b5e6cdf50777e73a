"""What a consent covers: products, purposes, amounts, points of sale and times."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.consents.authorization_detail import LEVELS, AuthorizationDetail
from gateway.domain.consents.consent import Consent, ConsentStatus
from gateway.domain.errors import ConsentRefused
from gateway.domain.merchants import PointOfSale, Product
from gateway.domain.money import Money
from gateway.kit.clock import BusinessTime
from tests.support.clock import BUSINESS_NOON as NOON

TICK = timedelta(microseconds=1)
DAYS_90 = timedelta(days=90)
NOTHING = Money.zero("CNY")


def score(level: str, purpose: str = "CAR_RENTAL", duration: timedelta | None = DAYS_90) -> AuthorizationDetail:
    return AuthorizationDetail("score", level=level, purpose=purpose, duration=duration)


def decision(
    minor: int,
    *products: Product,
    purpose: str = "CAR_RENTAL",
    duration: timedelta | None = DAYS_90,
    currency: str = "CNY",
) -> AuthorizationDetail:
    return AuthorizationDetail(
        "decision",
        products=products or (Product.DEPOSIT_WAIVER,),
        maximum_amount=Money(minor, currency),
        purpose=purpose,
        duration=duration,
    )


def consent(*details: AuthorizationDetail) -> Consent:
    return Consent(
        id="con_1",
        merchant_id="mer_1",
        client_id="cli_1",
        user_id="usr_1",
        subject="usr_test_x",
        scopes=("decisions:request",),
        details=details,
        granted_at=NOON,
        expires_at=NOON + DAYS_90,
        revoked_at=None,
    )


def refusal(
    granted: Consent, minor: int, committed: int = 0, *, now: BusinessTime = NOON, purpose: str = "CAR_RENTAL"
) -> str:
    """Returns the code of the refusal, or "" if a deposit waiver over this amount is covered."""
    try:
        granted.require_covers(Product.DEPOSIT_WAIVER, purpose, Money(minor, "CNY"), Money(committed, "CNY"), now)
    except ConsentRefused as refused:
        return refused.code
    return ""


@pytest.mark.parametrize(
    ("now", "status"),
    [
        pytest.param(NOON, ConsentStatus.ACTIVE, id="when-granted"),
        pytest.param(NOON + DAYS_90 - TICK, ConsentStatus.ACTIVE, id="just-before-its-end"),
        pytest.param(NOON + DAYS_90, ConsentStatus.EXPIRED, id="exactly-at-its-end"),
    ],
)
def test_status_of_a_consent(now: BusinessTime, status: ConsentStatus) -> None:
    assert consent(score("tier")).status(now) is status


@pytest.mark.parametrize("now", [NOON, NOON + 2 * DAYS_90], ids=["in-time", "after-its-end"])
def test_revoked_consent_is_revoked_at_any_time(now: BusinessTime) -> None:
    revoked = replace(consent(decision(100)), revoked_at=NOON)
    assert revoked.status(now) is ConsentStatus.REVOKED
    assert refusal(revoked, 1, now=now) == "CONSENT_REVOKED"


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.integers(1, 10**12))
def test_amounts_are_covered_exactly_up_to_the_maximum(amount: int, committed: int, maximum: int) -> None:
    expected = "" if amount + committed <= maximum else "CONSENT_AMOUNT_EXCEEDED"
    assert refusal(consent(decision(maximum)), amount, committed) == expected


@given(st.lists(st.integers(1, 500), max_size=20), st.integers(1, 1000))
def test_open_amounts_never_exceed_the_maximum(asked: list[int], maximum: int) -> None:
    granted, total = consent(decision(maximum)), 0
    for amount in asked:
        if not refusal(granted, amount, total):
            total += amount
    assert total <= maximum


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=4), st.integers(0, 1000))
def test_several_details_cover_up_to_the_highest_and_do_not_add_up(maxima: list[int], amount: int) -> None:
    covered = not refusal(consent(*map(decision, maxima)), amount)
    assert covered == (amount <= max(maxima))


@pytest.mark.parametrize(
    ("details", "code"),
    [
        pytest.param([score("exact")], "CONSENT_PRODUCT_NOT_COVERED", id="only-a-score"),
        pytest.param([decision(900, Product.PAY_LATER)], "CONSENT_PRODUCT_NOT_COVERED", id="another-product"),
        pytest.param([decision(900, purpose="LENDING")], "CONSENT_PURPOSE_MISMATCH", id="another-purpose"),
        pytest.param([decision(99)], "CONSENT_AMOUNT_EXCEEDED", id="too-little"),
        pytest.param([decision(900, currency="USD")], "CONSENT_AMOUNT_EXCEEDED", id="another-currency"),
        pytest.param(
            [decision(99), decision(900, purpose="LENDING")], "CONSENT_AMOUNT_EXCEEDED", id="maximum-of-another-purpose"
        ),
        pytest.param(
            [decision(99), decision(900, Product.PAY_LATER)], "CONSENT_AMOUNT_EXCEEDED", id="maximum-of-another-product"
        ),
        pytest.param([decision(900, currency="USD"), decision(100)], "", id="one-of-two-currencies"),
        pytest.param([decision(100, Product.PAY_LATER, Product.DEPOSIT_WAIVER)], "", id="two-products"),
    ],
)
def test_coverage_by_product_purpose_and_maximum(details: list[AuthorizationDetail], code: str) -> None:
    assert refusal(consent(*details), 100) == code


HERE, OTHER_TERMINAL, OTHER_STORE = PointOfSale("S1", "T1"), PointOfSale("S1", "T2"), PointOfSale("S2", "T1")


def at(point_of_sale: PointOfSale, minor: int = 100) -> AuthorizationDetail:
    return replace(decision(minor), store_id=point_of_sale.store_id, terminal_id=point_of_sale.terminal_id)


@pytest.mark.parametrize(
    ("details", "point_of_sale", "code"),
    [
        pytest.param([at(HERE)], HERE, "", id="same"),
        pytest.param([at(HERE)], OTHER_TERMINAL, "CONSENT_PRODUCT_NOT_COVERED", id="another-terminal"),
        pytest.param([at(HERE)], OTHER_STORE, "CONSENT_PRODUCT_NOT_COVERED", id="another-store"),
        pytest.param([at(HERE)], None, "CONSENT_PRODUCT_NOT_COVERED", id="no-point-of-sale-in-the-ask"),
        pytest.param([decision(100)], HERE, "", id="detail-without-point-of-sale"),
        pytest.param([decision(100)], None, "", id="none-in-both"),
        pytest.param(
            [at(HERE, 99), at(OTHER_TERMINAL, 900)], HERE, "CONSENT_AMOUNT_EXCEEDED", id="maximum-of-another-terminal"
        ),
        pytest.param([at(HERE, 99), decision(100)], HERE, "", id="one-of-two"),
    ],
)
def test_detail_with_a_point_of_sale_covers_only_that_one(
    details: list[AuthorizationDetail], point_of_sale: PointOfSale | None, code: str
) -> None:
    granted, code_of_refusal = consent(*details), ""
    try:
        granted.require_covers(Product.DEPOSIT_WAIVER, "CAR_RENTAL", Money(100, "CNY"), NOTHING, NOON, point_of_sale)
    except ConsentRefused as refused:
        code_of_refusal = refused.code
    assert code_of_refusal == code


@pytest.mark.parametrize(("minor", "committed"), [(99, 0), (101, 0), (1, 99), (100, 1), (100, 100)])
def test_point_of_sale_detail_covers_only_its_exact_amount(minor: int, committed: int) -> None:
    granted, asked = consent(at(HERE)), (Product.DEPOSIT_WAIVER, "CAR_RENTAL")
    granted.require_covers(*asked, Money(100, "CNY"), NOTHING, NOON, HERE)
    with pytest.raises(ConsentRefused, match="differs from the amount that the person agreed to") as refused:
        granted.require_covers(*asked, Money(minor, "CNY"), Money(committed, "CNY"), NOON, HERE)
    assert (refused.value.code, refused.value.field) == ("CONSENT_AMOUNT_EXCEEDED", ("ask",))


def test_detail_without_point_of_sale_is_a_maximum_at_any_point_of_sale() -> None:
    granted, asked = consent(at(HERE, 100), decision(300)), (Product.DEPOSIT_WAIVER, "CAR_RENTAL")
    for minor in (1, 100, 299, 300):
        granted.require_covers(*asked, Money(minor, "CNY"), NOTHING, NOON, HERE)
    with pytest.raises(ConsentRefused, match="more than the person agreed to"):
        granted.require_covers(*asked, Money(301, "CNY"), NOTHING, NOON, HERE)


@pytest.mark.parametrize("single_use", [True, False])
@pytest.mark.parametrize("is_used", [True, False])
def test_single_use_consent_is_used_by_one_decision(single_use: bool, is_used: bool) -> None:
    granted = replace(consent(decision(100)), single_use=single_use)
    if single_use and is_used:
        with pytest.raises(ConsentRefused, match="one decision") as refused:
            granted.require_unused(is_used)
        assert refused.value.code == "CONSENT_EXPIRED"
    else:
        granted.require_unused(is_used)


def test_refusal_has_field_and_covered_details() -> None:
    granted = consent(decision(99))
    with pytest.raises(ConsentRefused) as refused:
        granted.require_covers(Product.DEPOSIT_WAIVER, "CAR_RENTAL", Money(100, "CNY"), NOTHING, NOON)
    assert (refused.value.field, refused.value.covered) == (("ask",), granted.details)
    with pytest.raises(ConsentRefused) as refused:
        granted.require_covers(Product.DEPOSIT_WAIVER, "LENDING", Money(1, "CNY"), NOTHING, NOON)
    assert (refused.value.field, refused.value.covered) == (("purpose",), granted.details)


@pytest.mark.parametrize(
    ("now", "code"),
    [
        pytest.param(NOON + timedelta(days=1) - TICK, "", id="just-before"),
        pytest.param(NOON + timedelta(days=1), "CONSENT_PRODUCT_NOT_COVERED", id="exactly-at-its-end"),
        pytest.param(NOON + DAYS_90, "CONSENT_EXPIRED", id="when-the-consent-has-ended"),
    ],
)
def test_a_detail_shorter_than_its_consent_ends_first(now: BusinessTime, code: str) -> None:
    granted = consent(decision(100, duration=timedelta(days=1)), score("tier"))
    assert refusal(granted, 1, now=now) == code


def test_covered_details_of_a_refusal_are_in_force() -> None:
    granted = consent(decision(99), decision(900, purpose="LENDING", duration=timedelta(days=1)))
    with pytest.raises(ConsentRefused) as refused:
        granted.require_covers(
            Product.DEPOSIT_WAIVER, "CAR_RENTAL", Money(100, "CNY"), NOTHING, NOON + timedelta(days=2)
        )
    assert refused.value.covered == granted.details[:1]


@pytest.mark.parametrize("granted", LEVELS)
@pytest.mark.parametrize("wanted", LEVELS)
def test_score_can_be_read_at_the_granted_level_or_below(granted: str, wanted: str) -> None:
    allowed = LEVELS.index(wanted) <= LEVELS.index(granted)
    assert consent(score(granted)).score_purpose(wanted, NOON) == ("CAR_RENTAL" if allowed else None)


def test_score_purpose_is_of_the_first_detail_with_the_level() -> None:
    granted = consent(score("threshold", "LENDING"), score("exact", "CAR_RENTAL", timedelta(days=1)))
    assert granted.score_purpose("threshold", NOON) == "LENDING"
    assert granted.score_purpose("tier", NOON) == "CAR_RENTAL"
    assert granted.score_purpose("tier", NOON + timedelta(days=1)) is None
    assert granted.score_purpose("threshold", NOON + timedelta(days=1)) == "LENDING"


def test_decision_detail_does_not_allow_reading_the_score() -> None:
    assert consent(decision(100)).score_purpose("threshold", NOON) is None


def test_purpose_has_each_code_once_in_order() -> None:
    granted = consent(score("tier", "LENDING"), decision(1), score("exact", "LENDING"))
    assert granted.purpose == "LENDING CAR_RENTAL"
