"""docs/examples/shop.py in a real browser: a person buys, allows, pays later and sends goods back, without
JavaScript."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.browsing import Watch
from tests.support.demo_shop import running_shop
from tests.support.http_server import wait_until
from tests.support.sandbox_partner import SandboxPartner
from tests.support.server import Sandbox

pytestmark = pytest.mark.browser
SIZES = [pytest.param(1280, 900, id="1280"), pytest.param(390, 844, id="390")]
AtShop = tuple[str, SandboxPartner]


class Buyer:
    """A persona in a browser at the shop."""

    def __init__(self, chromium: Any, at_shop: AtShop, pictures: Path, width: int = 1280, height: int = 900) -> None:
        self.shop, self.partner = at_shop
        self.watch, self.pictures = Watch(chromium, self.shop, width, height), pictures
        self.page = self.watch.page

    def buy(self, item: str, quantity: str = "1") -> None:
        """Puts an item into a new order, whose page is then open."""
        self.page.goto(self.shop)
        goods = self.page.locator("section", has_text=item)
        goods.locator("select").select_option(quantity)
        goods.locator("button").click()

    def pay_later(self, days: str = "30") -> None:
        self.page.select_option("select[name=days]", days)
        self.press("Buy now, pay later")

    def decide(self, handle: str, button: str = "Allow") -> None:
        """Signs in at the gateway as a persona, and presses a button of the consent page."""
        self.watch.sign_in(next(each for each in self.partner.credentials["personas"] if each["handle"] == handle))
        self.press(button)

    def press(self, button: str) -> None:
        self.page.get_by_role("button", name=button, exact=True).click()

    def shows(self, text: str, picture: str) -> bool:
        """Takes a picture of the page. Returns whether its content has this text and fits into the window."""
        self.page.screenshot(path=self.pictures / f"{picture}.png", full_page=True)
        return text in self.page.inner_text("main") and self.watch.fits()


@pytest.fixture(scope="module")
def at_shop(sqlite_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AtShop]:
    partner = SandboxPartner(sqlite_sandbox)
    with running_shop(partner, tmp_path_factory.mktemp("shop")) as address:
        yield address, partner
    partner.close()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_person_buys_pays_later_and_sends_one_back(
    chromium: Any, at_shop: AtShop, tmp_path: Path, width: int, height: int
) -> None:
    buyer = Buyer(chromium, at_shop, tmp_path, width, height)
    buyer.buy("Teapot", "2")
    assert buyer.shows("Not ordered yet.", "new")
    buyer.pay_later()
    buyer.decide("excellent")
    assert buyer.shows("You can pay later. We are packing your order.", "approved")
    buyer.press("The goods are delivered")
    assert buyer.shows("still to pay CN¥360.00", "delivered")
    buyer.press("One item came back")
    assert buyer.shows("still to pay CN¥180.00", "returned")
    buyer.press("The person has paid")
    assert buyer.shows("Everything is settled. Thank you.", "paid")
    buyer.page.goto(f"{buyer.shop}/events")
    wait_until(lambda: buyer.page.reload() and "decision.fulfilled" in buyer.page.inner_text("main"))
    assert buyer.shows("decision.reduced", "events")
    buyer.page.goto(buyer.shop)
    assert buyer.shows("2 × Teapot", "goods")
    assert buyer.watch.console_messages == []


def test_second_order_needs_no_new_consent(chromium: Any, at_shop: AtShop, tmp_path: Path) -> None:
    buyer = Buyer(chromium, at_shop, tmp_path)
    buyer.buy("Teapot")
    buyer.pay_later()
    buyer.decide("threshold")
    buyer.press("The order is called off")
    assert buyer.shows("The order is called off. You owe nothing.", "cancelled")
    buyer.buy("Bicycle")
    buyer.pay_later()
    assert buyer.shows("You can pay later.", "approved")


def test_declined_order_is_granted_for_a_shorter_time(chromium: Any, at_shop: AtShop, tmp_path: Path) -> None:
    buyer = Buyer(chromium, at_shop, tmp_path)
    buyer.buy("Bicycle")
    buyer.pay_later("30")
    buyer.decide("good")
    assert buyer.shows("a shorter one may be granted at once", "declined")
    buyer.pay_later("14")
    assert buyer.shows("You can pay later.", "approved")


def test_person_does_not_allow_it(chromium: Any, at_shop: AtShop, tmp_path: Path) -> None:
    buyer = Buyer(chromium, at_shop, tmp_path)
    buyer.buy("Teapot")
    buyer.pay_later()
    buyer.decide("fair", "Do not allow")
    assert buyer.shows("You did not allow it. Nothing is ordered.", "denied")
