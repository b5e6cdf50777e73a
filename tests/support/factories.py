"""Rows for tests, as few columns as possible to say. Each function writes into the unit of work of its session,
flushes, and answers the id (a consent: its value, a token: its digest)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from gateway.domain.authorization_detail import AuthorizationDetail
from gateway.domain.consent import Consent
from gateway.domain.contract import Contract
from gateway.domain.decision import Status
from gateway.domain.money import Money
from gateway.domain.product import Product
from gateway.domain.realm import SANDBOX
from gateway.domain.tier import Tier
from gateway.kit.crypto import digest
from gateway.kit.ids import Ids
from gateway.store import consents, users
from gateway.store.clients import ClientRow
from gateway.store.database import Session
from gateway.store.decisions import DecisionRow
from gateway.store.merchants import MerchantRow
from gateway.store.oauth_requests import AuthorizationCodeRow, PushedRequestRow
from gateway.store.oauth_tokens import AccessTokenRow, RefreshTokenRow
from gateway.store.partners import PartnerRow
from gateway.store.users import PersonaRow, UserRow
from tests.support.clock import NOON

ids = Ids(SANDBOX.mark)
_numbers = count(1)

CONTRACT = Contract(frozenset(Tier), Money(5_000_000, "CNY"), timedelta(days=90))
DETAILS = (
    AuthorizationDetail("score", level="tier", purpose="CAR_RENTAL", duration=timedelta(days=90)),
    AuthorizationDetail(
        "decision",
        products=(Product.DEPOSIT_WAIVER, Product.PAY_LATER),
        maximum_amount=Money(5_000_000, "CNY"),
        purpose="CAR_RENTAL",
        duration=timedelta(days=90),
    ),
)
SCOPES = ("score:tier", "decisions:request")


def make_partner(session: Session, *, name: str | None = None, clock_offset_seconds: int = 0) -> str:
    row = PartnerRow(
        id=ids.new("prt"),
        name=name or f"Partner {next(_numbers)}",
        clock_offset_seconds=clock_offset_seconds,
        created_at=NOON,
    )
    return _added(session, row, row.id)


def make_merchant(session: Session, partner_id: str, *, name: str = "Green Cars", contract: Contract = CONTRACT) -> str:
    row = MerchantRow(
        id=ids.new("mer"),
        partner_id=partner_id,
        name=name,
        ceiling_minor=0,
        ceiling_currency="CNY",
        consent_seconds=0,
        created_at=NOON,
    )
    row.put_contract(contract)
    return _added(session, row, row.id)


def make_client(session: Session, merchant_id: str, *, profile: str = "baseline", **columns: Any) -> str:
    row = ClientRow(
        **{
            "id": ids.new("cli"),
            "merchant_id": merchant_id,
            "name": "Test client",
            "profile": profile,
            "redirect_uris": ["https://client.example/callback"],
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
            "scopes": list(SCOPES),
            "created_at": NOON,
            **columns,
        }
    )
    return _added(session, row, row.id)


def make_user(session: Session, partner_id: str | None = None, *, username: str | None = None) -> str:
    number = next(_numbers)
    row = UserRow(
        id=ids.new("usr"),
        partner_id=partner_id,
        username=username or f"user{number}",
        password_hash="unusable",
        display_name=f"User {number}",
        log_subject=users.new_log_subject(),
        created_at=NOON,
    )
    return _added(session, row, row.id)


def make_persona(session: Session, partner_id: str, user_id: str, *, score: int | None = 720, **columns: Any) -> str:
    number = next(_numbers)
    row = PersonaRow(
        id=ids.new("per"),
        partner_id=partner_id,
        user_id=user_id,
        score=score,
        **{"handle": f"persona-{number}", "summary": "Made for a test", **columns},
    )
    return _added(session, row, row.id)


def make_consent(
    session: Session,
    client_id: str,
    user_id: str,
    *,
    granted_at: datetime = NOON,
    life: timedelta = timedelta(days=90),
    scopes: tuple[str, ...] = SCOPES,
    details: tuple[AuthorizationDetail, ...] = DETAILS,
) -> Consent:
    client = session.get_one(ClientRow, client_id)
    subject = users.ensure_pairwise_subject(session, user_id, client.merchant_id, f"pws_{next(_numbers)}")
    consent = Consent(
        id=ids.new("con"),
        merchant_id=client.merchant_id,
        client_id=client_id,
        user_id=user_id,
        subject=subject,
        scopes=scopes,
        details=details,
        granted_at=granted_at,
        expires_at=granted_at + life,
        revoked_at=None,
    )
    consents.insert(session, consent)
    return consent


def make_decision(session: Session, consent: Consent, **columns: Any) -> str:
    """A decision under the consent: APPROVED over 3,000.00 CNY until tomorrow noon, unless `columns` say other."""
    number = next(_numbers)
    row = DecisionRow(
        **{
            "id": ids.new("dec"),
            "merchant_id": consent.merchant_id,
            "client_id": consent.client_id,
            "consent_id": consent.id,
            "subject": consent.subject,
            "merchant_reference": f"order-{number}",
            "adapter": "car_rental",
            "product": Product.DEPOSIT_WAIVER,
            "purpose": "CAR_RENTAL",
            "status": Status.APPROVED,
            "ask": {"carRental": {}},
            "outcome": {"kind": "REFERRAL", "reasons": []},
            "policy_version": "2026-11-01",
            "policy_hash": "0" * 64,
            "rule_id": "everyone",
            "amount_minor": 300_000,
            "currency": "CNY",
            "valid_until": NOON + timedelta(days=1),
            "created_at": NOON,
            "updated_at": NOON,
            **columns,
        }
    )
    return _added(session, row, row.id)


def make_pushed_request(
    session: Session, client_id: str, *, expires_at: datetime = NOON + timedelta(seconds=60)
) -> str:
    row = PushedRequestRow(
        digest=digest(f"request {next(_numbers)}"),
        client_id=client_id,
        parameters={"response_type": "code"},
        expires_at=expires_at,
    )
    return _added(session, row, row.digest)


def make_code(session: Session, consent: Consent, *, expires_at: datetime = NOON + timedelta(seconds=60)) -> str:
    row = AuthorizationCodeRow(
        digest=digest(f"code {next(_numbers)}"),
        client_id=consent.client_id,
        consent_id=consent.id,
        redirect_uri="https://client.example/callback",
        code_challenge="challenge",
        expires_at=expires_at,
    )
    return _added(session, row, row.digest)


def make_access_token(
    session: Session, client_id: str, consent: Consent | None = None, *, family: str | None = None
) -> str:
    row = AccessTokenRow(
        digest=digest(f"access {next(_numbers)}"),
        client_id=client_id,
        consent_id=consent.id if consent else None,
        family=family,
        scopes=list(SCOPES),
        issued_at=NOON,
        expires_at=NOON + timedelta(minutes=5),
    )
    return _added(session, row, row.digest)


def make_refresh_token(session: Session, consent: Consent, *, family: str | None = None) -> str:
    number = next(_numbers)
    row = RefreshTokenRow(
        digest=digest(f"refresh {number}"),
        family=family or f"family-{number}",
        client_id=consent.client_id,
        consent_id=consent.id,
        issued_at=NOON,
        expires_at=NOON + timedelta(days=90),
    )
    return _added(session, row, row.digest)


@dataclass(frozen=True, slots=True)
class Cast:
    """The least that a decision needs: one partner, its merchant with a client, a person and that person's consent."""

    partner: str
    merchant: str
    client: str
    user: str
    consent: Consent


def make_cast(session: Session) -> Cast:
    partner = make_partner(session)
    merchant = make_merchant(session, partner)
    client = make_client(session, merchant)
    user = make_user(session, partner)
    return Cast(partner, merchant, client, user, make_consent(session, client, user))


def _added(session: Session, row: Any, answer: str) -> str:
    session.add(row)
    session.flush()
    return answer
