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
    """An ordinary request to a merchant. `is_consented`: the person has given the merchant a consent. `outcomes` are
    that at the person's tier and that at the next one, if there is one."""

    merchant_name: str
    is_consented: bool
    product: Product
    requested: Money
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class OrdinaryRequests:
    """Ordinary requests to all merchants that the person can give a consent: first those with an active consent, each
    part by name of the merchant. `has_more`: there are more merchants than are listed."""

    requests: tuple[OrdinaryRequest, ...]
    has_more: bool

    @property
    def has_consented(self) -> bool:
        """Whether a merchant of the list has an active consent."""
        return any(each.is_consented for each in self.requests)


class OrdinaryRequestService:
    """Decides the ordinary request of each merchant's adapters, as if the person had no other agreement and nothing
    were overdue or broken. Nothing is written."""

    def __init__(self, asks: OrdinaryAskService) -> None:
        self._asks = asks

    def list_requests(
        self, unit: UnitOfWork, user: UserRow, measurement: Measurement, next_tier: Tier | None
    ) -> OrdinaryRequests:
        """Returns the ordinary requests of a person with this measurement."""
        consented = _consented(unit, user.id)
        names = {each.id: each.name for each in unit.merchants.list_merchants(user.partner_id)} | consented
        enabled = unit.merchants.load_enabled_adapters(names)
        listed = sorted(
            (merchant_id for merchant_id in names if enabled[merchant_id]),
            key=lambda each: (each not in consented, names[each], each),
        )
        shown = listed[:MOST_MERCHANTS]
        unit.load_counterparts(shown)
        persons = [_person(measurement, tier) for tier in (measurement.tier, next_tier) if tier is not None]
        requests = tuple(
            self._decide(names[merchant_id], adapter, persons, is_consented=merchant_id in consented)
            for merchant_id in shown
            for adapter in self._asks.list_adapters(unit, merchant_id, enabled[merchant_id])
        )
        return OrdinaryRequests(requests, len(listed) > MOST_MERCHANTS)

    def starter_limits(self, tier: Tier) -> tuple[Money, ...]:
        """Returns the credit limits of a starter of this tier, without those that are zero. Other tiers have none."""
        if tier not in STARTER_TIERS:
            return ()
        limits = (self._asks.credit_limits.limit(tier, currency) for currency in self._asks.credit_limits.currencies)
        return tuple(limit for limit in limits if limit.minor)

    def _decide(
        self, name: str, adapter: MerchantAdapter[Any], persons: Sequence[Person], *, is_consented: bool
    ) -> OrdinaryRequest:
        decided = [self._asks.decide(adapter, person) for person in persons]
        outcomes = tuple(each.outcome for each in decided)
        return OrdinaryRequest(name, is_consented, adapter.product, decided[0].requested, outcomes)


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
