"""Every persona with every product over the API: the outcome is that of the table of personas."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.bootstrap import build
from gateway.cli.credentials import describe_credentials
from gateway.domain.decisions.check_in import CheckInTerms
from gateway.domain.decisions.credit_offer import CreditOfferTerms
from gateway.domain.decisions.outcome import Approval, Outcome
from gateway.domain.decisions.terms import DepositTerms, PayLaterTerms
from gateway.kit.clock import WallTime
from gateway.services.identity.persona_records import CATALOGUE
from gateway.services.sandbox.persona_outcomes import DescribedPersona
from gateway.settings import Settings
from merchants.adapter import SAMPLE_NOW
from merchants.asks.documents import ask_document
from tests.support.clock import MovableClock
from tests.support.passwords import FAST_HASH

PARTNER = "table"
GRANT = """mutation ($persona: String!) {
  sandboxConsentGrant(persona: $persona) { accessToken userErrors { code message } }
}"""
PREVIEW = """query ($input: DecisionPreviewInput!) {
  decisionPreview(input: $input) {
    blockers { code message }
    likelyOutcome {
      __typename
      ... on Decline { reasons { code } }
      ... on Approval {
        reasons { code }
        terms {
          ... on DepositTerms { granted: waivedAmount { amount } }
          ... on PayLaterTerms { granted: amount { amount } }
          ... on CheckInTerms { granted: incidentalsLimit { amount } skipFrontDesk payAtCheckOut }
          ... on CreditOfferTerms { granted: limit { amount } aprPercent }
        }
      }
    }
  }
}"""


class Api:
    """The API of a sandbox at the time of the ordinary asks, with a new partner."""

    def __init__(self, settings: Settings) -> None:
        self.container = build(settings, clock=MovableClock(WallTime(SAMPLE_NOW)), hasher=FAST_HASH)
        self._http = TestClient(create_app(self.container))
        seed = self.container.seeding.seed_new(PARTNER)
        credentials = describe_credentials(self.container, settings.issuer, PARTNER, seed)
        self.tokens = {each["name"]: each["merchant_token"] for each in credentials["merchants"]}

    def close(self) -> None:
        self.container.close()

    def personas(self) -> list[DescribedPersona]:
        def load(unit: Any) -> list[DescribedPersona]:
            partner = unit.partners.load_by_name(PARTNER)
            return self.container.persona_outcomes.list_personas(unit, partner.id)

        return self.container.database.read(load)

    def preview(self, merchant: str, handle: str, member: str, ask: Any) -> Any:
        """The likely outcome of an ask of the merchant about the persona."""
        granted = self._call(self.tokens[merchant], GRANT, persona=handle)["sandboxConsentGrant"]
        assert granted["userErrors"] == []
        preview = self._call(granted["accessToken"], PREVIEW, input={"ask": {member: ask_document(ask)}})
        assert preview["decisionPreview"]["blockers"] == []
        return preview["decisionPreview"]["likelyOutcome"]

    def _call(self, token: str, document: str, **variables: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        response = self._http.post("/graphql", json={"query": document, "variables": variables}, headers=headers)
        assert "errors" not in response.json(), response.text
        return response.json()["data"]


@pytest.fixture
def api(sqlite_url: str, settings: Settings) -> Iterator[Api]:
    with closing(Api(settings.model_copy(update={"database_url": sqlite_url}))) as opened:
        yield opened


def public_view(outcome: Outcome) -> dict[str, Any]:
    """The outcome as PREVIEW returns it."""
    view: dict[str, Any] = {
        "__typename": type(outcome).__name__,
        "reasons": [{"code": code} for code in outcome.reasons],
    }
    if not isinstance(outcome, Approval):
        return view
    more: dict[str, Any] = {}
    match outcome.terms:
        case DepositTerms() as terms:
            granted = terms.waived_amount
        case PayLaterTerms() as terms:
            granted = terms.amount
        case CheckInTerms() as terms:
            granted = terms.waived_amount
            more = {"skipFrontDesk": terms.skip_front_desk, "payAtCheckOut": terms.pay_at_check_out}
        case CreditOfferTerms() as terms:
            granted, more = terms.limit, {"aprPercent": str(terms.apr_percent)}
    return {**view, "terms": {"granted": {"amount": str(granted.amount)}, **more}}


def test_each_persona_gets_from_the_api_what_the_table_says(api: Api) -> None:
    registry = api.container.registry
    personas = api.personas()
    assert [each.handle for each in personas] == [each.handle for each in CATALOGUE]
    for persona in personas:
        assert {each.adapter for each in persona.outcomes} == set(registry)
        for ordinary in persona.outcomes:
            adapter = registry[ordinary.adapter]
            assert ordinary.merchant_name is not None
            answered = api.preview(ordinary.merchant_name, persona.handle, adapter.member, adapter.ordinary_case.ask)
            assert answered == public_view(ordinary.outcome), (persona.handle, adapter.key)
