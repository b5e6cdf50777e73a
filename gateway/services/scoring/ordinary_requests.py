"""What merchants would decide about an ordinary request at a person's tier, and at the next one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.domain.consents.consent import ConsentStatus
from gateway.domain.decisions.outcome import Outcome
from gateway.domain.merchants import Product
from gateway.domain.money import Money
from gateway.domain.scoring.score import Measurement
from gateway.domain.scoring.tier import Tier
from gateway.kit.clock import BusinessTime
from gateway.services.policies.ordinary_asks import OrdinaryAskService
from gateway.store.identity.users import UserRow
from gateway.store.unit import UnitOfWork
from merchants.adapter import MerchantAdapter, Person
from merchants.person import STARTER_TIERS

MOST_MERCHANTS = 20
"""The number of merchants that are listed at most."""


@dataclass(frozen=True, slots=True)
class OrdinaryRequest:
    """An ordinary request to a merchant. `outcomes` are that at the person's tier and that at the next one, if there is
    one."""

    merchant_name: str
    product: Product
    requested: Money
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class OrdinaryRequests:
    """Ordinary requests, by name of the merchant. `is_consented`: they are to the merchants with an active consent of
    the person; if there are none, to all merchants that the person can give one. `has_more`: there are more merchants
    than are listed."""

    requests: tuple[OrdinaryRequest, ...]
    is_consented: bool
    has_more: bool


class OrdinaryRequestService:
    """Decides the ordinary request of each merchant's adapters, as if the person had no other agreement and nothing
    were overdue or broken. Nothing is written."""

    def __init__(self, asks: OrdinaryAskService) -> None:
        self._asks = asks

    def list_requests(
        self, unit: UnitOfWork, user: UserRow, measurement: Measurement, next_tier: Tier | None
    ) -> OrdinaryRequests:
        """Returns the ordinary requests of a person with this measurement."""
        names = _consented(unit, user.id)
        is_consented = bool(names)
        if not names:
            names = {each.id: each.name for each in unit.merchants.list_merchants(user.partner_id)}
        enabled = unit.merchants.load_enabled_adapters(names)
        listed = sorted((merchant_id for merchant_id in names if enabled[merchant_id]), key=lambda each: names[each])
        shown = listed[:MOST_MERCHANTS]
        unit.load_counterparts(shown)
        persons = [_person(measurement, tier) for tier in (measurement.tier, next_tier) if tier is not None]
        requests = tuple(
            self._decide(names[merchant_id], adapter, persons)
            for merchant_id in shown
            for adapter in self._asks.list_adapters(unit, merchant_id, enabled[merchant_id])
        )
        return OrdinaryRequests(requests, is_consented, len(listed) > MOST_MERCHANTS)

    def starter_limits(self, tier: Tier) -> tuple[Money, ...]:
        """Returns the credit limits of a starter of this tier, without those that are zero. Other tiers have none."""
        if tier not in STARTER_TIERS:
            return ()
        limits = (self._asks.credit_limits.limit(tier, currency) for currency in self._asks.credit_limits.currencies)
        return tuple(limit for limit in limits if limit.minor)

    def _decide(self, name: str, adapter: MerchantAdapter[Any], persons: Sequence[Person]) -> OrdinaryRequest:
        decided = [self._asks.decide(adapter, person) for person in persons]
        return OrdinaryRequest(name, adapter.product, decided[0].requested, tuple(each.outcome for each in decided))


def _person(measurement: Measurement, tier: Tier) -> Person:
    """The person at a tier, without other agreements and with nothing overdue or broken."""
    return Person.of(replace(measurement, tier=tier, open_overdue=0, open_breaches=0), has_exposure=False)


def _consented(unit: UnitOfWork, user_id: str) -> dict[str, str]:
    """The names of the merchants with an active consent, by id."""
    consents = unit.consents.list_of_user(user_id)
    merchants = unit.load_counterparts({each.merchant_id for each in consents})

    def is_active(merchant_id: str, now: BusinessTime) -> bool:
        return any(each.merchant_id == merchant_id and each.status(now) is ConsentStatus.ACTIVE for each in consents)

    return {
        merchant_id: merchant.name
        for merchant_id, merchant in merchants.items()
        if is_active(merchant_id, unit.business_time(merchant_id))
    }
