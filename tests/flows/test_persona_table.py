"""Every persona with every product over the API: previews and decisions have the outcomes of the table of personas."""

import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from gateway.domain.decisions.check_in import CheckInTerms
from gateway.domain.decisions.credit_offer import CreditOfferTerms
from gateway.domain.decisions.outcome import Approval, Outcome
from gateway.domain.decisions.terms import DepositTerms, PayLaterTerms
from gateway.domain.decisions.transitions import first_status
from gateway.domain.duration import format_duration
from gateway.domain.period import format_moment
from gateway.kit.clock import WallTime
from gateway.services.identity.persona_records import CATALOGUE
from gateway.services.sandbox.persona_outcomes import DescribedPersona
from gateway.settings import Settings
from gateway.store.unit import UnitOfWork
from merchants.adapter import SAMPLE_NOW, MerchantAdapter
from merchants.asks.documents import ask_document
from tests.support.checkout import ROOT
from tests.support.clock import MovableClock
from tests.support.merchant_client import CANCEL, request_input
from tests.support.sandbox_api import PARTNER, SandboxApi
from tools.persona_page import outcome_cell

PAGE = ROOT / "docs" / "reference" / "personas.md"
OUTCOME = """
  __typename
  ... on Decline { reasons { code } }
  ... on Approval {
    reasons { code }
    terms {
      ... on DepositTerms { granted: waivedAmount { amount } depositDue { amount } returnBy }
      ... on PayLaterTerms { granted: amount { amount } dueAt }
      ... on CheckInTerms { granted: incidentalsLimit { amount } depositDue { amount } skipFrontDesk payAtCheckOut }
      ... on CreditOfferTerms { granted: limit { amount } aprPercent term }
    }
  }"""
PREVIEW = f"""query ($input: DecisionPreviewInput!) {{
  decisionPreview(input: $input) {{ blockers {{ code message }} likelyOutcome {{ {OUTCOME} }} }}
}}"""
REQUEST = f"""mutation ($input: DecisionRequestInput!) {{
  decisionRequest(input: $input) {{ decision {{ id status outcome {{ {OUTCOME} }} }} userErrors {{ code message }} }}
}}"""
EXPECTED = "{ sandboxPersonas { handle expectedOutcomes { product status reasonCodes } } }"


@pytest.fixture
def api(sqlite_url: str, settings: Settings) -> Iterator[SandboxApi]:
    """The API at the time of the ordinary asks."""
    clock = MovableClock(WallTime(SAMPLE_NOW))
    with closing(SandboxApi(settings.model_copy(update={"database_url": sqlite_url}), clock)) as opened:
        yield opened


def personas_of_desk(api: SandboxApi) -> list[DescribedPersona]:
    """The personas as the desk shows them."""

    def load(unit: UnitOfWork) -> list[DescribedPersona]:
        partner = unit.partners.load_by_name(PARTNER)
        assert partner is not None
        return api.container.persona_outcomes.list_at_merchants(unit, partner.id)

    return api.container.database.read(load)


def expected_outcomes(api: SandboxApi, adapter: str) -> dict[tuple[str, str], tuple[str, list[str]]]:
    """The status and the reasons by persona and product, as the API lists them for the merchant with this adapter."""
    return {
        (persona["handle"], each["product"]): (each["status"], each["reasonCodes"])
        for persona in api.data(api.merchant_token(adapter), EXPECTED)
        for each in persona["expectedOutcomes"]
    }


def decide(api: SandboxApi, adapter: MerchantAdapter[Any], handle: str) -> tuple[Any, Any]:
    """The likely outcome of the ordinary ask about the persona, and the decision about it. The decision is cancelled,
    so that it does not use the credit limit."""
    token, ask = api.user_token(adapter.key, handle), {adapter.member: ask_document(adapter.ordinary_case.ask)}
    preview = api.data(token, PREVIEW, input={"ask": ask})
    assert preview["blockers"] == []
    payload = api.data(token, REQUEST, input=request_input(ask))
    assert payload["userErrors"] == []
    decision = payload["decision"]
    if decision["status"] != "DECLINED":
        command = {"decisionId": decision["id"], "idempotencyKey": decision["id"], "reason": None}
        assert api.data(api.merchant_token(adapter.key), CANCEL, input=command)["userErrors"] == []
    return preview["likelyOutcome"], decision


def public_view(outcome: Outcome) -> dict[str, Any]:
    """The outcome as OUTCOME selects it."""
    view: dict[str, Any] = {
        "__typename": type(outcome).__name__,
        "reasons": [{"code": code} for code in outcome.reasons],
    }
    if not isinstance(outcome, Approval):
        return view
    more: dict[str, Any]
    match outcome.terms:
        case DepositTerms() as terms:
            assert terms.return_by is not None
            granted, more = terms.waived_amount, {"returnBy": format_moment(terms.return_by)}
            more["depositDue"] = {"amount": terms.deposit_due.amount}
        case PayLaterTerms() as terms:
            granted, more = terms.amount, {"dueAt": format_moment(terms.due_at)}
        case CheckInTerms() as terms:
            granted, more = terms.incidentals_limit, {"depositDue": {"amount": terms.deposit_due.amount}}
            more |= {"skipFrontDesk": terms.skip_front_desk, "payAtCheckOut": terms.pay_at_check_out}
        case CreditOfferTerms() as terms:
            granted, more = terms.limit, {"aprPercent": str(terms.apr_percent), "term": format_duration(terms.term)}
    return {**view, "terms": {"granted": {"amount": granted.amount}, **more}}


def documented_cells() -> dict[tuple[str, str], str]:
    """The cells of the page's table of outcomes, by persona and adapter."""
    table = PAGE.read_text(encoding="utf-8").partition("## What each one gets")[2]
    head, _, *rows = ([cell.strip() for cell in row.split("|")[1:-1]] for row in re.findall(r"^\|.*\|$", table, re.M))
    keys = [re.match(r"\[(\w+)\]", row[0]) for row in rows]
    return {
        (handle, key[1]): cell
        for key, row in zip(keys, rows, strict=True)
        if key is not None
        for handle, cell in zip(head[1:], row[1:], strict=True)
    }


def test_each_persona_gets_from_the_api_what_the_table_says(api: SandboxApi) -> None:
    registry, cells = api.container.registry, documented_cells()
    expected = {key: expected_outcomes(api, key) for key in registry}
    assert set(cells) == {(persona.handle, key) for persona in CATALOGUE for key in registry}
    for persona in personas_of_desk(api):
        for ordinary in (each.ordinary for each in persona.outcomes):
            outcome, case = ordinary.outcome, (persona.handle, ordinary.adapter)
            previewed, decision = decide(api, registry[ordinary.adapter], persona.handle)
            status = first_status(outcome)
            assert cells.pop(case) == outcome_cell(outcome)
            assert previewed == decision["outcome"] == public_view(outcome), case
            assert decision["status"] == status, case
            assert expected[ordinary.adapter][persona.handle, ordinary.product] == (status, list(outcome.reasons)), case
    assert cells == {}, "cases of the table that no merchant decided"
