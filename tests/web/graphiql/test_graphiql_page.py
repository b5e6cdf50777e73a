"""The GraphiQL page: who may open it, its policy, and the tokens that its editor gets."""

from contextlib import closing
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.bootstrap import build
from gateway.domain.identity.client import BASELINE
from gateway.domain.scope import TokenKind
from gateway.services.seeding import Seed
from gateway.settings import EnvironmentName, Settings
from gateway.web.pages.partners.graphiql.operations import ordinary_ask, prepare_operations
from merchants.car_rental import CarRental
from tests.support.clock import NOON
from tests.support.graphiql import PAGE, SIGN_IN, TOKENS, GraphiqlPage, principal_of
from tests.support.oauth import Browser
from tests.support.oauth_world import OAuthWorld
from tests.support.partner_pages import make_sign_in_token, signed_in_partner
from tests.support.units import writing

FORM = {"csrf_token": "x"}


def test_page_needs_a_session_of_a_partner(world: OAuthWorld) -> None:
    http = world.http()
    for response in (http.get(PAGE), http.post(TOKENS, data=FORM), http.post(SIGN_IN, data=FORM)):
        assert (response.status_code, response.headers["location"]) == (303, "/partners/sign-in")


def test_sign_in_link_can_lead_to_the_page(world: OAuthWorld) -> None:
    token = make_sign_in_token(world.container, world.partner_id)
    assert world.http().get(f"/partners/sign-in?token={token}&next={PAGE}").headers["location"] == PAGE


def test_page_runs_own_scripts_only_and_is_not_stored(page: GraphiqlPage) -> None:
    headers = page.response.headers
    assert headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; font-src 'self'; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; "
        "base-uri 'none'"
    )
    assert headers["cache-control"] == "no-store"


def test_page_source_has_no_token(page: GraphiqlPage) -> None:
    page.token("merchant")
    assert "sgw_test_" not in page.response.text


def test_page_lists_merchants_and_personas_of_its_partner(page: GraphiqlPage, seed: Seed) -> None:
    for name in (*(each.name for each in seed.merchants), *(each.handle for each in seed.personas)):
        assert f">{name}</option>" in page.response.text
    assert "Green Cars" not in page.response.text
    assert "selected>Demo Car Rental</option>" in page.response.text


def test_page_has_the_chosen_merchant(browser: Browser, seed: Seed) -> None:
    merchant = next(each for each in seed.merchants if each.adapter == "hotel")
    page = GraphiqlPage(browser.http, merchant.id)
    assert page.configuration["merchant"] == merchant.id
    assert list(page.operations["Preview"]["variables"]["input"]["ask"]) == ["hotelStay"]


@pytest.mark.parametrize("merchant", ["foreign", "unknown", ""])
def test_page_of_another_merchant_does_not_exist(world: OAuthWorld, browser: Browser, merchant: str) -> None:
    merchant_id = world.cars_id if merchant == "foreign" else merchant
    assert browser.get(f"{PAGE}?merchant={merchant_id}").status_code == 404


def test_merchant_without_baseline_client_is_not_listed(world: OAuthWorld) -> None:
    with writing(world.database) as unit:
        for client in unit.clients.list_clients(world.cars_id):
            if client.profile == BASELINE:
                unit.clients.update(client.model_copy(update={"disabled_at": unit.wall}))
    browser = signed_in_partner(world)
    assert "Green Cars" not in browser.get(PAGE).text
    page = GraphiqlPage(browser.http)
    assert page.post("merchant", merchant=world.cars_id).json()["error"]["code"] == "INVALID"


def test_partner_without_merchants_gets_a_page_without_editor(world: OAuthWorld) -> None:
    with writing(world.database) as unit:
        for client in unit.clients.list_clients():
            unit.clients.update(client.model_copy(update={"disabled_at": unit.wall}))
    response = signed_in_partner(world).get(PAGE)
    assert response.status_code == 200
    assert "gateway sandbox partner new" in response.text
    assert "<script" not in response.text


