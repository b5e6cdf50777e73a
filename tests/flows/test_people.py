"""A person in a live deployment: invited by the operator, sets a password, signs in, and opens the account page."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.kit.clock import wall_clock
from tests.support.clock import MovableClock
from tests.support.live_settings import LIVE
from tests.support.live_world import LiveWorld
from tests.support.oauth import Browser
from tests.support.operators import Gateway

FIRST, SECOND = "open sesame, please", "another long password"


@pytest.fixture
def live(sqlite_url: str) -> Iterator[LiveWorld]:
    """A live deployment with the time of the commands, which are other processes."""
    with closing(LiveWorld(sqlite_url, MovableClock(wall_clock()))) as opened:
        yield opened


@pytest.fixture
def operator(live: LiveWorld, sqlite_url: str, tmp_path: Path) -> Gateway:
    settings = live.container.settings
    assert settings.secret_key is not None
    key = settings.secret_key.get_secret_value()
    return Gateway(sqlite_url, tmp_path, **{**LIVE, "GATEWAY_DATABASE_URL": sqlite_url, "GATEWAY_SECRET_KEY": key})


def test_invited_person_sets_a_password_and_signs_in(live: LiveWorld, operator: Gateway) -> None:
    app, issuer = create_app(live.container), live.container.settings.issuer

    def browser() -> Browser:
        return Browser(TestClient(app, base_url=issuer, follow_redirects=False))

    imported = '{"external_id": "c-1", "email": "Mei@shop.example", "language": "zh", "name": "梅"}\n'
    operator.output("users", "import", "-", stdin=imported)
    assert browser().sign_in("mei@shop.example", FIRST).status_code == 400
    link = operator.output("users", "invite", "Mei@shop.example")
    assert link.startswith(f"{issuer}/invitation?token=")

    phone = browser()
    accepted = phone.submit(phone.get(link), "/invitation", password=FIRST)
    assert (accepted.status_code, accepted.headers["location"]) == (303, "/account")
    account = phone.get("/account")
    assert account.status_code == 200
    assert "梅" in account.text
    assert '<html lang="zh-Hans">' in account.text
    assert browser().get(link).status_code == 410

    laptop = browser()
    assert laptop.sign_in("Mei@Shop.example", FIRST).status_code == 303
    assert laptop.get("/account").status_code == 200

    reset = operator.output("users", "invite", "mei@shop.example")
    assert laptop.submit(laptop.get(reset), "/invitation", password=SECOND).status_code == 303
    assert (laptop.get("/account").status_code, phone.get("/account").status_code) == (200, 303)
    assert browser().sign_in("mei@shop.example", FIRST).status_code == 400

    operator.output("users", "disable", "c-1")
    assert laptop.get("/account").status_code == 303
    assert browser().sign_in("mei@shop.example", SECOND).status_code == 400
    operator.output("database", "check", "--deep")
