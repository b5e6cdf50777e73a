"""Rows for tests, with defaults for most columns. Each function inserts in a unit of work and returns the id of the row
(the consent itself, the digest of a token)."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

from gateway.domain.consents.authorization_detail import AuthorizationDetail
from gateway.domain.consents.consent import Consent
from gateway.domain.decisions.outcome import ManualReview
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import Status
from gateway.domain.environment import SANDBOX
from gateway.domain.merchants import Contract, Product
from gateway.domain.money import Money
from gateway.domain.scoring.tier import Tier
from gateway.kit.clock import BusinessTime, WallTime
from gateway.kit.crypto import digest
from gateway.kit.ids import Ids
from gateway.store import statements
from gateway.store.decisions.decisions import DECISIONS, MAPPING
from gateway.store.identity.clients import ClientRow
from gateway.store.identity.users import PersonaRow, UserRow, new_log_subject
from gateway.store.merchants.merchants import MerchantRow
from gateway.store.merchants.partners import PartnerRow
from gateway.store.oauth.requests import AuthorizationCodeRow, PushedRequestRow
from gateway.store.oauth.tokens import AccessTokenRow, RefreshTokenRow
from gateway.store.unit import UnitOfWork
from tests.support.clock import BUSINESS_NOON, NOON

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
_INSERT_DECISION = DECISIONS.insert()


def make_partner(unit: UnitOfWork, *, name: str | None = None, clock_offset_seconds: int = 0) -> str:
    row = PartnerRow(
        id=ids.new("prt"),
        name=name or f"Partner {next(_numbers)}",
        clock_offset_seconds=clock_offset_seconds,
        created_at=NOON,
    )
    unit.partners.insert(row)
    return row.id


def make_merchant(unit: UnitOfWork, partner_id: str, *, name: str = "Green Cars", contract: Contract = CONTRACT) -> str:
    row = MerchantRow(
        id=ids.new("mer"),
        partner_id=partner_id,
        name=name,
        askable_tiers=[],
        ceiling_minor=0,
        ceiling_currency="CNY",
        consent_seconds=0,
        created_at=NOON,
    )
    row.set_contract(contract)
    unit.merchants.insert(row)
    return row.id


def make_client(unit: UnitOfWork, merchant_id: str, *, profile: str = "baseline", **columns: Any) -> str:
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
    unit.clients.insert(row)
    return row.id


def make_user(unit: UnitOfWork, partner_id: str | None = None, *, username: str | None = None) -> str:
    number = next(_numbers)
    row = UserRow(
        id=ids.new("usr"),
        partner_id=partner_id,
        username=username or f"user{number}",
        password_hash="unusable",
        display_name=f"User {number}",
        log_subject=new_log_subject(),
        created_at=NOON,
    )
    unit.users.insert(row)
    return row.id


def make_persona(unit: UnitOfWork, partner_id: str, user_id: str, *, score: int | None = 720, **columns: Any) -> str:
    number = next(_numbers)
    row = PersonaRow(
        id=ids.new("per"),
        partner_id=partner_id,
        user_id=user_id,
        score=score,
        **{"handle": f"persona-{number}", "summary": "Made for a test", **columns},
    )
    unit.users.insert_persona(row)
    return row.id


def make_consent(
    unit: UnitOfWork,
    client_id: str,
    user_id: str,
    *,
    granted_at: BusinessTime = BUSINESS_NOON,
    life: timedelta = timedelta(days=90),
    scopes: tuple[str, ...] = SCOPES,
    details: tuple[AuthorizationDetail, ...] = DETAILS,
    used: bool = True,
) -> Consent:
    """A consent. By default it was used before, so that its next use is not the first one."""
    client = unit.clients.load(client_id)
    assert client is not None
    subject = unit.users.ensure_pairwise_subject(user_id, client.merchant_id, f"pws_{next(_numbers)}")
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
        first_used_at=granted_at if used else None,
    )
    unit.consents.insert(consent)
    return consent


def decision_state(consent: Consent, **fields: Any) -> DecisionState:
    """The state of a decision with this consent. By default it is APPROVED over 3,000.00 CNY, valid until BUSINESS_NOON
    of the next day; `fields` replace fields."""
    amount = Money(300_000, fields.get("currency", "CNY"))
    return DecisionState(
        **{
            "id": ids.new("dec"),
            "merchant_id": consent.merchant_id,
            "client_id": consent.client_id,
            "consent_id": consent.id,
            "subject": consent.subject,
            "merchant_reference": f"order-{next(_numbers)}",
            "adapter": "car_rental",
            "product": Product.DEPOSIT_WAIVER,
            "purpose": "CAR_RENTAL",
            "status": Status.APPROVED,
            "ask": {"carRental": {}},
            "outcome": ManualReview(),
            "policy_version": "2026-11-01",
            "policy_hash": "0" * 64,
            "rule_id": "everyone",
            "currency": amount.currency,
            "valid_until": BUSINESS_NOON + timedelta(days=1),
            "created_at": BUSINESS_NOON,
            "updated_at": BUSINESS_NOON,
            "requested": amount,
            "due": amount,
            "settled": Money.zero(amount.currency),
            **fields,
        }
    )


def make_decision(unit: UnitOfWork, consent: Consent, **fields: Any) -> str:
    """Inserts a decision and adds it to the totals. The log has no entry for it."""
    state = decision_state(consent, **fields)
    statements.run(unit.connection, _INSERT_DECISION, MAPPING.write(state))
    if state.exposure.minor:
        unit.exposures.change(consent.user_id, state.merchant_id, state.exposure)
    if state.committed.minor:
        unit.exposures.change_committed(consent.id, state.committed)
    return state.id


def make_pushed_request(
    unit: UnitOfWork, client_id: str, *, expires_at: WallTime = NOON + timedelta(seconds=60)
) -> str:
    row = PushedRequestRow(
        digest=digest(f"request {next(_numbers)}"),
        client_id=client_id,
        parameters={"response_type": "code"},
        expires_at=expires_at,
    )
    unit.authorization_requests.insert_pushed_request(row)
    return row.digest


def make_code(
    unit: UnitOfWork,
    consent: Consent,
    *,
    expires_at: WallTime = NOON + timedelta(seconds=60),
    family: str | None = None,
) -> str:
    number = next(_numbers)
    row = AuthorizationCodeRow(
        digest=digest(f"code {number}"),
        client_id=consent.client_id,
        consent_id=consent.id,
        redirect_uri="https://client.example/callback",
        code_challenge="challenge",
        family=family or f"family-{number}",
        expires_at=expires_at,
    )
    unit.authorization_requests.insert_code(row)
    return row.digest


def make_access_token(
    unit: UnitOfWork, client_id: str, consent: Consent | None = None, *, family: str | None = None
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
    unit.tokens.insert_access_token(row)
    return row.digest


def make_refresh_token(unit: UnitOfWork, consent: Consent, *, family: str | None = None) -> str:
    number = next(_numbers)
    row = RefreshTokenRow(
        digest=digest(f"refresh {number}"),
        family=family or f"family-{number}",
        client_id=consent.client_id,
        consent_id=consent.id,
        issued_at=NOON,
        expires_at=NOON + timedelta(days=90),
    )
    unit.tokens.insert_refresh_token(row)
    return row.digest


@dataclass(frozen=True, slots=True)
class Cast:
    """The rows that a decision refers to: a partner, its merchant with a client, a user and the user's consent."""

    partner: str
    merchant: str
    client: str
    user: str
    consent: Consent


def make_cast(unit: UnitOfWork) -> Cast:
    partner = make_partner(unit)
    merchant = make_merchant(unit, partner)
    client = make_client(unit, merchant)
    user = make_user(unit, partner)
    return Cast(partner, merchant, client, user, make_consent(unit, client, user))
