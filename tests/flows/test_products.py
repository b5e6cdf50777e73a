"""Both products, for every persona, from consent to the decision log."""

import pytest

from gateway.demo.narrator import Narrator
from gateway.demo.website import WebsiteDemo
from tests.support.merchant_client import TIER, MerchantClient, car, order
from tests.support.server import Sandbox

PERSONAS = ["excellent", "threshold", "just-below", "good", "fair", "building", "unscored", "overdue"]
EXPECTED = "{ sandboxPersonas { handle tier score expectedOutcomes { product status reasonCodes } } }"
LOG = """query ($reference: String!) {
  decision(by: {merchantReference: $reference}) {
    id status timeline { nodes { topic ... on DecisionEvent { actor } } }
  }
  merchant { decisions(first: 100) { totalCount nodes { id } } }
}"""


def test_website_demo_runs_all_steps(sandbox: Sandbox) -> None:
    narrator = Narrator(None)

    WebsiteDemo(sandbox.credentials, narrator).run()

    assert narrator.steps == 14


@pytest.mark.parametrize("handle", PERSONAS)
def test_deposit_decision_is_the_expected_one_of_the_persona(cars: MerchantClient, handle: str) -> None:
    expected = _expected(cars, handle, "DEPOSIT_WAIVER")
    token = cars.token(handle)

    decision = cars.request(token, car())["decision"]

    assert (decision["status"], _reasons(decision)) == expected
    assert cars.graphql(token, TIER).data["consentedUser"]["scoreTier"]["tier"] == cars.persona(handle)["tier"]
    terms = decision["outcome"].get("terms")
    if terms:
        parts = [float(terms[name]["amount"]) for name in ("waivedAmount", "depositDue", "originalDeposit")]
        assert parts[0] + parts[1] == parts[2] == 3000


@pytest.mark.parametrize("handle", PERSONAS)
def test_order_decision_is_the_expected_one_of_the_persona(shop: MerchantClient, handle: str) -> None:
    expected = _expected(shop, handle, "PAY_LATER")

    decision = shop.request(shop.token(handle), order())["decision"]

    assert (decision["status"], _reasons(decision)) == expected


def test_decision_is_only_in_the_log_of_its_merchant(cars: MerchantClient, shop: MerchantClient) -> None:
    decision = cars.request(cars.token(), car())["decision"]

    own = cars.graphql(cars.merchant_token, LOG, reference=decision["merchantReference"]).data
    foreign = shop.graphql(shop.merchant_token, LOG, reference=decision["merchantReference"]).data

    assert own["decision"]["id"] == decision["id"]
    assert own["decision"]["timeline"]["nodes"] == [{"topic": "DECISION_APPROVED", "actor": "GATEWAY"}]
    assert decision["id"] in [node["id"] for node in own["merchant"]["decisions"]["nodes"]]
    assert foreign["decision"] is None
    assert decision["id"] not in [node["id"] for node in foreign["merchant"]["decisions"]["nodes"]]


def test_user_id_differs_per_merchant(cars: MerchantClient, shop: MerchantClient) -> None:
    query = "{ consentedUser { id } }"

    ids = {p.graphql(p.token("good"), query).data["consentedUser"]["id"] for p in (cars, shop)}

    assert len(ids) == 2


def _expected(partner: MerchantClient, handle: str, product: str) -> tuple[str, list[str]]:
    personas = partner.graphql(partner.merchant_token, EXPECTED).data["sandboxPersonas"]
    persona = next(p for p in personas if p["handle"] == handle)
    outcome = next(o for o in persona["expectedOutcomes"] if o["product"] == product)
    return outcome["status"], outcome["reasonCodes"]


def _reasons(decision: dict[str, dict[str, list[dict[str, str]]]]) -> list[str]:
    return [reason["code"] for reason in decision["outcome"]["reasons"]]
