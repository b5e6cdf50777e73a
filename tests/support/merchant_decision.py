"""A decision as a merchant's back office sees and changes it. Each transition is read back from the log."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from tests.support.partner import Partner
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
    return DecisionSummary("ACTIVE", ["EXTEND", "FULFILL", "REPORT_BREACH"], due, settled, outstanding)


def breached(due: str, settled: str, outstanding: str) -> DecisionSummary:
    return DecisionSummary("BREACHED", ["FULFILL"], due, settled, outstanding)


def fulfilled(due: str) -> DecisionSummary:
    return DecisionSummary("FULFILLED", [], due, due, "0.00")


class MerchantDecision:
    """A decision that was requested after `began`. Its merchant's token makes the transitions."""

    def __init__(self, partner: Partner, identifier: str, began: datetime) -> None:
        self._partner, self.id, self._began = partner, identifier, began

    def read(self) -> dict[str, Any]:
        """Returns the decision from the merchant's log, each amount as a text."""
        data = self._partner.graphql(self._partner.merchant_token, READ, id=self.id).data
        found: dict[str, Any] = flat(data["decision"])
        return found

    @property
    def summary(self) -> DecisionSummary:
        return _summarize(self.read())

    @property
    def terms(self) -> dict[str, Any]:
        """The terms of the approval. They never change."""
        found: dict[str, Any] = self.read()["outcome"]["terms"]
        return found

    @property
    def due_at(self) -> datetime:
        return parse_time(self.read()["settlement"]["dueAt"])

    def due_after(self, length: timedelta) -> bool:
        """Whether the due date is exactly this long after the request."""
        read = self.read()
        return self._began <= parse_time(read["settlement"]["dueAt"]) - length <= parse_time(read["createdAt"])

    @property
    def timeline(self) -> list[str]:
        """One text an event, oldest first: topic, actor and note. Events of disputes have the topic only."""
        return [_describe(event) for event in self.read()["timeline"]["nodes"]]

    def transition(self, name: str, **arguments: Any) -> DecisionSummary:
        """Makes a transition. The mutation returns what the log has afterwards."""
        payload = self.send(name, **arguments)
        assert payload["userErrors"] == []
        answered, logged = flat(payload["decision"]), self.read()
        assert {key: logged[key] for key in answered} == answered
        return _summarize(logged)

    def refusal(self, name: str, **arguments: Any) -> tuple[str, list[str] | None]:
        """Returns code and field of a transition that is refused. It changes nothing."""
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
        found: dict[str, Any] = payload
        return found


def parse_time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _summarize(read: dict[str, Any]) -> DecisionSummary:
    side = read["settlement"]
    amounts = side["due"], side["settled"], side["outstanding"]
    return DecisionSummary(read["status"], read["availableTransitions"], *amounts, side["overdue"])


def _describe(event: dict[str, Any]) -> str:
    topic = str(event["topic"].removeprefix("DECISION_"))
    if "actor" not in event:
        return topic
    return f"{topic} by {event['actor']}" + (f": {event['note']}" if event["note"] else "")


def flat(value: Any) -> Any:
    """The value with each {"amount": text} replaced by the text."""
    if isinstance(value, list):
        return [flat(item) for item in value]
    if isinstance(value, dict):
        return value["amount"] if set(value) == {"amount"} else {key: flat(item) for key, item in value.items()}
    return value
