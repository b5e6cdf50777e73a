"""The tables and bodies of the FastAPI server."""

import json
from decimal import Decimal

import answers
from pydantic import BaseModel, Field
from sqlmodel import Field as Column
from sqlmodel import SQLModel


class Client(SQLModel, table=True):
    __tablename__ = "clients"
    id: int = Column(primary_key=True)
    merchant_id: int
    active: int


class User(SQLModel, table=True):
    __tablename__ = "users"
    id: int = Column(primary_key=True)
    tier: str
    rank: int


class Consent(SQLModel, table=True):
    __tablename__ = "consents"
    id: int = Column(primary_key=True)
    user_id: int
    merchant_id: int
    expires_at: int
    withdrawn_at: int | None
    open_decisions: int
    committed: int
    credit_limit: int


class Token(SQLModel, table=True):
    __tablename__ = "tokens"
    digest: bytes = Column(primary_key=True)
    client_id: int = Column(foreign_key="clients.id")
    consent_id: int | None = Column(foreign_key="consents.id")
    expires_at: int
    revoked_at: int | None


class Decision(SQLModel, table=True):
    __tablename__ = "decisions"
    id: int | None = Column(default=None, primary_key=True)
    merchant_id: int
    consent_id: int
    user_id: int
    reference: str
    product: str
    status: str
    created_at: int
    outcome: str
    due: int | None


class Access(SQLModel, table=True):
    __tablename__ = "accesses"
    id: int | None = Column(default=None, primary_key=True)
    client_id: int
    consent_id: int
    user_id: int
    kind: str
    at: int


class Event(SQLModel, table=True):
    __tablename__ = "events"
    id: int | None = Column(default=None, primary_key=True)
    decision_id: int
    kind: str
    at: int
    body: str


class Message(SQLModel, table=True):
    __tablename__ = "outbox"
    id: int | None = Column(default=None, primary_key=True)
    merchant_id: int
    decision_id: int
    body: str
    at: int


class IdempotencyRecord(SQLModel, table=True):
    __tablename__ = "idempotency"
    client_id: int = Column(primary_key=True)
    key: str = Column(primary_key=True)
    digest: bytes
    decision_id: int


class ScoreTier(BaseModel):
    tier: str
    rank: int


class Amount(BaseModel):
    amount: str


class Settlement(BaseModel):
    due: Amount


class Outcome(BaseModel):
    type_name: str = Field(serialization_alias="__typename")


class Terms(BaseModel):
    waivedAmount: Amount  # noqa: N815
    depositDue: Amount  # noqa: N815


class RequestedOutcome(Outcome):
    validUntil: str | None = None  # noqa: N815
    terms: Terms | None = None


class DecisionBody(BaseModel):
    """A decision on a page."""

    id: str
    status: str
    merchantReference: str  # noqa: N815
    createdAt: str  # noqa: N815
    product: str
    outcome: Outcome
    settlement: Settlement | None

    @classmethod
    def of_row(cls, row: Decision) -> "DecisionBody":
        return cls(
            id=answers.decision_id(row.id or 0),
            status=row.status,
            merchantReference=row.reference,
            createdAt=answers.moment(row.created_at),
            product=row.product,
            outcome=Outcome(type_name="Approval" if "terms" in json.loads(row.outcome) else "Decline"),
            settlement=None if row.due is None else Settlement(due=Amount(amount=answers.amount(row.due))),
        )


class PageInfo(BaseModel):
    hasNextPage: bool  # noqa: N815
    endCursor: str | None  # noqa: N815


class DecisionPage(BaseModel):
    nodes: list[DecisionBody]
    pageInfo: PageInfo  # noqa: N815


class RequestedDecision(BaseModel):
    id: str
    status: str
    outcome: RequestedOutcome


class Problem(BaseModel):
    code: str
    message: str
    field: list[str]


class DecisionResult(BaseModel):
    """The response to a request for a decision."""

    decision: RequestedDecision | None
    userErrors: list[Problem]  # noqa: N815

    @classmethod
    def failed(cls, code: str, field: list[str]) -> "DecisionResult":
        return cls(decision=None, userErrors=[Problem(code=code, message=code, field=field)])

    @classmethod
    def of_row(cls, row: Decision) -> "DecisionResult":
        stored = json.loads(row.outcome)
        outcome = RequestedOutcome(type_name="Decline")
        if "terms" in stored:
            amounts = {name: Amount(amount=answers.amount(stored["terms"][name])) for name in Terms.model_fields}
            valid_until = answers.moment(stored["validUntil"])
            outcome = RequestedOutcome(type_name="Approval", validUntil=valid_until, terms=Terms(**amounts))
        made = RequestedDecision(id=answers.decision_id(row.id or 0), status=row.status, outcome=outcome)
        return cls(decision=made, userErrors=[])


class MoneyInput(BaseModel):
    amount: Decimal
    currency: str


class PeriodInput(BaseModel):
    start: str
    end: str


class CarRentalAsk(BaseModel):
    deposit: MoneyInput
    vehicleValue: MoneyInput  # noqa: N815
    rental: PeriodInput
    acceptReduction: bool = True  # noqa: N815


class DecisionAsk(BaseModel):
    carRental: CarRentalAsk  # noqa: N815


class DecisionRequest(BaseModel):
    idempotencyKey: str  # noqa: N815
    merchantReference: str  # noqa: N815
    ask: DecisionAsk
