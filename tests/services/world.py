"""A sandbox's services over a real database with the demo partner in it: what the tests of this floor act upon."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import text

from gateway.domain.authorization_detail import AuthorizationDetail
from gateway.domain.consent import Consent
from gateway.domain.exposure import Lines
from gateway.domain.money import Money
from gateway.domain.period import Period
from gateway.domain.principal import Principal
from gateway.domain.product import Product
from gateway.domain.realm import SANDBOX
from gateway.domain.scope import TokenKind, expand
from gateway.domain.score import Measurement
from gateway.kit.clock import business_time
from gateway.kit.ids import Ids
from gateway.kit.limits import limits
from gateway.services.access import AccessService
from gateway.services.accounts import AccountService
from gateway.services.assessment import Assessor
from gateway.services.clients import ClientService
from gateway.services.consents import ConsentService
from gateway.services.decision_clock import DecisionClock
from gateway.services.decision_moves import DecisionMover
from gateway.services.decision_record import DecisionRecorder
from gateway.services.decision_requests import NO_SHADOWS, DecisionRequester, RequestInput
from gateway.services.decision_reviews import DecisionReviewer
from gateway.services.decisions import DecisionService
from gateway.services.disputes import DisputeService
from gateway.services.merchants import MerchantService
from gateway.services.overrides import OverrideService
from gateway.services.personas import CATALOGUE, PersonaService
from gateway.services.questions import Questions
from gateway.services.reading import Reading
from gateway.services.scores import ScoreService
from gateway.services.seeding import Seed, Seeding
from gateway.services.shadows import Shadows
from gateway.sources.contract import ScoreSource
from gateway.sources.personas import PersonaSource
from gateway.store import books, clients, merchants, partners, users
from gateway.store.access_log import AccessLogRow
from gateway.store.database import Database, Session
from gateway.store.decision_log import DecisionLogRow
from gateway.store.keys import Keyring
from gateway.store.sealed_log import SealedLog
from gateway.store.tables import metadata
from merchants.car_rental.adapter import CarRental, CarRentalAsk
from merchants.contract import MerchantAdapter
from merchants.online_shop.adapter import OnlineOrderAsk, OnlineShop
from merchants.registry import AdapterRegistry
from tests.fixtures.settings import MASTER
from tests.support.clock import MovableClock

CHEAP = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
LINES = Lines.parse("FAIR 3000.00 CNY, GOOD 8000.00 CNY, VERY_GOOD 15000.00 CNY, EXCELLENT 30000.00 CNY")


class Meddling:
    """A score source that does something of ours while it measures: between the two phases of a request."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act, self._source = act, PersonaSource()

    def measure(self, session: Session, user_id: str, now: datetime) -> Measurement:
        measured = self._source.measure(session, user_id, now)
        self._act()
        return measured


