"""Public keys of clients that could not be registered any more. Nothing that they sign is accepted."""

from collections.abc import Iterator

from gateway.kit.jose import JoseRefused, public_key
from gateway.store.unit import UnitOfWork


def find_unusable_keys(unit: UnitOfWork) -> Iterator[str]:
    """Yields a sentence for each stored key of an enabled client that is not accepted any more: the client's id, the
    place of the key in its set, counted from 1, and the rule. Keys at a jwks_uri are not stored."""
    for client in unit.clients.list_clients():
        if client.disabled_at is not None or client.jwks is None:
            continue
        for place, jwk in enumerate(client.jwks["keys"], 1):
            try:
                public_key(jwk)
            except JoseRefused as refused:
                yield f"{client.id}: key {place} of its jwks is not accepted any more. {refused}"
