"""Completes a request for consent with the purposes of the merchant's adapters and the bounds of its contract."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gateway.domain.consents.authorization_detail import LEVELS, MOST_DETAILS, AuthorizationDetail
from gateway.domain.consents.request import Request
from gateway.domain.consents.threshold import with_one_minimum
from gateway.domain.errors import InvalidInput
from gateway.domain.merchants import Contract, Product
from gateway.domain.scope import SCOPES
from gateway.store.merchants.merchants import MerchantRow
from gateway.store.unit import UnitOfWork
from merchants.registry import AdapterRegistry

_REQUEST, _PREVIEW = "decisions:request", "decisions:preview"
Purposes = dict[Product, tuple[str, ...]]
"""The default purposes of each enabled product, in the order of the adapters' keys."""


class ScopesNotCovered(InvalidInput):
    """The merchant may ask for the details, but not for the details that the scopes imply."""


def complete_request(
    unit: UnitOfWork,
    adapters: AdapterRegistry,
    merchant: MerchantRow,
    scopes: Sequence[str],
    details: Sequence[AuthorizationDetail],
) -> Request:
    """The complete request. ConsentService.complete_request describes it."""
    purposes = _load_purposes(unit, adapters, merchant.id)
    requested_scopes = {*scopes, *(detail.scope for detail in details)}
    details = with_one_minimum(details)
    completed: list[AuthorizationDetail] = []
    for index, detail in enumerate(details):
        try:
            completed += _complete_detail(detail, purposes, merchant.contract)
        except InvalidInput as error:
            raise error.with_prefix(str(index)) from None
    completed = _without_duplicates(completed)
    try:
        for detail in _details_of_scopes(scopes, details, purposes):
            completed += _complete_detail(detail, purposes, merchant.contract)
        completed = _without_duplicates(completed)
    except InvalidInput as error:
        raise ScopesNotCovered(error.code, error.message, error.field) from None
    return Request(tuple(name for name in SCOPES if name in requested_scopes), tuple(completed))


def _without_duplicates(details: Sequence[AuthorizationDetail]) -> list[AuthorizationDetail]:
    """The details without duplicates. Raises InvalidInput for more than MOST_DETAILS."""
    distinct = list(dict.fromkeys(details))
    if len(distinct) > MOST_DETAILS:
        raise InvalidInput("INVALID", f"There are more than {MOST_DETAILS} authorization details.")
    return distinct


def _load_purposes(unit: UnitOfWork, adapters: AdapterRegistry, merchant_id: str) -> Purposes:
    purposes: Purposes = {}
    for key in unit.merchants.list_enabled_adapters(merchant_id):
        adapter = adapters.get(key)
        if adapter is not None:
            known = purposes.get(adapter.product, ())
            purposes[adapter.product] = tuple(dict.fromkeys((*known, adapter.default_purpose)))
    return purposes


def _complete_detail(
    detail: AuthorizationDetail, purposes: Purposes, contract: Contract
) -> Iterator[AuthorizationDetail]:
    """The completed detail. A detail without a purpose becomes one detail for each default purpose of its products."""
    _require_covered(detail, purposes, contract)
    for purpose, products in _group_by_purpose(detail, purposes):
        yield replace(detail, products=products).completed(
            purpose=purpose, duration=contract.consent_life, ceiling=contract.ceiling
        )


def _details_of_scopes(
    scopes: Sequence[str], details: Sequence[AuthorizationDetail], purposes: Purposes
) -> Iterator[AuthorizationDetail]:
    """The details for those scopes that no detail covers. An optional detail covers its own scope but not the scopes of
    lower levels, because those are not optional."""
    levels = [level for level in LEVELS if f"score:{level}" in scopes]
    if levels and not any(_covers_level(detail, levels[-1]) for detail in details if detail.level):
        yield AuthorizationDetail("score", level=levels[-1])
    if {_REQUEST, _PREVIEW} & set(scopes) and not any(detail.type == "decision" for detail in details):
        if not purposes:
            raise InvalidInput("PRODUCT_NOT_ENABLED", "The merchant has no product enabled.")
        yield AuthorizationDetail("decision", products=tuple(p for p in Product if p in purposes))


def _covers_level(detail: AuthorizationDetail, level: str) -> bool:
    levels_above = LEVELS.index(detail.level or level) - LEVELS.index(level)
    return levels_above == 0 or (levels_above > 0 and not detail.optional)


def _require_covered(detail: AuthorizationDetail, purposes: Purposes, contract: Contract) -> None:
    missing = [product for product in detail.products if product not in purposes]
    if missing:
        raise InvalidInput("PRODUCT_NOT_ENABLED", f"{missing[0]} is not enabled for this merchant.", ("products",))
    amount, ceiling = detail.maximum_amount, contract.ceiling
    if amount is not None and amount.currency != ceiling.currency:
        raise InvalidInput(
            "UNSUPPORTED_CURRENCY", f"The contract's currency is {ceiling.currency}.", ("maximum_amount", "currency")
        )
    if amount is not None and not amount <= ceiling:
        raise InvalidInput("INVALID_AMOUNT", f"The contract's ceiling is {ceiling}.", ("maximum_amount", "amount"))
    if detail.minimum is not None and detail.minimum not in contract.askable_tiers:
        raise InvalidInput("INVALID", f"The contract does not allow asking about {detail.minimum}.", ("minimum",))
    if detail.type == "score" and detail.purpose is None and not purposes:
        raise InvalidInput("INVALID", "A merchant without an enabled product must name a purpose.", ("purpose",))


def _group_by_purpose(detail: AuthorizationDetail, purposes: Purposes) -> Iterator[tuple[str, tuple[Product, ...]]]:
    if detail.purpose is not None:
        yield detail.purpose, detail.products
    elif detail.type == "score":
        yield next(iter(purposes.values()))[0], ()
    else:
        for purpose in dict.fromkeys(name for product in detail.products for name in purposes[product]):
            yield purpose, tuple(product for product in detail.products if purpose in purposes[product])
