"""Merchants: their names, contracts and enabled adapters."""

from datetime import timedelta
from difflib import get_close_matches
from typing import Any

from gateway.domain.display_name import LOOKS_LIKE_ANOTHER, find_name_problem, looks_like
from gateway.domain.duration import LONGEST
from gateway.domain.errors import InvalidInput, NotFound
from gateway.domain.merchants import Contract, Product
from gateway.domain.money import MAX_MINOR, Money
from gateway.domain.scoring.tier import Tier
from gateway.kit.ids import Ids
from gateway.kit.text import is_blank, refused_character
from gateway.services.query_unit import QueryUnit
from gateway.store.merchants.merchants import MerchantRow
from gateway.store.merchants.partners import PartnerRow
from gateway.store.unit import UnitOfWork
from merchants.adapter import MerchantAdapter
from merchants.registry import AdapterRegistry

LONGEST_NAME = 100
DEFAULT_CONTRACT = Contract(
    askable_tiers=frozenset({Tier.EXCELLENT}), ceiling=Money(5_000_000, "CNY"), consent_life=timedelta(days=90)
)
"""The contract of a new merchant. It allows threshold inquiries about one tier only."""


class MerchantService:
    """Reads merchants for their tokens, and changes them for the operator in the caller's unit of work."""

    def __init__(self, registry: AdapterRegistry, ids: Ids) -> None:
        self._registry, self._ids = registry, ids

    def load_own_name(self, query: QueryUnit) -> str:
        """The name of the merchant of the token."""
        return query.read(lambda unit: self.require(unit, query.principal.merchant_id).name)

    def list_own_products(self, query: QueryUnit) -> tuple[Product, ...]:
        """The products of the merchant of the token, as `list_products` returns them."""
        return query.read(lambda unit: self.list_products(unit, query.principal.merchant_id))

    def list_products(self, unit: UnitOfWork, merchant_id: str) -> tuple[Product, ...]:
        """The products of the merchant's enabled adapters that are loaded, in the order of Product."""
        offered = {
            adapter.product
            for key in unit.merchants.list_enabled_adapters(merchant_id)
            if (adapter := self._registry.get(key)) is not None
        }
        return tuple(product for product in Product if product in offered)

    def require(self, unit: UnitOfWork, merchant_id: str, *, lock: bool = False) -> MerchantRow:
        """The merchant's row. With `lock` it is locked until the unit of work ends. Raises NotFound."""
        row = unit.merchants.lock(merchant_id) if lock else unit.merchants.load(merchant_id)
        if row is None:
            raise NotFound(f"There is no merchant {merchant_id}.")
        return row

    def require_partner(self, unit: UnitOfWork, name: str) -> PartnerRow:
        """The partner with exactly this name. Raises NotFound, with the most similar name there is."""
        row = unit.partners.load_by_name(name)
        if row is None:
            raise NotFound(f"There is no partner {name}.{self._similar_partner(unit, name)}", ("partner",))
        return row

    def create_partner(self, unit: UnitOfWork, name: str) -> PartnerRow:
        """A new partner. Raises InvalidInput for an invalid name, and for the name of a partner that exists."""
        if unit.partners.load_by_name(require_name(name, "partner")) is not None:
            raise InvalidInput("INVALID", f"There is a partner {name} already.", ("partner",))
        return self.ensure_partner(unit, name)

    @staticmethod
    def _similar_partner(unit: UnitOfWork, name: str) -> str:
        names = {row.name.lower(): row.name for row in unit.partners.list_partners()}
        similar = get_close_matches(name.lower(), names, n=1)
        return f" Did you mean {names[similar[0]]}?" if similar else ""

    def ensure_partner(self, unit: UnitOfWork, name: str) -> PartnerRow:
        """The partner with this name. Creates it if it does not exist. Raises InvalidInput for an invalid name."""
        row = unit.partners.load_by_name(require_name(name, "partner"))
        if row is None:
            row = PartnerRow(id=self._ids.new("ptn"), name=name, created_at=unit.wall)
            unit.partners.insert(row)
        return row

    def register(self, unit: UnitOfWork, partner: PartnerRow, name: str) -> MerchantRow:
        """Creates a merchant of the partner, with the default contract and no adapter. Raises InvalidInput."""
        row = MerchantRow(
            id=self._ids.new("mer"),
            partner_id=partner.id,
            name=require_display_name(unit, name, "merchant"),
            askable_tiers=[],
            ceiling_minor=0,
            ceiling_currency="",
            consent_seconds=0,
            created_at=unit.wall,
        )
        row.set_contract(DEFAULT_CONTRACT)
        unit.merchants.insert(row)
        return row

    def replace_contract(self, unit: UnitOfWork, merchant_id: str, contract: Contract) -> MerchantRow:
        """Replaces the contract. Existing consents do not change. Raises NotFound, InvalidInput."""
        if not 0 < contract.ceiling.minor <= MAX_MINOR:
            raise InvalidInput("INVALID", "The ceiling must be above zero, and not too large.", ("ceiling",))
        if not timedelta(minutes=1) <= contract.consent_life <= LONGEST:
            raise InvalidInput("INVALID", f"A consent lasts from 1 minute to {LONGEST.days} days.", ("consent_life",))
        row = self.require(unit, merchant_id, lock=True)
        row.set_contract(contract)
        unit.merchants.update(row)
        return row

    def require_adapter(self, key: str) -> MerchantAdapter[Any]:
        """The loaded adapter with this key. Raises NotFound."""
        if key not in self._registry:
            raise NotFound(f"No adapter {key} is loaded. Loaded: {', '.join(self._registry)}.")
        return self._registry[key]

    def enable(self, unit: UnitOfWork, merchant_id: str, adapter: str) -> bool:
        """Enables a loaded adapter for the merchant. False if it was enabled already. Raises NotFound, and InvalidInput
        if it conflicts with an enabled adapter."""
        self.require_adapter(adapter)
        merchant = self.require(unit, merchant_id)
        other = self._registry.conflicting_adapter(adapter, unit.merchants.list_enabled_adapters(merchant.id))
        if other is not None:
            message = f"The merchant has enabled {other.key}, which also decides {other.member}."
            raise InvalidInput("INVALID", message, ("adapter",))
        return unit.merchants.enable_adapter(merchant.id, adapter, unit.wall)


def require_name(name: str, noun: str) -> str:
    """Returns the name. Raises InvalidInput unless it has 1 to 100 printable characters."""
    if not 1 <= len(name) <= LONGEST_NAME or is_blank(name) or refused_character(name) or name != name.strip():
        raise InvalidInput("INVALID", f"A {noun}'s name has 1 to {LONGEST_NAME} printable characters.", ("name",))
    return name


def require_display_name(unit: UnitOfWork, name: str, noun: str, merchant_id: str | None = None) -> str:
    """Returns the name of a merchant, or of a client of the merchant `merchant_id`. No other name is registered until
    the unit of work ends. Raises InvalidInput at ("name",) as `require_name` does, and for a name that persons could
    take for something else or for another merchant."""
    require_name(name, noun)
    problem = find_name_problem(name)
    unit.deployment.lock()  # of two names that look alike, the second to be registered is refused
    others = (row.name for row in unit.merchants.list_merchants() if row.id != merchant_id)
    if problem is None and any(looks_like(name, other) for other in others):
        problem = LOOKS_LIKE_ANOTHER
    if problem is not None:
        raise InvalidInput("INVALID", problem, ("name",))
    return name
