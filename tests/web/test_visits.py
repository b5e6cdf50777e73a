"""Visits without a login write no row, and wait for no writer."""

import pytest
from sqlalchemy import func, select

from gateway.store.tables import metadata
from tests.support.locks import locked
from tests.support.oauth_world import PASSWORD, OAuthWorld

VISITS = (
    *("/", "/login", "/login?return_to=/account", "/device", "/device?user_code=BCDF-GHJK", "/device/done", "/account"),
    *("/oauth/authorize", "/oauth/authorize?client_id=x&request_uri=y", "/oauth/jwks", "/oauth/grants/x"),
    "/invitation?token=x",
    *("/.well-known/oauth-authorization-server", "/nothing", "/oauth/register/x"),
)


def count_rows(world: OAuthWorld) -> dict[str, int]:
    return world.database.read(
        lambda unit: {
            name: unit.connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in metadata.tables.items()
        }
    )


@pytest.mark.parametrize("address", VISITS)
def test_b2_a_visit_writes_no_row(world: OAuthWorld, address: str) -> None:
    before = count_rows(world)
    assert world.http().get(address).status_code < 500
    assert count_rows(world) == before


FORMS = (
    *("/oauth/token", "/oauth/par", "/oauth/revoke", "/oauth/introspect", "/oauth/device_authorization"),
    *("/oauth/register", "/oauth/authorize?client_id=x&request_uri=y", "/login", "/logout", "/device", "/invitation"),
)


@pytest.mark.parametrize("address", FORMS)
def test_b2_a_form_of_a_stranger_writes_no_row(world: OAuthWorld, address: str) -> None:
    before = count_rows(world)
    form = {"grant_type": "client_credentials", "client_id": world.cars.client_id, "username": "mei"}
    assert 300 <= world.http().post(address, data=form).status_code < 500
    assert count_rows(world) == before


@pytest.mark.parametrize("address", VISITS)
def test_b2_a_visit_waits_for_no_writer(world: OAuthWorld, sqlite_url: str, address: str) -> None:
    with locked(sqlite_url, "deployment"):
        assert world.http().get(address).status_code < 500


@pytest.mark.parametrize("address", FORMS)
def test_b2_a_form_of_a_stranger_waits_for_no_writer(world: OAuthWorld, sqlite_url: str, address: str) -> None:
    form = {"grant_type": "client_credentials", "client_id": world.cars.client_id, "username": "mei"}
    with locked(sqlite_url, "deployment"):
        assert 300 <= world.http().post(address, data=form, auth=(world.cars.client_id, "x")).status_code < 500


def test_b2_a_visitor_with_an_opened_request_waits_for_no_writer(world: OAuthWorld, sqlite_url: str) -> None:
    address = world.cars.address(world.cars.push().json()["request_uri"])
    first = world.http().get(address)
    with locked(sqlite_url, "deployment"):
        again = world.http().get(address)
    assert (first.status_code, again.status_code) == (303, 303)
    assert again.headers["location"] == first.headers["location"]


def test_b2_failed_logins_write_no_row(world: OAuthWorld) -> None:
    before = count_rows(world)
    assert world.browser().sign_in("mei", "wrong").status_code == 400
    assert count_rows(world) == before


def test_b2_a_login_in_a_browser_without_a_session_works(world: OAuthWorld) -> None:
    browser = world.browser()
    assert browser.sign_in("mei", PASSWORD).status_code == 303
    assert browser.get("/account").status_code == 200
    assert count_rows(world)["sessions"] == 1
