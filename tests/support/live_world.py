"""A live deployment with merchants of several partners and persons with fixed scores, for tests that call services."""

import base64
from collections.abc import Callable, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any, TypeVar

from pydantic import SecretStr

from gateway.domain.consents.authorization_detail import AuthorizationDetail
from gateway.domain.consents.consent import Consent
from gateway.domain.errors import GatewayError
from gateway.domain.identity.principal import Principal
from gateway.domain.merchants import Contract
from gateway.domain.money import Money
from gateway.domain.scope import TokenKind, expand
from gateway.domain.scoring.score import Measurement
from gateway.domain.scoring.tier import Tier, tier_of
from gateway.kit.clock import BusinessTime, WallTime
from gateway.services.query_unit import Needs, QueryUnit
from gateway.settings import EnvironmentName, read_settings
from tests.support.clock import MovableClock
from tests.support.fapi import new_key, public
from tests.support.units import reading, writing
from tests.support.world import World

T = TypeVar("T")
TIERS = frozenset({Tier.BUILDING, Tier.FAIR, Tier.GOOD, Tier.VERY_GOOD, Tier.EXCELLENT})
CONTRACT = Contract(askable_tiers=TIERS, ceiling=Money(5_000_000, "CNY"), consent_life=timedelta(days=90))
"""A contract with five tiers, the most that a merchant can ask about."""


class FixedScores:
    """A score source with one score, or one error, for each person."""

    def __init__(self) -> None:
        self.scores: dict[str, int | GatewayError | None] = {}

    def measure(self, user_id: str, now: BusinessTime) -> Measurement:
        """The person's score, valid for a day. Raises the person's error."""
        score = self.scores[user_id]
        if isinstance(score, GatewayError):
            raise score
        return Measurement(score, tier_of(score), now, BusinessTime(now + timedelta(days=1)))


class LiveWorld(World):
    """A live deployment with the settings' defaults, except for `settings`. Its persons belong to no partner. Their
    scores are fixed ones, unless the settings name a remote provider."""

    clock: MovableClock

    def __init__(self, url: str, clock: MovableClock, **settings: Any) -> None:
        self.source, self._count = FixedScores(), 0
        live = read_settings(
            environment=EnvironmentName.LIVE,
            secret_key=SecretStr(base64.b64encode(sha256(b"a live deployment of the tests").digest()).decode()),
            issuer="https://gateway.example",
            adapters="car_rental,online_shop",
            database_url=url,
            **settings,
        )
        super().__init__(live, clock, source=self.source if live.score_source == "scorecard" else None)

    def add_merchant(self, partner: str) -> str:
        """Creates a car rental merchant of this partner, with CONTRACT; returns the id of its client."""
        merchants, self._count = self.container.merchants, self._count + 1
        with writing(self.database) as unit:
            merchant = merchants.register(unit, merchants.ensure_partner(unit, partner), f"Cars {self._count}")
            merchants.replace_contract(unit, merchant.id, CONTRACT)
            merchants.enable(unit, merchant.id, "car_rental")
            name = f"Website {self._count}"
            row, _ = self.container.clients.register(
                unit,
                merchant.id,
                name,
                ["https://cars.example/cb"],
                profile="fapi2",
                jwks={"keys": [public(new_key())]},
            )
            return row.id

    def add_person(self, score: int | None) -> str:
        """Creates a person with this score; returns the user id."""
        self._count += 1
        with writing(self.database) as unit:
            user = self.container.accounts.register(
                unit, username=f"person-{self._count}", password_hash="", display_name=f"Person {self._count}"
            )
        self.source.scores[user.id] = score
        return user.id

    def grant(self, person: str, client: str, *details: AuthorizationDetail, scopes: Sequence[str] = ()) -> Consent:
        """Grants a consent of the person to the client."""
        with writing(self.database) as unit:
            row = unit.clients.load(client)
            assert row is not None
            merchant = unit.merchants.load(row.merchant_id)
            assert merchant is not None
            request = self.container.consents.complete_request(unit, merchant, scopes, details)
            return self.container.consents.grant(unit, row, person, request)

    def token(self, client: str, consent: Consent | None = None) -> Principal:
        """The principal of a user token with this consent, or of a merchant token without one, checked now."""
        with reading(self.database) as unit:
            row = unit.clients.load(client)
            assert row is not None
            merchant = unit.merchants.load(row.merchant_id)
            assert merchant is not None
            now = unit.business_time(merchant.id)
        scopes = consent.scopes if consent else ("decisions:write",)
        return Principal(
            kind=TokenKind.USER if consent else TokenKind.MERCHANT,
            partner_id=merchant.partner_id,
            merchant_id=merchant.id,
            client_id=client,
            client_name=row.name,
            scopes=tuple(scopes),
            allowed=expand(scopes),
            token_expires_at=WallTime(self.clock() + timedelta(minutes=5)),
            now=now,
            consent=consent,
        )

    def query(self, principal: Principal, execute: Callable[[QueryUnit], T]) -> T | GatewayError:
        """Runs a function as the engine runs a query document. Returns its result or its error."""

        def attempt(query: QueryUnit) -> T | GatewayError:
            try:
                return execute(query)
            except GatewayError as error:  # a resolver's error is part of the response
                return error

        return self.container.queries.run_query(principal, Needs(), attempt)
