"""Consents of the level threshold: the tier that they are about, in requests, on pages and in responses."""

from typing import Any

import pytest

from gateway.domain.merchants import Contract
from gateway.domain.money import Money
from gateway.domain.scoring.tier import Tier
from tests.support.grants import change_grant, introspect, new_grant, open_change, push
from tests.support.oauth import PartnerApp
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.units import writing

THRESHOLD: dict[str, Any] = {"type": "score", "level": "threshold"}
GOOD, FAIR = {**THRESHOLD, "minimum": "GOOD"}, {**THRESHOLD, "minimum": "FAIR"}


@pytest.fixture
def app(world: OAuthWorld) -> PartnerApp:
    """A client of a merchant whose contract has the tiers FAIR and GOOD."""
    with writing(world.database) as unit:
        merchant = unit.merchants.load(world.cars_id)
        assert merchant is not None
        life, ceiling = merchant.contract.consent_life, Money(5_000_000, "CNY")
        contract = Contract(frozenset({Tier.FAIR, Tier.GOOD}), ceiling, life)
        world.container.merchants.replace_contract(unit, world.cars_id, contract)
    return world.cars


def minimums(response: dict[str, Any]) -> list[str | None]:
    return [detail.get("minimum") for detail in response["authorization_details"]]


def bind(world: OAuthWorld, grant_id: str, tier: Tier) -> bool:
    """Binds the grant as its first threshold inquiry does."""
    with writing(world.database) as unit:
        return unit.consents.bind_threshold(grant_id, tier)


def grant_of(app: PartnerApp, grant_id: str) -> Any:
    token = app.merchant_token(scope="grant_management_query").json()["access_token"]
    return app.call(token, f"/oauth/grants/{grant_id}", "GET").json()


def test_e4_minimum_is_in_every_response(world: OAuthWorld, app: PartnerApp) -> None:
    tokens = new_grant(world, app, GOOD)
    found = [tokens, introspect(app, tokens["access_token"]), grant_of(app, tokens["grant_id"])]
    assert [minimums(response) for response in found] == [["GOOD"]] * 3


def test_e4_tier_of_the_first_inquiry_is_the_minimum_from_then_on(world: OAuthWorld, app: PartnerApp) -> None:
    tokens = new_grant(world, app, THRESHOLD)
    assert minimums(tokens) == [None]
    assert bind(world, tokens["grant_id"], Tier.FAIR)
    assert not bind(world, tokens["grant_id"], Tier.GOOD)
    assert minimums(introspect(app, tokens["access_token"])) == ["FAIR"]
    assert minimums(grant_of(app, tokens["grant_id"])) == ["FAIR"]
    page = world.browser().open("/account", "mei", PASSWORD).text
    assert "whether your tier is “fair” or higher" in page


@pytest.mark.parametrize(
    "details",
    [
        pytest.param([{**THRESHOLD, "minimum": "EXCELLENT"}], id="E4-not-in-the-contract"),
        pytest.param([{**THRESHOLD, "minimum": "BEST"}], id="E4-unknown"),
        pytest.param([{"type": "score", "level": "tier", "minimum": "GOOD"}], id="E4-level-tier"),
        pytest.param([GOOD, {**FAIR, "purpose": "RENTAL"}], id="E4-two-tiers"),
    ],
)
def test_invalid_minimum_is_refused(world: OAuthWorld, app: PartnerApp, details: list[dict[str, Any]]) -> None:
    refused = app.push(scope=None, authorization_details=details)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_authorization_details")


def test_e4_merge_cannot_add_another_tier(world: OAuthWorld, app: PartnerApp) -> None:
    named, first = new_grant(world, app, GOOD), new_grant(world, app, THRESHOLD)
    bind(world, first["grant_id"], Tier.GOOD)
    for tokens in (named, first):
        refused = push(app, "merge", tokens["grant_id"], FAIR)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
        merged = change_grant(world, app, "merge", tokens["grant_id"], {**THRESHOLD, "purpose": "RENTAL"})
        assert minimums(merged) == ["GOOD", "GOOD"]


def test_e4_inquiry_between_page_and_answer_of_a_merge_keeps_its_tier(world: OAuthWorld, app: PartnerApp) -> None:
    tokens = new_grant(world, app, THRESHOLD)
    browser, page, _ = open_change(world, app, "merge", tokens["grant_id"], FAIR)
    bind(world, tokens["grant_id"], Tier.GOOD)
    assert browser.submit(page, "/oauth/authorize", decision="allow").status_code >= 400
    assert minimums(grant_of(app, tokens["grant_id"])) == ["GOOD"]


def test_e4_replacement_is_a_new_permission(world: OAuthWorld, app: PartnerApp) -> None:
    tokens = new_grant(world, app, THRESHOLD)
    bind(world, tokens["grant_id"], Tier.GOOD)
    replaced = change_grant(world, app, "replace", tokens["grant_id"], THRESHOLD)
    assert minimums(replaced) == [None]
    assert bind(world, tokens["grant_id"], Tier.FAIR)


PREVIEW: dict[str, Any] = {"type": "decision", "products": ["DEPOSIT_WAIVER"]}


@pytest.mark.parametrize(
    ("details", "language", "sentence"),
    [
        pytest.param([GOOD], "en", "Only yes or no: whether your tier is “good” or higher.", id="E4-named"),
        pytest.param([GOOD], "zh", "您的信用等级是否达到“良好”或更高", id="E4-named-zh"),
        pytest.param([THRESHOLD], "en", "Only yes or no, about one tier. The merchant chooses the tier", id="E4-first"),
        pytest.param([THRESHOLD], "zh", "由该商家在首次查询时选定", id="E4-first-zh"),
        pytest.param(
            [PREVIEW], "en", "can also reveal that you have an overdue or a broken agreement", id="E4-decision"
        ),
        pytest.param([PREVIEW], "zh", "您的额度大约已用多少", id="E4-decision-zh"),
    ],
)
def test_page_says_what_a_permission_can_reveal(
    world: OAuthWorld, app: PartnerApp, details: list[dict[str, Any]], language: str, sentence: str
) -> None:
    uri = app.push(scope=None, authorization_details=details).json()["request_uri"]
    browser = world.browser()
    browser.http.headers["accept-language"] = language
    assert sentence in browser.open(app.address(uri), "mei", PASSWORD).text


@pytest.mark.parametrize("scope", [pytest.param("decisions:preview", id="E4-preview")])
def test_page_of_a_preview_says_what_it_can_reveal(world: OAuthWorld, app: PartnerApp, scope: str) -> None:
    uri = app.push(scope=scope).json()["request_uri"]
    page = world.browser().open(app.address(uri), "mei", PASSWORD).text
    assert "about how much of your credit limit you use" in page
