"""A decision as a merchant's system reads and changes it. Each transition is read back."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from tests.support.merchant_client import MerchantClient
from tests.support.transitions import DECISION_FIELDS, TRANSITIONS, transition_input

TERMS = """terms { __typename
  ... on DepositTerms { originalDeposit { amount } waivedAmount { amount } depositDue { amount } returnBy returnGrace }
  ... on PayLaterTerms { amount { amount } dueAt gracePeriod }
  ... on CheckInTerms { stay { start end } depositDue { amount } incidentalsLimit { amount }
    skipFrontDesk payAtCheckOut }
  ... on CreditOfferTerms { limit { amount } baseAprPercent aprPercent discountPercent term } }"""
READ = f"""query ($id: ID!) {{ decision(by: {{id: $id}}) {{ {DECISION_FIELDS} createdAt provenance {{ adapter }}
  outcome {{ ... on Approval {{ reasons {{ code }} {TERMS} }} }}
  timeline {{ nodes {{ topic ... on DecisionEvent {{ actor note }} }} }} }} }}"""


class DecisionSummary(NamedTuple):
    """A decision's status, available transitions, the amounts of its settlement, and whether it is overdue."""

    status: str
    transitions: list[str]
    due: str
    settled: str
    outstanding: str
    overdue: bool = False


def approved(due: str) -> DecisionSummary:
    return DecisionSummary("APPROVED", ["ACTIVATE", "CANCEL"], due, "0.00", due)


def active(due: str, settled: str, outstanding: str) -> DecisionSummary:
    return DecisionSummary("ACTIVE", ["EXTEND", "REDUCE", "FULFILL", "REPORT_BREACH"], due, settled, outstanding)


def breached(due: str, settled: str, outstanding: str) -> DecisionSummary:
    return DecisionSummary("BREACHED", ["FULFILL"], due, settled, outstanding)


def fulfilled(due: str) -> DecisionSummary:
    return DecisionSummary("FULFILLED", [], due, due, "0.00")


class MerchantDecision:
    """A decision that was requested after the time `began`. Transitions use the merchant's token."""

    def __init__(self, partner: MerchantClient, identifier: str, began: datetime) -> None:
        self._partner, self.id, self._began = partner, identifier, began

    def read(self) -> dict[str, Any]:
        """Returns the decision, with each amount as text."""
        data = self._partner.graphql(self._partner.merchant_token, READ, id=self.id).data
        decision: dict[str, Any] = flat(data["decision"])
        return decision

    @property
    def summary(self) -> DecisionSummary:
        return _summarize(self.read())

    @property
    def terms(self) -> dict[str, Any]:
        """The terms of the approval. They never change."""
        terms: dict[str, Any] = self.read()["outcome"]["terms"]
        return terms

    @property
    def due_at(self) -> datetime:
        return parse_time(self.read()["settlement"]["dueAt"])

    def due_after(self, length: timedelta) -> bool:
        """Whether the due date is exactly this long after the request."""
        decision = self.read()
        due_at, created_at = decision["settlement"]["dueAt"], decision["createdAt"]
        return self._began <= parse_time(due_at) - length <= parse_time(created_at)

    @property
    def timeline(self) -> list[str]:
        """One text per event, oldest first: topic, actor and note. Events of disputes have the topic only."""
        return [_describe(event) for event in self.read()["timeline"]["nodes"]]

    def transition(self, name: str, **arguments: Any) -> DecisionSummary:
        """Makes a transition and returns the summary. The payload of the mutation must equal a later read."""
        payload = self.send(name, **arguments)
        assert payload["userErrors"] == []
        returned, decision = flat(payload["decision"]), self.read()
        assert {key: decision[key] for key in returned} == returned
        return _summarize(decision)

    def user_error(self, name: str, **arguments: Any) -> tuple[str, list[str] | None]:
        """Sends a transition that fails; returns code and field of its user error. The decision must not change."""
        before = self.read()
        payload = self.send(name, **arguments)
        assert (payload["decision"], self.read()) == (None, before)
        (error,) = payload["userErrors"]
        return error["code"], error["field"]

    def end(self) -> None:
        """Fulfills or cancels the decision if it is open: an open one uses the shared persona's credit limit."""
        transitions = self.read()["availableTransitions"]
        if transitions:
            self.transition("fulfill" if "FULFILL" in transitions else "cancel")

    def send(self, name: str, **arguments: Any) -> dict[str, Any]:
        """Sends the mutation of a transition and returns its payload."""
        command, document = transition_input(name, self.id, **arguments), TRANSITIONS[name].document
        (payload,) = self._partner.graphql(self._partner.merchant_token, document, input=command).data.values()
        result: dict[str, Any] = payload
        return result


def parse_time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _summarize(decision: dict[str, Any]) -> DecisionSummary:
    settlement = decision["settlement"]
    amounts = settlement["due"], settlement["settled"], settlement["outstanding"]
    return DecisionSummary(decision["status"], decision["availableTransitions"], *amounts, settlement["overdue"])


def _describe(event: dict[str, Any]) -> str:
    topic = str(event["topic"].removeprefix("DECISION_"))
    if "actor" not in event:
        return topic
    return f"{topic} by {event['actor']}" + (f": {event['note']}" if event["note"] else "")


def flat(value: Any) -> Any:
    """Returns the value with each {"amount": text} replaced by the text."""
    if isinstance(value, list):
        return [flat(item) for item in value]
    if isinstance(value, dict):
        return value["amount"] if set(value) == {"amount"} else {key: flat(item) for key, item in value.items()}
    return value
