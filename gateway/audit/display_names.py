"""Names of merchants and clients that could not be registered any more. They keep working."""

from collections.abc import Iterator
from itertools import combinations

from gateway.domain.display_name import LOOKS_LIKE_ANOTHER, find_name_problem, looks_like
from gateway.store.unit import UnitOfWork


def find_unclear_names(unit: UnitOfWork) -> Iterator[str]:
    """Yields a sentence for each name that persons could take for something else or for another merchant: the id of its
    owner and the rule, without the name."""
    merchants = unit.merchants.list_merchants()
    clients = [client for client in unit.clients.list_clients() if client.disabled_at is None]
    names = [(row.id, row.name) for row in merchants] + [(row.id, row.name) for row in clients]
    for owner, name in names:
        problem = find_name_problem(name)
        if problem is not None:
            yield f"{owner}: {problem}"
    for first, second in combinations(merchants, 2):
        if looks_like(first.name, second.name):
            yield f"{second.id}: {LOOKS_LIKE_ANOTHER} See {first.id}."
    for client in clients:
        for merchant in merchants:
            if merchant.id != client.merchant_id and looks_like(client.name, merchant.name):
                yield f"{client.id}: {LOOKS_LIKE_ANOTHER} See {merchant.id}."
