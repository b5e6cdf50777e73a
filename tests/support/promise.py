"""A promise as a merchant's back office walks it, from the approval to its end: each step is read back from the log."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from tests.support.life import MOVES, SHOWN, moving
from tests.support.partner import Partner

TERMS = """terms { __typename
  ... on DepositTerms { originalDeposit { amount } waivedAmount { amount } depositDue { amount } returnBy returnGrace }
  ... on PayLaterTerms { amount { amount } dueAt gracePeriod }
  ... on CheckInTerms { stay { start end } depositDue { amount } incidentalsLimit { amount }
    skipFrontDesk payAtCheckOut }
  ... on CreditOfferTerms { limit { amount } baseAprPercent aprPercent discountPercent term } }"""
READ = f"""query ($id: ID!) {{ decision(by: {{id: $id}}) {{ {SHOWN} createdAt provenance {{ adapter }}
  outcome {{ ... on Approval {{ reasons {{ code }} {TERMS} }} }}
  timeline {{ nodes {{ topic ... on DecisionEvent {{ actor note }} }} }} }} }}"""


class Stands(NamedTuple):
    """Where a decision stands: what the merchant may do next, the three amounts of its settlement, and whether it is
    overdue."""

    status: str
    may: list[str]
    due: str
    settled: str
    outstanding: str
    overdue: bool = False


def approved(due: str) -> Stands:
    return Stands("APPROVED", ["ACTIVATE", "CANCEL"], due, "0.00", due)


def active(due: str, settled: str, outstanding: str) -> Stands:
    return Stands("ACTIVE", ["EXTEND", "FULFILL", "REPORT_BREACH"], due, settled, outstanding)


def breached(due: str, settled: str, outstanding: str) -> Stands:
    return Stands("BREACHED", ["FULFILL"], due, settled, outstanding)


def fulfilled(due: str) -> Stands:
    return Stands("FULFILLED", [], due, due, "0.00")


class Promise:
    """A decision after it was approved, moved by the merchant's own token. It was asked for after `began`."""

    def __init__(self, partner: Partner, identifier: str, began: datetime) -> None:
        self._partner, self.id, self._began = partner, identifier, began

    def read(self) -> dict[str, Any]:
        """The decision as the merchant's log has it, each amount as its text."""
        data = self._partner.graphql(self._partner.merchant_token, READ, id=self.id).data
        found: dict[str, Any] = flat(data["decision"])
        return found

    @property
    def stands(self) -> Stands:
        return _stands(self.read())

    @property
    def terms(self) -> dict[str, Any]:
        """What was promised; as it was frozen, whatever has happened since."""
        found: dict[str, Any] = self.read()["outcome"]["terms"]
        return found

    @property
    def due_at(self) -> datetime:
        return moment(self.read()["settlement"]["dueAt"])

    def due_after(self, length: timedelta) -> bool:
        """Whether the last date lies exactly so long after the moment at which it was asked for."""
        read = self.read()
        return self._began <= moment(read["settlement"]["dueAt"]) - length <= moment(read["createdAt"])

    @property
    def timeline(self) -> list[str]:
        """What happened and who did it, oldest first, with what was said of it; of disputes what happened."""
        return [_told(event) for event in self.read()["timeline"]["nodes"]]

    def move(self, name: str, **given: Any) -> Stands:
        """Takes one step. What the mutation answers is what the log says afterwards."""
        payload = self.send(name, **given)
        assert payload["userErrors"] == []
        answered, logged = flat(payload["decision"]), self.read()
        assert {key: logged[key] for key in answered} == answered
        return _stands(logged)

    def refusal(self, name: str, **given: Any) -> tuple[str, list[str] | None]:
        """The code and the field of a step that is not taken, which leaves everything as it was."""
        before = self.read()
        payload = self.send(name, **given)
        assert (payload["decision"], self.read()) == (None, before)
        (error,) = payload["userErrors"]
        return error["code"], error["field"]

    def end(self) -> None:
        """Ends it as far as that is left to do: personas are shared, and a decision uses their credit limit."""
        may = self.read()["availableTransitions"]
        if may:
            self.move("fulfill" if "FULFILL" in may else "cancel")

    def send(self, name: str, **given: Any) -> dict[str, Any]:
        """The payload of one step, taken or not."""
        move = moving(name, self.id, **given)
        (payload,) = self._partner.graphql(self._partner.merchant_token, MOVES[name].document, input=move).data.values()
        found: dict[str, Any] = payload
        return found


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _stands(read: dict[str, Any]) -> Stands:
    side = read["settlement"]
    amounts = side["due"], side["settled"], side["outstanding"]
    return Stands(read["status"], read["availableTransitions"], *amounts, side["overdue"])


def _told(event: dict[str, Any]) -> str:
    topic = str(event["topic"].removeprefix("DECISION_"))
    if "actor" not in event:
        return topic
    return f"{topic} by {event['actor']}" + (f": {event['note']}" if event["note"] else "")


def flat(value: Any) -> Any:
    """The same with each {"amount": text} as that text."""
    if isinstance(value, list):
        return [flat(item) for item in value]
    if isinstance(value, dict):
        return value["amount"] if set(value) == {"amount"} else {key: flat(item) for key, item in value.items()}
    return value
