"""The GraphQL mutations of a decision after its request, by short names, and their inputs."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

DECISION_FIELDS = """id status availableTransitions
  settlement { due { amount } settled { amount } outstanding { amount } dueAt overdue }"""
REQUEST = """mutation ($input: DecisionRequestInput!) { decisionRequest(input: $input) {
  decision { id status } userErrors { code } } }"""

RESPOND = """mutation ($input: DisputeRespondInput!) { disputeRespond(input: $input) {
  dispute { id status statement } userErrors { code field } } }"""
PREVIEW = """query ($input: DecisionPreviewInput!) { decisionPreview(input: $input) {
  eligible likelyOutcome { __typename } blockers { code field } } }"""


@dataclass(frozen=True)
class TransitionMutation:
    """A mutation, and the status of the decision after it."""

    document: str
    status: str


def _mutation(name: str, status: str) -> TransitionMutation:
    field = name[0].lower() + name[1:]
    document = f"""mutation ($input: {name}Input!) {{ {field}(input: $input) {{
      decision {{ {DECISION_FIELDS} }} userErrors {{ __typename code field message }} }} }}"""
    return TransitionMutation(document, status)


TRANSITIONS = {
    "activate": _mutation("DecisionActivate", "ACTIVE"),
    "extend": _mutation("DecisionExtend", "ACTIVE"),
    "reduce": _mutation("DecisionReduce", "ACTIVE"),
    "part": _mutation("DecisionFulfill", "ACTIVE"),
    "fulfill": _mutation("DecisionFulfill", "FULFILLED"),
    "breach": _mutation("DecisionReportBreach", "BREACHED"),
    "cancel": _mutation("DecisionCancel", "CANCELLED"),
}


def transition_input(
    name: str, decision_id: str, *, amount: dict[str, str] | None = None, **changed: Any
) -> dict[str, Any]:
    """The input of a transition, with a new idempotency key. `amount` is the settled amount of "part" and the new
    amount of "reduce"."""
    more: dict[str, dict[str, Any]] = {
        "extend": {"dueAt": (datetime.now(UTC) + timedelta(days=60)).isoformat(), "reason": "As agreed"},
        "reduce": {"newAmount": amount, "reason": "A discount"},
        "part": {"settledAmount": amount},
        "breach": {"kind": "DAMAGED"},
    }
    return {"decisionId": decision_id, "idempotencyKey": token_hex(8), **more.get(name, {}), **changed}
