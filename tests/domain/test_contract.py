"""Completing details from a contract: absent members are filled in, and durations are cut to the contract's."""

from dataclasses import FrozenInstanceError
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.consents.authorization_detail import AuthorizationDetail
from gateway.domain.merchants import Contract, Product
from gateway.domain.money import Money
from gateway.domain.scoring.tier import Tier

CONTRACT = Contract(frozenset({Tier.EXCELLENT}), Money(5_000_000, "CNY"), timedelta(days=90))

durations = st.none() | st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=3660))
amounts = st.none() | st.builds(Money, st.integers(1, CONTRACT.ceiling.minor), st.just("CNY"))
details = st.one_of(
    st.builds(
        AuthorizationDetail,
        type=st.just("score"),
        level=st.sampled_from(["threshold", "tier", "exact"]),
        duration=durations,
    ),
    st.builds(
        AuthorizationDetail,
        type=st.just("decision"),
        products=st.just((Product.DEPOSIT_WAIVER,)),
        maximum_amount=amounts,
        purpose=st.sampled_from([None, "LENDING"]),
        duration=durations,
    ),
)


def completed(detail: AuthorizationDetail) -> AuthorizationDetail:
    return detail.completed(purpose="CAR_RENTAL", duration=CONTRACT.consent_life, ceiling=CONTRACT.ceiling)


@given(details)
def test_a_completed_detail_stays_within_the_contract(detail: AuthorizationDetail) -> None:
    whole = completed(detail)
    assert whole.duration is not None
    assert whole.duration <= CONTRACT.consent_life
    assert whole.maximum_amount is None or whole.maximum_amount <= CONTRACT.ceiling


@given(details)
def test_completed_detail_has_all_members_and_keeps_its_own(detail: AuthorizationDetail) -> None:
    whole = completed(detail)
    assert (whole.maximum_amount is None) == (detail.type == "score")
    assert whole.purpose == (detail.purpose or "CAR_RENTAL")
    assert detail.maximum_amount in {None, whole.maximum_amount}
    assert completed(whole) == whole


def test_longer_duration_is_cut_to_the_contract() -> None:
    assert completed(AuthorizationDetail("score", level="tier", duration=timedelta(days=91))).duration == timedelta(90)


def test_a_contract_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        CONTRACT.ceiling = Money(1, "CNY")  # type: ignore[misc]
