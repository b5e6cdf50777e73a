"""A sandbox with the demo partner, for tests that call services."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar, cast

from gateway.audit import reconciliation
from gateway.domain.consents.authorization_detail import AuthorizationDetail
from gateway.domain.consents.consent import Consent
from gateway.domain.environment import SANDBOX
from gateway.domain.errors import GatewayError
from gateway.domain.identity.principal import Principal
from gateway.domain.policies.rule import Verdict
from gateway.domain.scope import TokenKind, expand
from gateway.domain.scoring.score import Measurement
from gateway.kit.clock import BusinessTime, WallTime, business_time
from gateway.services.decisions.requests import RequestCommand, RequestResult
from gateway.services.decisions.shadows import ShadowPolicies
from gateway.services.identity.persona_records import CATALOGUE
from gateway.services.query_unit import Needs, QueryUnit
from gateway.services.seeding import PARTNER, Seed
from gateway.sources.contract import ScoreSource
from gateway.sources.scorecard.card_files import load_cards
from gateway.sources.scorecard.source import ScorecardSource
from gateway.store.logs.sealed_log import SealedEntry, SealedLog
from gateway.store.unit import UnitOfWork
from merchants.adapter import MerchantAdapter
from merchants.car_rental.adapter import CarRental
from merchants.online_shop.adapter import OnlineShop
from merchants.registry import AdapterRegistry
from tests.fixtures.settings import sandbox_settings
from tests.support.clock import MovableClock
from tests.support.policy import with_rules
from tests.support.units import reading, writing
from tests.support.world import World

T = TypeVar("T")


class ReferringCars(CarRental):
    """Car rental with a manual review for the tier FAIR."""

    policy = with_rules(
        CarRental.policy,
        [
            replace(rule, verdict=Verdict.REFER, share=None, maximum=None) if rule.id == "fair" else rule
            for rule in CarRental.policy.rules
        ],
        "referring",
    )


class InterruptedSource:
    """A score source that calls `act` while it measures a score: between the two phases of a request."""

    def __init__(self, world: "DemoWorld", act: Callable[[], object]) -> None:
        self._act, self._source = act, world.source

    def measure(self, user_id: str, now: BusinessTime) -> Measurement:
        measured = self._source.measure(user_id, now)
        self._act()
        return measured


class DemoWorld(World):
    """A sandbox with the demo partner. `source`, `adapters` and `shadows` replace the container's parts; `settings` are
    further settings."""

    clock: MovableClock

    def __init__(
        self,
        url: str,
        clock: MovableClock,
        *,
        source: ScoreSource | None = None,
        adapters: Sequence[type[MerchantAdapter[Any]]] = (CarRental, OnlineShop),
        shadows: ShadowPolicies | None = None,
        **settings: Any,
    ) -> None:
        self._url = url
        self._variants: list[DemoWorld] = []
        super().__init__(
            sandbox_settings(**{"database_url": url, "inquiries_per_hour": 10_000, **settings}),
            clock,
            source=source,
            registry=AdapterRegistry(adapters),
            shadows=shadows,
        )
        container = self.container
        self.ids, self.registry = container.ids, container.registry
        self.source = ScorecardSource(container.database, load_cards(), container.ids)
        self.access_log, self.scores, self.inquiries = container.access_log, container.scores, container.inquiries
        self.queries, self.decisions, self.requester = container.queries, container.decisions, container.requester
        self.transitions, self.scheduler, self.reviews = container.transitions, container.scheduler, container.reviews
        self.disputes, self.obligations, self.claims = container.disputes, container.obligations, container.claims
        self.receipts, self.policies, self.overrides = container.receipts, container.policies, container.overrides
        self.accounts, self.personas, self.logins = container.accounts, container.personas, container.logins
        self.consents, self.clients, self.merchants = container.consents, container.clients, container.merchants
        self.seeding = container.seeding
        self.seed: Seed

    @property
    def now(self) -> BusinessTime:
        """The business time of a partner without a clock offset."""
        return business_time(self.clock(), 0)

    def close(self) -> None:
        """Closes the connections of this world and of its variants."""
        for each in self._variants:
            each.close()
        super().close()

    def variant(self, **options: Any) -> "DemoWorld":
        """The same deployment with other options of `DemoWorld`. It is closed together with this one."""
        other = DemoWorld(self._url, self.clock, **options)
        self._variants.append(other)
        other.seed = self.seed
        return other

    def interrupt_scoring(self, act: Callable[[], object]) -> "DemoWorld":
        """The same deployment, with a score source that calls `act` while it measures a score."""
        return self.variant(source=InterruptedSource(self, act))

    def seed_demo(self) -> Seed:
        """Creates the demo partner if it does not exist, and returns its seed. Creates the signing key as a server does
        at its start."""
        self.seed = self.seeding.seed_demo()
        self.database.write(lambda unit: unit.keys.ensure_signing_key())
        with reading(self.database) as unit:
            partner = unit.partners.load_by_name(PARTNER)
            assert partner is not None
            self.partner_id = partner.id
        return self.seed

    def second_partner(self) -> str:
        """Creates a partner "other" with a car rental merchant and its own personas; returns the client's id."""
        hashes = {each.handle: self.accounts.hash_password(f"password of {each.handle}") for each in CATALOGUE}
        with writing(self.database) as unit:
            partner = self.merchants.ensure_partner(unit, "other")
            merchant = self.merchants.register(unit, partner, "Other Cars")
            self.merchants.enable(unit, merchant.id, "car_rental")
            self.personas.provision(unit, partner, hashes)
            row, _ = self.clients.register(unit, merchant.id, "Other website", ["https://other.example/cb"])
            return row.id

    def merchant(self, adapter: str = "car_rental") -> str:
        return next(each.id for each in self.seed.merchants if each.adapter == adapter)

    def client(self, adapter: str = "car_rental") -> str:
        return next(each.client.client_id for each in self.seed.merchants if each.adapter == adapter)

    def backend(self, adapter: str = "car_rental") -> str:
        """The id of the merchant's fapi2 client."""
        return next(each.backend.client_id for each in self.seed.merchants if each.adapter == adapter)

    def user(self, handle: str, partner: str = "demo") -> str:
        with reading(self.database) as unit:
            row = unit.users.load_by_username(f"{handle}@{partner}")
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
        """Grants a consent of a persona to a client, by default to the car rental's, for score:exact and
        decisions:request."""
        user_id = self.user(handle, partner)
        requested = scopes if scopes or details else ("score:exact", "decisions:request")
        with writing(self.database) as unit:
            row = unit.clients.load(client or self.client())
            assert row is not None
            merchant = unit.merchants.load(row.merchant_id)
            assert merchant is not None
            request = self.consents.complete_request(unit, merchant, requested, details)
            return self.consents.grant(unit, row, user_id, request)

    def revoke(self, consent: Consent) -> None:
        with writing(self.database) as unit:
            self.consents.revoke(unit, consent.id, consent.user_id)

    def user_token(self, consent: Consent) -> Principal:
        """The principal of a user token with this consent, checked now."""
        return self._principal(TokenKind.USER, consent.client_id, consent.scopes, consent)

    def merchant_token(self, client: str | None = None) -> Principal:
        """The principal of a merchant token with all scopes, checked now."""
        scopes = SANDBOX.offered(TokenKind.MERCHANT)
        return self._principal(TokenKind.MERCHANT, client or self.client(), scopes, None)

    def query(self, principal: Principal, execute: Callable[[QueryUnit], T], *, score: bool = False) -> T:
        """Runs a function with a query unit, as the engine runs a query document. Raises what the function raises.
        `score` is True if the document needs a score."""

        def attempt(query: QueryUnit) -> T | GatewayError:
            try:
                return execute(query)
            except GatewayError as error:  # a resolver's error is part of the response
                return error

        result = self.queries.run_query(principal, Needs(score), attempt)
        if isinstance(result, GatewayError):
            raise result
        return result

    def request(self, consent: Consent, command: RequestCommand) -> RequestResult:
        """Requests a decision with a user token of this consent."""
        return self.requester.request(self.user_token(consent), command)

    def personal_parts(self, log: str) -> list[dict[str, Any]]:
        """The decrypted personal parts of "decision_log" or "access_log", in order of id."""

        def read(unit: UnitOfWork) -> list[dict[str, Any]]:
            repository: SealedLog = getattr(unit, log)
            entries = unit.connection.execute(repository.TABLE.select().order_by(repository.TABLE.c.id)).all()
            return [repository.open_personal(cast("SealedEntry", entry)) or {} for entry in entries]

        return self.database.read(read)

    def mismatches(self) -> list[str]:
        """The mismatches that the reconciliation reports."""
        return self.database.read(lambda unit: list(reconciliation.find_mismatches(unit)))

    def exposure(self, handle: str = "excellent") -> int:
        """The exposure of a persona at all merchants, in minor units."""
        query = "SELECT exposure_minor FROM exposures WHERE user_id = :user"
        return sum(row[0] for row in self.rows(query, user=self.user(handle)))

    def _principal(self, kind: TokenKind, client_id: str, scopes: Sequence[str], consent: Consent | None) -> Principal:
        with reading(self.database) as unit:
            client = unit.clients.load(client_id)
            assert client is not None
            merchant = unit.merchants.load(client.merchant_id)
            assert merchant is not None
            partner = unit.partners.load(merchant.partner_id)
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
                token_expires_at=WallTime(self.clock() + timedelta(minutes=5)),
                now=business_time(self.clock(), offset),
                consent=consent,
            )