class World:
    """Everything as gateway.bootstrap wires it, but for a cheap password hash and a score source of one's choice."""

    def __init__(
        self,
        database: Database,
        clock: MovableClock,
        source: ScoreSource | None = None,
        adapters: Sequence[type[MerchantAdapter[Any]]] = (CarRental, OnlineShop),
        shadows: Shadows = NO_SHADOWS,
    ) -> None:
        self.database, self.clock = database, clock
        self.ids = Ids(SANDBOX.mark)
        self.registry = AdapterRegistry(list(adapters))
        keyring = Keyring(MASTER, self.ids)
        self.decision_log = SealedLog(DecisionLogRow, keyring, self.ids)
        self.access_log = SealedLog(AccessLogRow, keyring, self.ids)
        self.recorder = AccessService(self.access_log)
        self.source: ScoreSource = source or PersonaSource()
        self.merchants = MerchantService(self.registry, self.ids)
        self.overrides = OverrideService(self.registry, self.merchants, self.ids, clock)
        assessor = Assessor(self.registry, self.source, LINES, self.overrides)
        records = DecisionRecorder(self.decision_log)
        self.life = DecisionClock(database, records, clock)
        self.questions = Questions(limits(None, clock), 10_000)
        requester = DecisionRequester(
            database, assessor, records, self.recorder, self.life, self.questions, self.ids, clock, shadows
        )
        mover = DecisionMover(database, records, clock)
        self.reviews = DecisionReviewer(database, assessor, records, self.life, clock)
        self.disputes = DisputeService(database, records, self.decision_log, self.ids, clock)
        self.decisions = DecisionService(assessor, requester, mover, self.questions, self.decision_log)
        self.scores = ScoreService(self.source, self.questions)
        self.accounts = AccountService(
            self.ids, idle_life=timedelta(minutes=30), session_life=timedelta(hours=12), hasher=CHEAP
        )
        self.consents = ConsentService(self.registry, self.ids, SANDBOX)
        self.clients = ClientService(self.ids, SANDBOX, self.consents)
        self.personas = PersonaService(self.registry, self.accounts, self.ids)
        self.seeding = Seeding(MASTER, self.registry, self.merchants, self.clients, self.personas, self.ids)
        self.seed: Seed

    def plant(self) -> Seed:
        """The demo partner, made or found."""
        with self.database.write() as session:
            self.seed = self.seeding.demo(session, self.clock())
        return self.seed

    def second_partner(self) -> str:
        """A partner "other" with a car rental merchant and personas of its own; answers its client's id."""
        now, passwords = self.clock(), {handle: f"password of {handle}" for handle, *_ in CATALOGUE}
        with self.database.write() as session:
            partner = self.merchants.partner(session, "other", now)
            merchant = self.merchants.register(session, partner, "Other Cars", now)
            self.merchants.enable(session, merchant.id, "car_rental", now)
            self.personas.provision(session, partner, passwords, now)
            row, _ = self.clients.register(session, merchant.id, "Other website", ["https://other.example/cb"], now)
            return row.id

    def with_source(self, source: ScoreSource) -> "World":
        """The same deployment with another score source."""
        other = World(self.database, self.clock, source)
        other.seed = self.seed
        return other

    def merchant(self, adapter: str = "car_rental") -> str:
        return next(each.id for each in self.seed.merchants if each.adapter == adapter)

    def client(self, adapter: str = "car_rental") -> str:
        return next(each.client.client_id for each in self.seed.merchants if each.adapter == adapter)

    def backend(self, adapter: str = "car_rental") -> str:
        """The client of the merchant that has a key of its own."""
        return next(each.backend.client_id for each in self.seed.merchants if each.adapter == adapter)

    def user(self, handle: str, partner: str = "demo") -> str:
        with self.database.read() as session:
            row = users.by_username(session, f"{handle}@{partner}")
            assert row is not None
            return row.id

    def grant(
        self,
        handle: str = "excellent",
        *details: AuthorizationDetail,
        client: str | None = None,
        scopes: Sequence[str] = (),
        partner: str = "demo",
    ) -> Consent:
        """The consent of a persona to a client (the car rental's), by default to score:exact and to requests."""
        user_id = self.user(handle, partner)
        wanted = scopes if scopes or details else ("score:exact", "decisions:request")
        with self.database.write() as session:
            row = clients.load(session, client or self.client())
            assert row is not None
            merchant = merchants.load(session, row.merchant_id)
            assert merchant is not None
            request = self.consents.complete(session, merchant, wanted, details)
            return self.consents.grant(session, row, user_id, request, self.clock())

    def revoke(self, consent: Consent) -> None:
        with self.database.write() as session:
            self.consents.revoke(session, consent.id, consent.user_id, self.clock())

    def acting(self, consent: Consent) -> Principal:
        """A user token of this consent, checked now."""
        return self._principal(TokenKind.USER, consent.client_id, consent.scopes, consent)

    def merchant_token(self, client: str | None = None) -> Principal:
        """A client credentials token with all scopes, checked now."""
        scopes = SANDBOX.offered(TokenKind.MERCHANT)
        return self._principal(TokenKind.MERCHANT, client or self.client(), scopes, None)

    def reading(self, principal: Principal) -> Reading:
        return Reading(self.database, principal, self.clock, self.recorder)

    def rows(self, query: str, **parameters: Any) -> list[Any]:
        """What a query finds in the database as it stands."""
        with self.database.engine.connect() as connection:
            return list(connection.execute(text(query), parameters))

    def execute(self, *statements: str) -> None:
        with self.database.engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def faults(self) -> list[str]:
        """Where the books disagree."""
        with self.database.read() as session:
            return list(books.faults(session, self.clock()))

    def held(self, handle: str = "excellent") -> int:
        """What the open promises of a persona take up of its line, in minor units."""
        query = "SELECT held_minor FROM exposures WHERE user_id = :user"
        return sum(row[0] for row in self.rows(query, user=self.user(handle)))

    def counts(self) -> dict[str, int]:
        """How many rows each table has."""
        return {name: self.rows(f"SELECT count(*) FROM {name}")[0][0] for name in metadata.tables}

    def contents(self) -> dict[str, list[str]]:
        """All rows of all tables."""
        return {name: sorted(map(repr, self.rows(f"SELECT * FROM {name}"))) for name in metadata.tables}

    def refuse_inserts(self, table: str) -> None:
        """From now on the database refuses new rows of this table."""
        if self.database.sqlite:
            self.execute(f"CREATE TRIGGER no_{table} BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'full'); END")
            return
        self.execute(
            f"CREATE FUNCTION no_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'full'; END $$",
            f"CREATE TRIGGER no_{table} BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION no_{table}()",
        )

    def allow_inserts(self, table: str) -> None:
        """Ends what `refuse_inserts` began."""
        self.execute(f"DROP TRIGGER no_{table}" + ("" if self.database.sqlite else f" ON {table}"))

    def _principal(self, kind: TokenKind, client_id: str, scopes: Sequence[str], consent: Consent | None) -> Principal:
        with self.database.read() as session:
            client = clients.load(session, client_id)
            assert client is not None
            merchant = merchants.load(session, client.merchant_id)
            assert merchant is not None
            partner = partners.load(session, merchant.partner_id)
            assert partner is not None
            offset = partner.clock_offset_seconds
            return Principal(
                kind=kind,
                partner_id=partner.id,
                merchant_id=merchant.id,
                client_id=client.id,
                client_name=client.name,
                scopes=tuple(scopes),
                allowed=expand(scopes),
                token_expires_at=business_time(self.clock(), offset) + timedelta(minutes=5),
                now=business_time(self.clock(), offset),
                clock_offset_seconds=offset,
                consent=consent,
            )


