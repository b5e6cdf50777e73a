"""Disputes about imported records over HTTP: the person contests one on its page, the merchant's next read of the score
is without it, the operator decides for its source. An upheld dispute restores score and tier for good."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.support.merchant_client import MerchantClient
from tests.support.operators import Gateway
from tests.support.partner_time import PartnerTime
from tests.support.server import Sandbox

STATEMENT = "I paid in time.\nAsk your colleague at the <desk>."


@pytest.fixture
def merchant(moving_sandbox: Sandbox) -> Iterator[MerchantClient]:
    """The demo car rental at a sandbox of this file, because the score of a persona changes."""
    client = MerchantClient(moving_sandbox)
    yield client
    client.close()


def read_score(merchant: MerchantClient, token: str) -> int:
    return int(merchant.graphql(token, "{ consentedUser { score } }").data["consentedUser"]["score"])


def test_dispute_goes_from_the_record_to_the_operator(moving_sandbox: Sandbox, merchant: MerchantClient) -> None:
    operator = Gateway(moving_sandbox.database_url, moving_sandbox.folder, **moving_sandbox.packages)
    browser = merchant.browser()
    token = str(merchant.tokens("building", browser, scope="score:exact")["access_token"])
    before = read_score(merchant, token)
    (address,) = {
        part for part in browser.get("/account/records").text.split('"') if part.startswith("/account/records/")
    }
    page = browser.get(address)
    assert browser.submit(page, f"{address}/contest", statement=STATEMENT).status_code == 303
    assert "You disputed this." in browser.get(address).text
    assert read_score(merchant, token) > before

    (listed,) = json.loads(operator.output("scores", "disputes", "--open", "--json"))
    assert "Ask your colleague at the <desk>." in operator.output("scores", "disputes", "--statement")
    reason = ("--note", "The source has a receipt.")
    assert operator.output("scores", "resolve", listed["id"], "--reject", *reason) == f"{listed['id']} is REJECTED."
    assert read_score(merchant, token) == before
    text = browser.get(address).text
    assert "Your statement is kept with it." in text
    assert "The source has a receipt." in text

    PartnerTime(moving_sandbox.database_url).forward(timedelta(days=31))
    page = browser.get(address)
    assert browser.submit(page, f"{address}/contest", statement="The receipt is of another person.").status_code == 303
    (listed,) = json.loads(operator.output("scores", "disputes", "--open", "--json"))
    operator.output("scores", "resolve", listed["id"], "--uphold", "--note", "The receipt is of another person.")
    assert read_score(merchant, token) == before + 18
    assert "Your dispute was upheld. It does not count any more." in browser.get(address).text
    browser.http.close()
