"""Threshold details are about one tier: in a request, after a merge, and in a stored detail."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.consents.authorization_detail import AuthorizationDetail, parse_details
from gateway.domain.consents.change import Change, GrantAction
from gateway.domain.consents.consent import Consent
from gateway.domain.consents.request import Request
from gateway.domain.consents.threshold import with_one_minimum
from gateway.domain.errors import InvalidInput
from gateway.domain.scoring.tier import Tier
from tests.support.clock import BUSINESS_NOON as NOON

DAY = timedelta(days=1)
OPEN = AuthorizationDetail("score", level="threshold", purpose="CAR_RENTAL", duration=90 * DAY)
GOOD, FAIR = replace(OPEN, minimum=Tier.GOOD), replace(OPEN, minimum=Tier.FAIR)
TIER = replace(OPEN, level="tier")


def consent(*details: AuthorizationDetail) -> Consent:
    return Consent(
        id="con_1",
        merchant_id="mer_1",
        client_id="cli_1",
        user_id="usr_1",
        subject="sub_1",
        scopes=("score:threshold",),
        details=details,
        granted_at=NOON,
        expires_at=NOON + 90 * DAY,
        revoked_at=None,
    )


def merge(held: AuthorizationDetail, added: AuthorizationDetail) -> tuple[AuthorizationDetail, ...]:
    """The details after a merge, which must be possible."""
    change, asked = Change(GrantAction.MERGE, consent(held), 1), Request(("score:threshold",), (added,))
    change.require_possible(asked, NOON)
    return change.result(asked, NOON).details


def test_e4_minimum_is_read_and_written() -> None:
    document = {"type": "score", "level": "threshold", "minimum": "GOOD"}
    (detail,) = parse_details([document])
    assert (detail.minimum, detail.document()) == (Tier.GOOD, document)
    assert "minimum" not in OPEN.document()


@pytest.mark.parametrize(
    "detail",
    [
        pytest.param({"type": "score", "level": "threshold", "minimum": "BEST"}, id="E4-unknown-tier"),
        pytest.param({"type": "score", "level": "threshold", "minimum": None}, id="E4-null"),
        pytest.param({"type": "score", "level": "threshold", "minimum": ["GOOD"]}, id="E4-list"),
        pytest.param({"type": "score", "level": "tier", "minimum": "GOOD"}, id="E4-level-tier"),
        pytest.param({"type": "score", "level": "exact", "minimum": "GOOD"}, id="E4-level-exact"),
        pytest.param({"type": "decision", "products": ["PAY_LATER"], "minimum": "GOOD"}, id="E4-decision"),
    ],
)
def test_invalid_minimum_is_refused_at_its_member(detail: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_details([detail])
    assert refused.value.field == ("0", "minimum")


def test_e4_threshold_details_of_a_request_are_about_one_tier() -> None:
    other = replace(OPEN, purpose="RENTAL")
    assert with_one_minimum((other, TIER, GOOD)) == (replace(other, minimum=Tier.GOOD), TIER, GOOD)
    with pytest.raises(InvalidInput) as refused:
        with_one_minimum((GOOD, TIER, FAIR))
    assert refused.value.field == ("2", "minimum")


def test_e4_merge_keeps_the_tier_of_the_grant() -> None:
    assert merge(GOOD, replace(OPEN, duration=30 * DAY)) == (GOOD,)
    assert merge(GOOD, GOOD) == (GOOD,)
    assert merge(OPEN, GOOD) == (GOOD,)
    with pytest.raises(InvalidInput):
        merge(GOOD, FAIR)
    with pytest.raises(InvalidInput):  # bound between the page and the person's answer
        Change(GrantAction.MERGE, consent(GOOD), 1).result(Request((), (FAIR,)), NOON)


def test_e4_replacement_may_be_about_another_tier() -> None:
    change, asked = Change(GrantAction.REPLACE, consent(GOOD), 1), Request(("score:threshold",), (FAIR,))
    change.require_possible(asked, NOON)
    assert change.result(asked, NOON).threshold_tier(NOON) is Tier.FAIR


@pytest.mark.parametrize(
    ("held", "asked", "covered"),
    [
        pytest.param(OPEN, GOOD, True, id="E4-open-covers-a-tier"),
        pytest.param(GOOD, OPEN, False, id="E4-a-tier-does-not-cover-open"),
        pytest.param(GOOD, FAIR, False, id="E4-another-tier"),
        pytest.param(TIER, FAIR, True, id="E4-level-tier-covers-any"),
    ],
)
def test_threshold_detail_covers_its_own_tier(
    held: AuthorizationDetail, asked: AuthorizationDetail, covered: bool
) -> None:
    assert held.covers(asked) is covered


def test_e4_only_details_in_force_bind() -> None:
    short = consent(replace(GOOD, duration=DAY), TIER)
    assert short.threshold_tier(NOON) is Tier.GOOD
    assert short.threshold_tier(NOON + DAY) is None
