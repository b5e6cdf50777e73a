"""What a request for consent comes to once adapters and contract have filled its gaps."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gateway.domain.authorization_detail import LEVELS, MOST_DETAILS, AuthorizationDetail
from gateway.domain.consent_request import Request
from gateway.domain.contract import Contract
from gateway.domain.errors import InvalidInput
from gateway.domain.product import Product
from gateway.domain.scope import SCOPES
from gateway.store import merchants
from gateway.store.database import Session
from gateway.store.merchants import MerchantRow
from merchants.registry import AdapterRegistry

_REQUEST, _PREVIEW = "decisions:request", "decisions:preview"
Purposes = dict[Product, tuple[str, ...]]
"""The default purposes of each enabled product, in the order of the adapters' keys."""


def complete(
    session: Session,
    adapters: AdapterRegistry,
    merchant: MerchantRow,
    scopes: Sequence[str],
    details: Sequence[AuthorizationDetail],
) -> Request:
    """See ConsentService.complete."""
    purposes = _purposes(session, adapters, merchant.id)
    wanted = {*scopes, *(detail.scope for detail in details)}
    whole: list[AuthorizationDetail] = []
    for index, detail in enumerate(details):
        try:
            whole += _completed(detail, purposes, merchant.contract)
        except InvalidInput as error:
            raise error.under(str(index)) from None
    for detail in _shorthand(scopes, details, purposes):
        whole += _completed(detail, purposes, merchant.contract)
    whole = list(dict.fromkeys(whole))
    if len(whole) > MOST_DETAILS:
        raise InvalidInput("INVALID", f"Together these are more than {MOST_DETAILS} authorization details.")
    return Request(tuple(name for name in SCOPES if name in wanted), tuple(whole))


def _purposes(session: Session, adapters: AdapterRegistry, merchant_id: str) -> Purposes:
    purposes: Purposes = {}
    for key in merchants.enabled(session, merchant_id):
        adapter = adapters.get(key)
        if adapter is not None:
            known = purposes.get(adapter.product, ())
            purposes[adapter.product] = tuple(dict.fromkeys((*known, adapter.default_purpose)))
    return purposes


def _completed(detail: AuthorizationDetail, purposes: Purposes, contract: Contract) -> Iterator[AuthorizationDetail]:
    """One detail or, where it leaves the purpose open and its products differ in theirs, one for each purpose."""
    _require_covered(detail, purposes, contract)
    for purpose, products in _by_purpose(detail, purposes):
        yield replace(detail, products=products).completed(
            purpose=purpose, duration=contract.consent_life, ceiling=contract.ceiling
        )


def _shorthand(
    scopes: Sequence[str], details: Sequence[AuthorizationDetail], purposes: Purposes
) -> Iterator[AuthorizationDetail]:
    """The details that the scopes stand for where no detail does. An optional detail stands for its own scope, not
    for the lower ones: those are not optional."""
    levels = [level for level in LEVELS if f"score:{level}" in scopes]
    if levels and not any(_stands_for(detail, levels[-1]) for detail in details if detail.level):
        yield AuthorizationDetail("score", level=levels[-1])
    if {_REQUEST, _PREVIEW} & set(scopes) and not any(detail.type == "decision" for detail in details):
        if not purposes:
            raise InvalidInput("PRODUCT_NOT_ENABLED", "The merchant has no product enabled.")
        yield AuthorizationDetail("decision", products=tuple(p for p in Product if p in purposes))


def _stands_for(detail: AuthorizationDetail, level: str) -> bool:
    above = LEVELS.index(detail.level or level) - LEVELS.index(level)
    return above == 0 or (above > 0 and not detail.optional)


def _require_covered(detail: AuthorizationDetail, purposes: Purposes, contract: Contract) -> None:
    missing = [product for product in detail.products if product not in purposes]
    if missing:
        raise InvalidInput("PRODUCT_NOT_ENABLED", f"{missing[0]} is not enabled for this merchant.", ("products",))
    amount, ceiling = detail.maximum_amount, contract.ceiling
    if amount is not None and amount.currency != ceiling.currency:
        raise InvalidInput(
            "UNSUPPORTED_CURRENCY", f"The contract is in {ceiling.currency}.", ("maximum_amount", "currency")
        )
    if amount is not None and not amount <= ceiling:
        raise InvalidInput("INVALID_AMOUNT", f"The contract's ceiling is {ceiling}.", ("maximum_amount", "amount"))
    if detail.type == "score" and detail.purpose is None and not purposes:
        raise InvalidInput("INVALID", "Without an enabled product a purpose must be named.", ("purpose",))


def _by_purpose(detail: AuthorizationDetail, purposes: Purposes) -> Iterator[tuple[str, tuple[Product, ...]]]:
    if detail.purpose is not None:
        yield detail.purpose, detail.products
    elif detail.type == "score":
        yield next(iter(purposes.values()))[0], ()
    else:
        for purpose in dict.fromkeys(name for product in detail.products for name in purposes[product]):
            yield purpose, tuple(product for product in detail.products if purpose in purposes[product])
