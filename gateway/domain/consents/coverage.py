"""What a merchant can use of a consent, and whether a change of the consent took some of it away."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

from gateway.domain import scope as registry_of_scopes
from gateway.domain.consents.authorization_detail import LEVELS, AuthorizationDetail
from gateway.domain.consents.request import Request

_PREVIEW = "decisions:preview"


def remaining_details(details: Iterable[AuthorizationDetail], elapsed: timedelta) -> Iterator[AuthorizationDetail]:
    """Yields the details that have not expired `elapsed` after they were granted. The duration of each is its remaining
    time, in whole seconds."""
    for detail in details:
        if detail.duration is None:
            continue  # a granted detail has one
        whole = timedelta(seconds=(detail.duration - elapsed) // timedelta(seconds=1))
        if whole > timedelta(0):
            yield replace(detail, duration=whole)


def details_within(details: Iterable[AuthorizationDetail], scopes: Iterable[str]) -> list[AuthorizationDetail]:
    """The part of a consent's details that a token with these scopes can use. A level above the token's level is
    lowered to it."""
    held = registry_of_scopes.expand(scopes)
    levels = [level for level in LEVELS if f"score:{level}" in held]
    within = []
    for detail in details:
        if detail.type == "decision" and _PREVIEW in held:
            within.append(detail)
        if detail.level is not None and levels:
            level = min(detail.level, levels[-1], key=LEVELS.index)
            within.append(replace(detail, level=level))
    return within


def allows_less(after: Request, before: Request, elapsed: timedelta) -> bool:
    """Whether the merchant can use something of `before` that `after` does not allow, or not for as long. `before` was
    granted `elapsed` ago, `after` now. Parts of a second do not count, because a merge rounds the remaining time of
    each detail down."""
    held = tuple(remaining_details(before.details, elapsed))
    if held and after.duration < Request(before.scopes, held).duration:
        return True
    scopes = registry_of_scopes.restrict(before.scopes, registry_of_scopes.expand(detail.scope for detail in held))
    if not registry_of_scopes.expand(after.scopes).issuperset(scopes):
        return True
    usable = details_within(after.details, after.scopes)
    return not all(
        any(detail.covers(part) for detail in usable)
        for whole in details_within(held, scopes)
        for part in _by_product(whole)
    )


def _by_product(detail: AuthorizationDetail) -> Iterator[AuthorizationDetail]:
    """Yields a detail for each product, because several details can cover the products of one. Yields a score detail as
    it is."""
    if not detail.products:
        yield detail
    for product in detail.products:
        yield replace(detail, products=(product,))
