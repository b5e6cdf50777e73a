"""The life of a decision over GraphQL: the mutations after a request, by short names, and their inputs."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

SHOWN = """id status availableTransitions
  settlement { due { amount } settled { amount } outstanding { amount } dueAt overdue }"""
REQUEST = """mutation ($input: DecisionRequestInput!) { decisionRequest(input: $input) {
  decision { id status } userErrors { code } } }"""

RESPOND = """mutation ($input: DisputeRespondInput!) { disputeRespond(input: $input) {
  dispute { id } userErrors { code field } } }"""
PREVIEW = """query ($input: DecisionPreviewInput!) { decisionPreview(input: $input) {
  eligible likelyOutcome { __typename } blockers { code field } } }"""


@dataclass(frozen=True)
class Move:
    """One mutation, and the status to which it leads."""

    document: str
    leads_to: str


def _move(name: str, leads_to: str) -> Move:
    field = name[0].lower() + name[1:]
    document = f"""mutation ($input: {name}Input!) {{ {field}(input: $input) {{
      decision {{ {SHOWN} }} userErrors {{ __typename code field message }} }} }}"""
    return Move(document, leads_to)


MOVES = {
    "activate": _move("DecisionActivate", "ACTIVE"),
    "extend": _move("DecisionExtend", "ACTIVE"),
    "part": _move("DecisionFulfill", "ACTIVE"),
    "fulfill": _move("DecisionFulfill", "FULFILLED"),
    "breach": _move("DecisionReportBreach", "BREACHED"),
    "cancel": _move("DecisionCancel", "CANCELLED"),
}


def moving(move: str, decision_id: str, *, amount: dict[str, str] | None = None, **changed: Any) -> dict[str, Any]:
    """A plain input of a move, with a key of its own; `amount` is the part that is settled."""
    more: dict[str, dict[str, Any]] = {
        "extend": {"dueAt": (datetime.now(UTC) + timedelta(days=60)).isoformat(), "reason": "As agreed"},
        "part": {"settledAmount": amount},
        "breach": {"kind": "NOT_PAID"},
    }
    return {"decisionId": decision_id, "idempotencyKey": token_hex(8), **more.get(move, {}), **changed}