def test_merchant_token_has_all_scopes_of_its_client(world: OAuthWorld, page: GraphiqlPage) -> None:
    response = page.post("merchant")
    assert response.headers["cache-control"] == "no-store"
    assert response.json()["expiresIn"] == 12 * 3600
    principal = principal_of(world, response.json()["accessToken"])
    assert (principal["kind"], principal["merchant"]) == ("merchant", page.configuration["merchant"])
    assert principal["scopes"] == list(world.container.environment.offered(TokenKind.MERCHANT))


def test_consent_is_used_again_while_it_is_valid(world: OAuthWorld, page: GraphiqlPage) -> None:
    first, second = page.token("consent"), page.token("consent")
    assert first["consent"] == second["consent"]
    assert first["accessToken"] != second["accessToken"]
    assert page.token("consent", persona="good")["consent"] != first["consent"]
    assert principal_of(world, second["accessToken"])["consent"] == first["consent"]


@pytest.mark.parametrize(
    "change", ["revoked_at = granted_at", "expires_at = granted_at", "scopes = '[\"score:tier\"]'"]
)
def test_consent_that_cannot_be_used_is_replaced(world: OAuthWorld, page: GraphiqlPage, change: str) -> None:
    first = page.token("consent")
    world.execute(f"UPDATE consents SET {change}")
    second = page.token("consent")
    assert second["consent"] != first["consent"]
    assert principal_of(world, second["accessToken"])["consent"] == second["consent"]


@pytest.mark.parametrize(
    ("kind", "changed", "status", "code"),
    [
        ("merchant", {"merchant": "foreign"}, 404, "NOT_FOUND"),
        ("consent", {"merchant": "foreign"}, 404, "NOT_FOUND"),
        ("consent", {"merchant": ""}, 404, "NOT_FOUND"),
        ("consent", {"persona": "nobody"}, 404, "NOT_FOUND"),
        ("consent", {"persona": ""}, 404, "NOT_FOUND"),
        ("sign_in", {}, 404, "NOT_FOUND"),
        ("client", {}, 400, "INVALID"),
        ("", {}, 400, "INVALID"),
    ],
)
def test_wrong_request_for_a_token_is_a_typed_error(
    world: OAuthWorld, page: GraphiqlPage, kind: str, changed: dict[str, str], status: int, code: str
) -> None:
    values = {name: world.cars_id if value == "foreign" else value for name, value in changed.items()}
    response = page.post(kind, **values)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert response.headers["cache-control"] == "no-store"


def test_foreign_form_gets_no_token(browser: Browser, page: GraphiqlPage) -> None:
    assert page.post("merchant", csrf_token="x").status_code == 403
    fields = {"csrf_token": page.configuration["csrf"], "merchant": page.configuration["merchant"], "kind": "merchant"}
    foreign = browser.http.post(TOKENS, data=fields, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert "sgw_test_" not in foreign.text


def test_live_deployment_has_no_such_page(settings: Settings, sqlite_url: str) -> None:
    live = {"environment": EnvironmentName.LIVE, "issuer": "https://gateway.example", "database_url": sqlite_url}
    with closing(build(settings.model_copy(update=live))) as container:
        http = TestClient(create_app(container), base_url="https://gateway.example", follow_redirects=False)
        responses = http.get(PAGE), http.post(TOKENS, data=FORM), http.post(SIGN_IN, data=FORM)
        assert [response.status_code for response in responses] == [404] * 3


def test_ordinary_ask_is_valid_at_any_time() -> None:
    adapter, now = CarRental(), NOON + timedelta(days=900)
    adapter.check(adapter.ask_from_document(ordinary_ask(adapter, now)["carRental"]), now)


def test_merchant_without_adapter_gets_operations_that_need_none() -> None:
    assert [each.name for each in prepare_operations((), NOON, str)] == ["Tier", "Log"]
