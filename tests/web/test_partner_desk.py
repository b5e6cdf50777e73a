"""The desk of a partner: its merchants and clients, a new merchant token, its time; and nothing of other partners."""

import re
from datetime import timedelta
from html import unescape

import pytest

from gateway.domain.identity.client import FAPI2
from tests.support.oauth import Browser
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.partner_pages import PAGES, SIGN_IN, make_active_decision, signed_in_partner


@pytest.fixture
def partner(world: OAuthWorld) -> Browser:
    return signed_in_partner(world)


def foreign_id(world: OAuthWorld, table: str) -> str:
    """The id of a row of partner B."""
    sql = {
        "merchants": f"SELECT id FROM merchants WHERE partner_id <> '{world.partner_id}'",
        "partners": f"SELECT id FROM partners WHERE id <> '{world.partner_id}'",
    }[table]
    return str(world.rows(sql)[0][0])


def business_time(world: OAuthWorld, partner_id: str) -> timedelta:
    return world.database.read(lambda unit: world.container.sandbox.clock.read(unit, partner_id)).offset


def move(partner: Browser, by: str) -> str:
    """Presses a button of the clock, and returns the page after it."""
    moved = partner.submit(partner.get("/partners/clock"), "/partners/clock", move=by)
    assert moved.status_code == 303, moved.text
    return unescape(partner.get(moved.headers["location"]).text)


@pytest.mark.parametrize("path", PAGES)
def test_page_without_a_session_leads_to_the_page_about_signing_in(world: OAuthWorld, path: str) -> None:
    response = world.http().get(path)
    assert (response.status_code, response.headers["location"]) == (303, SIGN_IN)


@pytest.mark.parametrize("path", PAGES)
def test_page_keeps_the_rules_of_pages(partner: Browser, path: str) -> None:
    response = partner.get(path)
    assert response.status_code == 200
    assert "script" not in response.headers["content-security-policy"] + response.text
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", PAGES)
def test_page_has_no_data_of_another_partner_and_no_secret(world: OAuthWorld, partner: Browser, path: str) -> None:
    page = partner.get(path).text
    foreign = world.rows(f"SELECT id, name FROM merchants WHERE id = '{foreign_id(world, 'merchants')}'")[0]
    for text in (*foreign, world.other.client_id):
        assert text not in page
    for (digest,) in world.rows("SELECT secret_digest FROM oauth_clients WHERE secret_digest IS NOT NULL"):
        assert digest not in page
    assert "sgw_test_" not in page


def test_overview_counts_what_the_partner_has(world: OAuthWorld, partner: Browser) -> None:
    page = partner.get("/partners").text
    assert re.findall(r"<dd>(\d+)</dd>", page) == ["2", "0", "0"]


def test_merchants_are_shown_with_adapters_and_clients(world: OAuthWorld, partner: Browser) -> None:
    page = partner.get("/partners/merchants").text
    for text in ("Green Cars", "Moon Shop", "car_rental", "online_shop", world.cars_id, world.cars.client_id):
        assert text in page
    bank = world.client(world.bank)
    assert bank.profile == FAPI2
    assert bank.jwks is not None
    for text in (bank.id, *bank.scopes, *bank.redirect_uris, *(key.get("kid", "") for key in bank.jwks["keys"])):
        assert text in page


def test_new_merchant_token_works_and_is_shown_once(world: OAuthWorld, partner: Browser) -> None:
    action = f"/partners/merchants/{world.cars_id}/token"
    response = partner.submit(partner.get("/partners/merchants"), action)
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    (token,) = set(re.findall(r"sgw_test_at_[A-Za-z0-9_-]+", response.text))
    principal = world.cars.call(token).json()
    assert (principal["kind"], principal["merchant"]) == ("merchant", world.cars_id)
    assert token not in partner.get("/partners/merchants").text


@pytest.mark.parametrize("merchant", ["foreign", "mer_test_unknown", "%00"])
def test_token_of_another_merchant_is_not_issued(world: OAuthWorld, partner: Browser, merchant: str) -> None:
    merchant_id = foreign_id(world, "merchants") if merchant == "foreign" else merchant
    page = partner.get("/partners/merchants").text
    (csrf,) = set(re.findall(r'name="csrf_token" value="([^"]+)"', page))
    before = world.rows("SELECT count(*) FROM oauth_access_tokens")
    response = partner.http.post(f"/partners/merchants/{merchant_id}/token", data={"csrf_token": csrf})
    assert response.status_code == 404
    assert world.rows("SELECT count(*) FROM oauth_access_tokens") == before


