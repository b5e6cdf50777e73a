"""FastAPI with REST operations and SQLModel's AsyncSession over aiosqlite, as their tutorials write it."""

import hashlib
import json
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Annotated, Any

import serving
from fastapi import Depends, FastAPI, Header, HTTPException
from fastapi_models import (
    Access,
    Client,
    Consent,
    Decision,
    DecisionBody,
    DecisionPage,
    DecisionRequest,
    DecisionResult,
    Event,
    IdempotencyRecord,
    Message,
    ScoreTier,
    Token,
    User,
)
from sqlalchemy import event
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

options = serving.arguments()
engine = create_async_engine(f"sqlite+aiosqlite:///{options.database}")
application = FastAPI()


@event.listens_for(engine.sync_engine, "connect")
def set_pragmas(connection: Any, _: Any) -> None:
    for pragma in ("synchronous = FULL", "cache_size = -16000", "busy_timeout = 30000", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


async def open_session() -> AsyncIterator[AsyncSession]:
    async with AsyncSession(engine, expire_on_commit=False) as session:
        yield session


Session = Annotated[AsyncSession, Depends(open_session)]


async def find_caller(session: Session, authorization: Annotated[str, Header()]) -> tuple[Client, Consent | None]:
    now, digest = int(time.time()), hashlib.sha256(authorization[7:].encode()).digest()
    statement = (
        select(Token, Client, Consent)
        .join(Client)
        .join(Consent, isouter=True)
        .where(Token.digest == digest, Token.expires_at > now, Token.revoked_at == None, Client.active == 1)  # noqa: E711
    )
    row = (await session.exec(statement)).first()
    if row is None or (row[2] is not None and (row[2].expires_at <= now or row[2].withdrawn_at is not None)):
        raise HTTPException(401)
    return row[1], row[2]


Caller = Annotated[tuple[Client, Consent | None], Depends(find_caller)]


def own_consent(caller: Caller) -> Consent:
    if caller[1] is None:
        raise HTTPException(403)
    return caller[1]


OwnConsent = Annotated[Consent, Depends(own_consent)]


@application.get("/score-tier")
async def score_tier(session: Session, caller: Caller, consent: OwnConsent) -> ScoreTier:
    user = (await session.exec(select(User).where(User.id == consent.user_id))).one()
    session.add(
        Access(client_id=caller[0].id, consent_id=consent.id, user_id=user.id, kind="TIER", at=int(time.time()))
    )
    await session.commit()
    return ScoreTier(tier=user.tier, rank=user.rank)


@application.get("/decisions")
async def decisions(session: Session, caller: Caller, first: int = 20) -> DecisionPage:
    statement = select(Decision).where(Decision.merchant_id == caller[0].merchant_id)
    rows = (await session.exec(statement.order_by(Decision.id.desc()).limit(first + 1))).all()  # type: ignore[union-attr]
    nodes = [DecisionBody.of_row(row) for row in rows[:first]]
    end = f"cursor_{rows[first - 1].id}" if rows else None
    return DecisionPage.model_validate(
        {"nodes": nodes, "pageInfo": {"hasNextPage": len(rows) > first, "endCursor": end}}
    )


@application.post("/decisions")
async def request_decision(
    session: Session, caller: Caller, consent: OwnConsent, request: DecisionRequest
) -> DecisionResult:
    ask, now = request.ask.carRental, int(time.time())
    text = json.dumps([consent.id, request.merchantReference, ask.model_dump(mode="json")], sort_keys=True)
    digest = hashlib.sha256(text.encode()).digest()
    known = await session.get(IdempotencyRecord, (caller[0].id, request.idempotencyKey))
    if known is not None:
        if known.digest != digest:
            return DecisionResult.failed("IDEMPOTENCY_KEY_REUSED", ["idempotencyKey"])
        return DecisionResult.of_row(await session.get_one(Decision, known.decision_id))
    if {ask.deposit.currency, ask.vehicleValue.currency} != {"CNY"}:
        return DecisionResult.failed("INVALID", ["ask", "carRental", "deposit"])
    deposit = int(ask.deposit.amount * 100)
    approved = (
        ask.deposit.amount <= Decimal(2_000)
        and ask.vehicleValue.amount <= Decimal(500_000)
        and consent.committed + deposit <= consent.credit_limit
    )
    outcome: dict[str, Any] = {"reasons": ["AMOUNT_ABOVE_LIMIT"]}
    if approved:
        terms = {"originalDeposit": deposit, "waivedAmount": deposit, "depositDue": 0, "returnBy": ask.rental.end}
        outcome = {"terms": terms, "validUntil": now + 7 * 86_400, "reasons": []}
    body = json.dumps(outcome, separators=(",", ":"))
    row = Decision(
        merchant_id=caller[0].merchant_id,
        consent_id=consent.id,
        user_id=consent.user_id,
        reference=request.merchantReference,
        product="DEPOSIT_WAIVER",
        status="APPROVED" if approved else "DECLINED",
        created_at=now,
        outcome=body,
        due=deposit if approved else None,
    )
    session.add(row)
    await session.flush()
    if approved:
        # Computed by the database, because other requests change the same row.
        consent.open_decisions = Consent.open_decisions + 1  # type: ignore[assignment]
        consent.committed = Consent.committed + deposit  # type: ignore[assignment]
        session.add(consent)
    number = row.id or 0
    session.add(Event(decision_id=number, kind="REQUESTED", at=now, body=text))
    session.add(Event(decision_id=number, kind=row.status, at=now, body=body))
    session.add(Message(merchant_id=row.merchant_id, decision_id=number, body=body, at=now))
    session.add(
        IdempotencyRecord(client_id=caller[0].id, key=request.idempotencyKey, digest=digest, decision_id=number)
    )
    session.add(Access(client_id=caller[0].id, consent_id=consent.id, user_id=consent.user_id, kind="DECISION", at=now))
    await session.commit()
    return DecisionResult.of_row(row)


serving.serve(application, options.port)
