"""docs/examples/shop.py over HTTP: what it does when a call fails, a token ends, or somebody sends what it did not ask
for. tests/browser/test_shop.py clicks through its pages."""

from collections.abc import Iterator
from contextlib import closing
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from tests.support.demo_shop import ENDPOINTS, running_shop
from tests.support.oauth import Browser
from tests.support.plain_http import plain_client
from tests.support.sandbox_partner import SandboxPartner
from tests.support.server import Sandbox

EXPIRE = "mutation ($consent: ID!) { sandboxTokenExpire(consentId: $consent) { expiredCount userErrors { code } } }"
END = "mutation ($consent: ID!) { sandboxConsentEnd(consentId: $consent, as: REVOKED) { userErrors { code } } }"
CONSENTS = "{ merchant { consents(first: 100) { nodes { id } } } }"
DECISIONS = "{ merchant { decisions(first: 100) { nodes { merchantReference status } } } }"
ALLOW, DENY = "allow", "deny"


class Buyer:
    """A persona at the shop."""

    def __init__(self, shop: str, partner: SandboxPartner, handle: str = "excellent") -> None:
        self.partner = partner
        self.person = next(each for each in partner.credentials["personas"] if each["handle"] == handle)
        self.http = plain_client(shop)
        self.http.get("/")
        self.order = ""

    def buy(self, item: str = "Teapot") -> None:
        """Puts an item into a new order."""
        response = self.http.post("/orders", data={"item": item, "quantity": "1"})
        self.order = response.headers["location"]

    def pay_later(self, days: str = "7") -> httpx2.Response:
        return self.http.post(f"{self.order}/request", data={"quantity": "1", "days": days})

    def decide(self, address: str, decision: str = ALLOW, **answers: str) -> str:
        """Decides at the gateway. Returns the address to which the gateway sends the browser."""
        with closing(plain_client(self.partner.credentials["issuer"])) as http:
            browser = Browser(http)
            page = browser.open(address, self.person["username"], self.person["password"])
            back = browser.submit(page, "/oauth/authorize", decision=decision, **answers)
            return str(back.headers["location"])

    def ask_and_allow(self, **answers: str) -> None:
        """Asks to pay the order later, and allows that at the gateway."""
        self.http.get(self.decide(self.pay_later().headers["location"], **answers))

    def reads(self) -> str:
        """The page of the order."""
        return self.http.get(self.order).text

    def consent(self) -> str:
        """The id of the newest consent."""
        return str(self.partner.data(CONSENTS)["consents"]["nodes"][0]["id"])

    def statuses(self) -> list[str]:
        """The statuses of all decisions about this order."""
        number = self.order.removeprefix("/orders/")
        nodes = self.partner.data(DECISIONS)["decisions"]["nodes"]
        return [each["status"] for each in nodes if each["merchantReference"].startswith(number)]


@pytest.fixture(scope="module")
def partner(sqlite_sandbox: Sandbox) -> Iterator[SandboxPartner]:
    partner = SandboxPartner(sqlite_sandbox)
    yield partner
    partner.close()


@pytest.fixture(scope="module")
def shop(partner: SandboxPartner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the shop. When it has ended, its endpoint is deleted."""
    with running_shop(partner, tmp_path_factory.mktemp("shop")) as address:
        yield address
    assert partner.data(ENDPOINTS)["webhookEndpoints"]["nodes"] == []


@pytest.fixture
def buyer(shop: str, partner: SandboxPartner) -> Iterator[Buyer]:
    buyer = Buyer(shop, partner)
    buyer.buy()
    yield buyer
    buyer.http.close()


def test_lost_response_is_requested_again_with_the_same_key(buyer: Buyer) -> None:
    address = buyer.decide(buyer.pay_later().headers["location"])
    buyer.partner.inject(dropResponse=True)
    buyer.http.get(address)
    assert "You can pay later." in buyer.reads()
    assert buyer.statuses() == ["APPROVED"]


def test_request_without_an_answer_is_repeated_as_it_was(buyer: Buyer) -> None:
    address = buyer.decide(buyer.pay_later(days="7").headers["location"])
    buyer.partner.inject(3, dropResponse=True)
    buyer.http.get(address)
    assert "does not answer. Try again" in buyer.reads()
    buyer.pay_later(days="30")
    assert "You can pay later." in buyer.reads()
    assert buyer.statuses() == ["APPROVED"]


def test_ended_token_is_refreshed(buyer: Buyer) -> None:
    buyer.ask_and_allow()
    assert buyer.partner.data(EXPIRE, consent=buyer.consent())["expiredCount"] == 1
    buyer.buy()
    assert buyer.pay_later().headers["location"] == buyer.order
    assert buyer.statuses() == ["APPROVED"]


def test_person_who_ended_the_consent_is_asked_again(buyer: Buyer, shop: str) -> None:
    buyer.ask_and_allow()
    buyer.partner.data(END, consent=buyer.consent())
    buyer.buy()
    if buyer.pay_later().headers["location"] == buyer.order:  # the webhook has not come yet
        assert "Your permission has ended." in buyer.reads()
    buyer.ask_and_allow()
    assert "You can pay later." in buyer.reads()


def test_decline_is_explained(shop: str, partner: SandboxPartner) -> None:
    overdue = Buyer(shop, partner, "overdue")
    overdue.buy()
    overdue.ask_and_allow()
    assert "You cannot pay this order later." in overdue.reads()
    assert "The person has an overdue agreement." in overdue.reads()
    assert "Buy now, pay later</button>" not in overdue.reads()
    overdue.http.close()


def test_callback_with_another_state_is_refused(buyer: Buyer) -> None:
    address = urlsplit(buyer.decide(buyer.pay_later().headers["location"]))
    response = buyer.http.get("/callback", params={**parse_qs(address.query), "state": "of-somebody-else"})
    assert response.status_code == 409
    assert "does not belong to an order of yours" in response.text
    assert buyer.statuses() == []


def test_callback_in_another_browser_is_refused(buyer: Buyer, shop: str) -> None:
    address = buyer.decide(buyer.pay_later().headers["location"])
    with closing(plain_client(shop)) as other:
        assert other.get(address).status_code == 409
    assert buyer.statuses() == []


def test_callback_may_come_twice(buyer: Buyer) -> None:
    address = buyer.decide(buyer.pay_later().headers["location"])
    assert [buyer.http.get(address).headers["location"] for _ in range(2)] == [buyer.order] * 2
    assert buyer.statuses() == ["APPROVED"]


def test_order_of_another_browser_is_not_shown(buyer: Buyer, shop: str) -> None:
    with closing(plain_client(shop)) as other:
        assert other.get(buyer.order).status_code == 404


def test_event_without_a_valid_signature_is_refused(shop: str) -> None:
    headers = {"webhook-id": "evt_1", "webhook-timestamp": "1", "webhook-signature": "v1,x"}
    assert httpx2.post(f"{shop}/webhooks", content=b"{}", headers=headers).status_code == 400
    assert httpx2.post(f"{shop}/webhooks", content=b"x" * 65_537).status_code == 413


def test_return_and_payment_settle_the_order(buyer: Buyer) -> None:
    buyer.ask_and_allow()
    for step in ("deliver", "return"):
        assert buyer.http.post(f"{buyer.order}/{step}").headers["location"] == buyer.order
    assert "Everything is settled." in buyer.reads()
    assert buyer.http.post(f"{buyer.order}/cancel").status_code == 409