def test_personas_are_shown_with_their_outcomes_at_each_merchant(world: OAuthWorld) -> None:
    seed = world.container.seeding.seed_new("ci-1")
    (row,) = world.rows("SELECT id FROM partners WHERE name = 'ci-1'")
    page = unescape(signed_in_partner(world, row[0]).get("/partners/personas").text)
    for persona in seed.personas:
        assert f'<code class="select">{persona.handle}@ci-1</code>' in page
        assert persona.password not in page
    articles = {text.split('"')[0]: text for text in page.split('id="persona-')[1:]}
    assert "CN¥2,100 of CN¥3,000 <code>REDUCED_FOR_TIER</code>" in articles["just-below"]
    assert "<code>DECLINED</code>  <code>NOT_SCORED</code>" in articles["unscored"]


def test_name_of_the_partner_is_quoted_in_a_command(world: OAuthWorld, partner: Browser) -> None:
    world.execute(f"UPDATE partners SET name = 'a b; id' WHERE id = '{world.partner_id}'")
    assert "gateway sandbox personas 'a b; id'" in unescape(partner.get("/partners/personas").text)


@pytest.mark.parametrize("path", ["/partners/merchants/x/token", "/partners/clock"])
def test_form_needs_the_csrf_token(world: OAuthWorld, partner: Browser, path: str) -> None:
    assert partner.http.post(path, data={"csrf_token": "x", "move": "P1D"}).status_code == 403
    assert business_time(world, world.partner_id) == timedelta(0)


@pytest.mark.parametrize(("button", "days"), [("PT1H", 1 / 24), ("P1D", 1), ("P7D", 7), ("P30D", 30)])
def test_button_moves_the_time_of_this_partner_alone(
    world: OAuthWorld, partner: Browser, button: str, days: float
) -> None:
    assert "This caused no event." in move(partner, button)
    assert business_time(world, world.partner_id) == timedelta(days=days)
    assert business_time(world, foreign_id(world, "partners")) == timedelta(0)


def test_clock_moves_to_the_next_moment_and_shows_what_happened(world: OAuthWorld, partner: Browser) -> None:
    decision = make_active_decision(world, timedelta(hours=2))
    for _ in range(10):
        page = move(partner, "next")
        if "decision.overdue" in page:
            break
    assert decision in page
    assert business_time(world, world.partner_id) >= timedelta(hours=2)
    assert "decision.overdue" not in partner.get("/partners/clock").text


def test_events_of_another_partner_are_not_shown(world: OAuthWorld, partner: Browser) -> None:
    decision = make_active_decision(world, timedelta(hours=2))
    moved = move(partner, "P30D")
    assert decision in moved
    other = signed_in_partner(world, foreign_id(world, "partners"))
    since = "?began=2000-01-01T00:00:00Z&after=0"
    assert decision in partner.get(f"/partners/clock{since}").text
    assert decision not in other.get(f"/partners/clock{since}").text


@pytest.mark.parametrize("by", ["", "P31D", "P366D", "-P1D", "next "])
def test_other_moves_are_refused(world: OAuthWorld, partner: Browser, by: str) -> None:
    response = partner.submit(partner.get("/partners/clock"), "/partners/clock", move=by)
    assert response.status_code == 422
    assert business_time(world, world.partner_id) == timedelta(0)


def test_clock_with_nothing_due_cannot_move_to_it(world: OAuthWorld, partner: Browser) -> None:
    page = partner.get("/partners/clock")
    assert partner.submit(page, "/partners/clock", move="next").status_code == 422


@pytest.mark.parametrize("query", ["began=x&after=1", "began=&after=", "began=2026-01-01T00:00:00Z&after=x", "%00=%ff"])
def test_address_of_the_clock_that_cannot_be_read_shows_the_clock(partner: Browser, query: str) -> None:
    response = partner.get(f"/partners/clock?{query}")
    assert response.status_code == 200
    assert "This caused no event." not in response.text


@pytest.mark.parametrize("path", ["/partners/nowhere", "/docs/errors/NO_SUCH_CODE"])
def test_unknown_page_for_engineers_leads_to_the_start_page(partner: Browser, path: str) -> None:
    response = partner.http.get(path, headers={"Accept": "text/html"})
    assert response.status_code == 404
    assert '<a href="/">Go to the start page</a>' in response.text
    assert "Go to your account" not in response.text


def test_unknown_page_for_persons_leads_to_the_account(partner: Browser) -> None:
    response = partner.get("/account/nowhere")
    assert "Go to your account" in response.text
    assert "Go to the start page" not in response.text


def test_person_is_no_partner(world: OAuthWorld) -> None:
    browser = world.browser()
    browser.sign_in("mei", PASSWORD)
    for path in PAGES:
        assert browser.get(path).status_code == 303