def car(now: datetime, deposit: str = "3000.00", *, currency: str = "CNY", reduction: bool = True) -> CarRentalAsk:
    """A rental of three days from tomorrow on."""
    return CarRentalAsk(
        deposit=Money.parse(deposit, currency),
        vehicle_value=Money.parse("180000.00", "CNY"),
        rental=Period(now + timedelta(days=1), now + timedelta(days=4)),
        accept_reduction=reduction,
    )


def order(amount: str = "300.00", days: int = 7) -> OnlineOrderAsk:
    return OnlineOrderAsk(amount=Money.parse(amount, "CNY"), pay_within=timedelta(days=days))


def asking(ask: object, key: str = "key-1", reference: str = "order-1", purpose: str | None = None) -> RequestInput:
    member = "onlineOrder" if isinstance(ask, OnlineOrderAsk) else "carRental"
    return RequestInput(key, reference, member, ask, purpose)


def waiver(
    ceiling: str, *, purpose: str | None = None, products: Sequence[Product] = (Product.DEPOSIT_WAIVER,)
) -> AuthorizationDetail:
    """A decision detail for deposit waivers up to this ceiling."""
    return AuthorizationDetail(
        "decision", products=tuple(products), maximum_amount=Money.parse(ceiling, "CNY"), purpose=purpose
    )
