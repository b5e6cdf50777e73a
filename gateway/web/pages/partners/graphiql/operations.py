"""The operations that the GraphiQL page has ready in tabs. Tests run the same ones over HTTP."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from gateway.domain.period import Period
from gateway.kit import json
from gateway.services.sandbox.request_log import is_cut
from gateway.store.sandbox.request_log import RequestLogRow
from merchants.adapter import MerchantAdapter


class Token(StrEnum):
    """The token that an operation needs."""

    CONSENT = "consent"
    MERCHANT = "merchant"


@dataclass(frozen=True, slots=True)
class Operation:
    """One tab: the name of its operation, the token it needs, its document and its variables."""

    name: str
    token: Token
    document: str
    variables: dict[str, Any]


_FIELDS_OF_PERSONS = ("consentedUser", "decisionPreview", "decisionRequest")
"""Fields that only a token of a consent may have."""

TIER = """# Read the tier of the person who consented.
query Tier {
  consentedUser {
    consent { id status expiresAt }
    scoreTier { tier rank }
    meetsTier(minimum: GOOD)
  }
}"""
PREVIEW = """# Try a request. It creates and reserves nothing.
query Preview($input: DecisionPreviewInput!) {
  decisionPreview(input: $input) {
    eligible
    likelyOutcome { __typename }
    blockers { code message }
  }
}"""
REQUEST = """# Request a decision. The same idempotency key
# returns the same decision again.
mutation Request($input: DecisionRequestInput!) {
  decisionRequest(input: $input) {
    replayed
    decision {
      id
      status
      availableTransitions
      outcome {
        __typename
        ... on Approval {
          validUntil
          reasons { code message }
          terms {
            __typename
            ... on DepositTerms { waivedAmount { amount currency } depositDue { amount currency } returnBy }
            ... on PayLaterTerms { amount { amount currency } dueAt }
            ... on CheckInTerms { incidentalsLimit { amount currency } depositDue { amount currency } }
            ... on CreditOfferTerms { limit { amount currency } aprPercent }
          }
        }
        ... on Decline { reasons { code message } }
      }
    }
    userErrors { code message field }
  }
}"""
LIFECYCLE = """# Hand the goods over, then report that the person
# has paid or returned them. The decision is that of
# the tab Request. Without an id, this page requests
# a decision first.
mutation Lifecycle($activate: DecisionActivateInput!, $fulfill: DecisionFulfillInput!) {
  decisionActivate(input: $activate) {
    decision { id status availableTransitions }
    userErrors { code message field }
  }
  decisionFulfill(input: $fulfill) {
    decision { id status timeline { nodes { topic occurredAt ... on DecisionEvent { from to actor } } } }
    userErrors { code message field }
  }
}"""
LOG = """# Read your newest decisions and events.
# Your webhooks get the same events.
query Log {
  merchant {
    name
    decisions(first: 5) {
      totalCount
      nodes { id merchantReference status provenance { policyVersion ruleId } }
    }
    events(last: 5) {
      nodes { topic sequence occurredAt ... on DecisionEvent { from to actor decision { id } } }
    }
  }
}"""


def prepare_operations(
    adapters: Iterable[MerchantAdapter[Any]], now: datetime, make_key: Callable[[], str]
) -> tuple[Operation, ...]:
    """The operations for a merchant with these adapters, in the order of the tabs. The ask is the ordinary one of the
    first adapter, as if made at `now`. Without an adapter no decision can be requested. `make_key` returns a unique
    string for each idempotency key and reference."""
    tier, log = Operation("Tier", Token.CONSENT, TIER, {}), Operation("Log", Token.MERCHANT, LOG, {})
    adapter = next(iter(adapters), None)
    if adapter is None:
        return tier, log
    ask = ordinary_ask(adapter, now)
    request = {"idempotencyKey": make_key(), "merchantReference": f"graphiql-{make_key()}", "ask": ask}
    steps = {step: {"decisionId": "", "idempotencyKey": make_key()} for step in ("activate", "fulfill")}
    return (
        tier,
        Operation("Preview", Token.CONSENT, PREVIEW, {"input": {"ask": ask}}),
        Operation("Request", Token.CONSENT, REQUEST, {"input": request}),
        Operation("Lifecycle", Token.MERCHANT, LIFECYCLE, steps),
        log,
    )


def logged_operation(entry: RequestLogRow) -> Operation:
    """The operation of an entry of the request log, as it was kept there: secrets are redacted, and long texts are cut.
    Variables that were cut are left out. The log does not say which token it had, so this is one that its fields
    need."""
    needs_person = any(field in entry.document for field in _FIELDS_OF_PERSONS)
    variables: dict[str, Any] = {} if is_cut(entry.variables) else json.decode(entry.variables) or {}
    token = Token.CONSENT if needs_person else Token.MERCHANT
    return Operation(entry.operation_name or "", token, entry.document, variables)


def ordinary_ask(adapter: MerchantAdapter[Any], now: datetime) -> dict[str, Any]:
    """The everyday ask of an adapter as a DecisionAsk, as if it was made at `now`."""
    case = adapter.ordinary_case
    later = now.replace(microsecond=0) - case.now
    values = {field.name: getattr(case.ask, field.name) for field in fields(case.ask)}
    periods = {name: each for name, each in values.items() if isinstance(each, Period)}
    moved = {name: Period(each.start + later, each.end + later) for name, each in periods.items()}
    return {adapter.member: adapter.ask_document(replace(case.ask, **moved))}
