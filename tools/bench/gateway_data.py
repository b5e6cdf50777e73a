"""Writes the data for the gateway, through its own services and repositories, and counts the rows of a run."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.bootstrap import build
from gateway.domain.consents.authorization_detail import AuthorizationDetail
from gateway.domain.consents.consent import Consent
from gateway.domain.decisions.state import DecisionState
from gateway.domain.identity.client import FAPI2
from gateway.domain.identity.principal import Principal
from gateway.domain.merchants import Contract, Product
from gateway.domain.money import Money
from gateway.domain.period import Period
from gateway.domain.scoring.tier import Tier, tier_of
from gateway.kit.clock import WallTime, business_time
from gateway.kit.crypto import digest
from gateway.oauth.token_check import check_token
from gateway.services.container import Container
from gateway.services.decisions.requests import RequestCommand
from gateway.services.identity.persona_records import CATALOGUE, PersonaBlueprint
from gateway.settings import EnvironmentName, read_settings
from gateway.store.database import create_database_file
from gateway.store.identity.users import PersonaRow, UserRow, new_log_subject
from gateway.store.oauth.tokens import AccessTokenRow, RefreshTokenRow
from gateway.store.unit import UnitOfWork
from merchants.car_rental import CarRentalAsk
from migrations import runner
from tools.bench.dataset import Dataset, StoredDecision

FILE = "gateway.db"
CREDIT_LIMITS = "FAIR 10000000.00 CNY"
NAMES = (
    *("Amber", "Birch", "Cedar", "Delta", "Ember", "Fjord", "Grove", "Harbour", "Island", "Juniper"),
    *("Kestrel", "Lagoon", "Meadow", "Nimbus", "Orchid", "Prairie", "Quartz", "Ridge", "Summit", "Tundra"),
)
_LIFE = timedelta(days=90)
_DETAILS = (
    AuthorizationDetail("score", level="tier", purpose="CAR_RENTAL", duration=_LIFE),
    AuthorizationDetail(
        "decision",
        products=(Product.DEPOSIT_WAIVER,),
        maximum_amount=Money(5_000_000, "CNY"),
        purpose="CAR_RENTAL",
        duration=_LIFE,
    ),
)
_PERSONAS = {tier_of(each.score).value: each for each in reversed(CATALOGUE) if not each.overdue}
"""A persona of each tier, whose behaviour records the users of the tier have."""
_SCOPES = ("score:tier", "decisions:request")
_CONTRACT = Contract(askable_tiers=frozenset(Tier), ceiling=Money(5_000_000, "CNY"), consent_life=_LIFE)


def write(folder: Path, data: Dataset, jwks: dict[str, Any]) -> str:
    """Writes the database and the key of a sandbox to the folder. Returns the id of the client of the scenario token,
    whose public keys are `jwks`."""
    url = url_of(folder)
    create_database_file(url)
    client_id = write_to(url, folder, data, jwks)
    with closing(sqlite3.connect(folder / FILE)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return client_id


def write_to(url: str, folder: Path, data: Dataset, jwks: dict[str, Any]) -> str:
    """Writes to an empty database, and its key to the folder. Returns as `write` does."""
    runner.upgrade(url)
    with running_services(url, folder) as container:
        writer = _Writer(container, data)
        client_id = container.database.write(lambda unit: writer.write_parties(unit, jwks))
        _decide_all(container, data)
    return client_id


def url_of(folder: Path) -> str:
    """Returns the address of the SQLite database that `write` writes to the folder."""
    return f"sqlite:///{folder / FILE}"


@contextmanager
def running_services(url: str, folder: Path) -> Iterator[Container]:
    """Yields the services of a sandbox over a database whose key is in the folder."""
    settings = read_settings(
        environment=EnvironmentName.SANDBOX, database_url=url, state_directory=folder, credit_limits=CREDIT_LIMITS
    )
    container = build(settings)
    try:
        yield container
    finally:
        container.close()


def count(file: Path) -> dict[str, int]:
    """Returns the number of accesses by kind, of decisions, log entries and messages, and of access tokens."""
    with closing(sqlite3.connect(file)) as database:

        def rows(table: str, condition: str = "1") -> int:
            return int(database.execute(f"SELECT count(*) FROM {table} WHERE {condition}").fetchone()[0])

        return {
            "tier": rows("access_log", """public LIKE '%"kind":"SCORE_TIER"%'"""),
            "decision": rows("access_log", """public LIKE '%"kind":"REQUEST"%'"""),
            "decisions": rows("decisions"),
            "events": rows("decision_log"),
            "outbox": rows("outbox"),
            "idempotency": rows("idempotency_records"),
            "token": rows("oauth_access_tokens"),
        }


class _Writer:
    """Writes partner, merchants, clients, users, consents and tokens in one unit of work."""

    def __init__(self, container: Container, data: Dataset) -> None:
        self._container, self._data, self._ids = container, data, container.ids

    def write_parties(self, unit: UnitOfWork, jwks: dict[str, Any]) -> str:
        """Returns the id of the client of the scenario token."""
        services = self._container
        partner = services.merchants.ensure_partner(unit, "comparison")
        clients: dict[int, tuple[str, str]] = {}
        for number, token in enumerate(self._data.merchant_tokens(), 1):
            merchant = services.merchants.register(unit, partner, NAMES[number - 1])
            services.merchants.replace_contract(unit, merchant.id, _CONTRACT)
            services.merchants.enable(unit, merchant.id, "car_rental")
            client, _ = services.clients.register(unit, merchant.id, f"{NAMES[number - 1]} website", [])
            clients[number] = (merchant.id, client.id)
            self._add_token(unit, token, client.id, None, ("decisions:read",))
        merchant_id, _ = clients[1]
        token_client, _ = services.clients.register(
            unit, merchant_id, f"{NAMES[0]} backend", ["https://client.example/callback"], profile=FAPI2, jwks=jwks
        )
        refresh_tokens = iter(self._data.refresh_tokens())
        for user in self._data.people():
            user_id = self._add_user(unit, partner.id, user.number, _PERSONAS[user.tier])
            merchant_id, client_id = clients[user.merchant]
            consent = self._consent(unit, merchant_id, client_id, user_id)
            self._add_token(unit, user.token, client_id, consent.id, _SCOPES)
            text = next(refresh_tokens, None)
            if text is not None:
                other = self._consent(unit, clients[1][0], token_client.id, user_id)
                self._add_refresh_token(unit, f"sgw_test_rt_{text}", token_client.id, other.id)
        return token_client.id

    def _add_user(self, unit: UnitOfWork, partner_id: str, number: int, blueprint: PersonaBlueprint) -> str:
        row = UserRow(
            id=self._ids.new("usr"),
            partner_id=partner_id,
            username=f"user{number}@comparison",
            password_hash="unusable",  # noqa: S106
            display_name=f"User {number}",
            log_subject=new_log_subject(),
            created_at=unit.wall,
        )
        unit.users.insert(row)
        unit.keys.ensure_user_key(row.id)  # as after the first access of a year
        persona = PersonaRow(
            id=self._ids.new("per"),
            partner_id=partner_id,
            user_id=row.id,
            score=blueprint.score,
            handle=f"user{number}",
            summary="A user of the comparison",
        )
        unit.users.insert_persona(persona)
        self._container.personas.write_records(unit, blueprint, persona, business_time(unit.wall, 0))
        return row.id

    def _consent(self, unit: UnitOfWork, merchant_id: str, client_id: str, user_id: str) -> Consent:
        now = business_time(unit.wall, 0)
        consent = Consent(
            id=self._ids.new("con"),
            merchant_id=merchant_id,
            client_id=client_id,
            user_id=user_id,
            subject=unit.users.ensure_pairwise_subject(user_id, merchant_id, self._ids.new("pws")),
            scopes=_SCOPES,
            details=_DETAILS,
            granted_at=now,
            expires_at=business_time(WallTime(unit.wall + _LIFE), 0),
            revoked_at=None,
            first_used_at=now,  # a first use writes more, and no other server does
        )
        unit.consents.insert(consent)
        return consent

    def _add_token(
        self, unit: UnitOfWork, text: str, client_id: str, consent_id: str | None, scopes: tuple[str, ...]
    ) -> None:
        row = AccessTokenRow(
            digest=digest(text),
            client_id=client_id,
            consent_id=consent_id,
            family=None,
            scopes=list(scopes),
            issued_at=unit.wall,
            expires_at=WallTime(unit.wall + timedelta(days=1)),
        )
        unit.tokens.insert_access_token(row)

    def _add_refresh_token(self, unit: UnitOfWork, text: str, client_id: str, consent_id: str) -> None:
        row = RefreshTokenRow(
            digest=digest(text),
            family=self._ids.new("fam"),
            client_id=client_id,
            consent_id=consent_id,
            issued_at=unit.wall,
            expires_at=WallTime(unit.wall + _LIFE),
        )
        unit.tokens.insert_refresh_token(row)


def _decide_all(container: Container, data: Dataset) -> None:
    """Requests the stored decisions: those of one merchant in order, those of several at once."""
    by_merchant: dict[int, list[StoredDecision]] = {}
    for decision in data.stored_decisions():
        by_merchant.setdefault(decision.user.merchant, []).append(decision)

    def decide(decisions: list[StoredDecision]) -> None:
        for decision in decisions:
            _decide(container, decision)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(decide, by_merchant.values()))


def _decide(container: Container, decision: StoredDecision) -> None:
    principal = principal_of(container, decision.user.token)
    status = request_decision(container, principal, decision.reference, decision.deposit).status
    if (status == "APPROVED") is not decision.approved:
        raise RuntimeError(f"The gateway decided {status} about {decision.reference}.")


def principal_of(container: Container, token: str) -> Principal:
    """Returns the principal of an access token."""
    return container.database.read(lambda unit: check_token(unit, token, None, container.environment))


def request_decision(container: Container, principal: Principal, reference: str, deposit: int) -> DecisionState:
    """Requests a waiver of a deposit in minor units, and returns the decision."""
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    ask = CarRentalAsk(
        deposit=Money(deposit, "CNY"),
        vehicle_value=Money(18_000_000, "CNY"),
        rental=Period(start, start + timedelta(days=3)),
    )
    command = RequestCommand(f"key-{reference}", reference, "carRental", ask, None)
    return container.requester.request(principal, command).decision
