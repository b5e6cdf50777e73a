"""The score page over HTTP: what a person reads there comes true, and merchants see the result. What is no longer
shared does not count at a merchant's next read."""

import re
from collections.abc import Iterator

import pytest

from gateway.kit.clock import wall_clock
from tests.support.merchant_client import MerchantClient, car
from tests.support.merchant_decision import MerchantDecision
from tests.support.oauth import Browser
from tests.support.score_pages import shown_score
from tests.support.server import Sandbox

SCOPE = "score:exact decisions:request"
SHARING = "/account/score/sharing"


@pytest.fixture
def merchant(moving_sandbox: Sandbox) -> Iterator[MerchantClient]:
    """The demo car rental at a sandbox of this file, because the score of a persona changes."""
    client = MerchantClient(moving_sandbox)
    yield client
    client.close()


def projected_score(browser: Browser, steps: str) -> int:
    result = re.search(r"On [A-Z]\w+ \d+, \d+: (\d+), “", browser.get(f"/account/score?lang=en&{steps}").text)
    assert result is not None
    return int(result[1])


def read_score(merchant: MerchantClient, token: str) -> int:
    return int(merchant.graphql(token, "{ consentedUser { score } }").data["consentedUser"]["score"])


def test_what_if_comes_true_when_the_merchant_reports_it(merchant: MerchantClient) -> None:
    browser = merchant.browser()
    token = str(merchant.tokens("fair", browser, scope=SCOPE)["access_token"])
    before = shown_score(browser)
    assert read_score(merchant, token) == before
    began = wall_clock()
    decision = MerchantDecision(merchant, merchant.request(token, car("300.00"))["decision"]["id"], began)
    decision.transition("activate")
    assert projected_score(browser, "finish=yes") > before
    assert shown_score(browser) == before
    decision.transition("fulfill")
    after = shown_score(browser)
    assert after > before
    assert read_score(merchant, token) == after
    browser.http.close()


def test_what_is_no_longer_shared_does_not_count_at_the_next_read(merchant: MerchantClient) -> None:
    browser = merchant.browser()
    token = str(merchant.tokens("good", browser, scope=SCOPE)["access_token"])
    before = shown_score(browser)
    assert browser.submit(browser.get("/account/score"), SHARING).status_code == 303
    assert read_score(merchant, token) == shown_score(browser) < before
    assert projected_score(browser, "share=yes") == before
    browser.submit(browser.get("/account/score"), SHARING)
    assert read_score(merchant, token) == before
    browser.http.close()
