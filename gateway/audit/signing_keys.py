"""Finds rows of signing keys that this deployment did not write. It needs the master key."""

from collections.abc import Iterator

from gateway.store.unit import UnitOfWork


def find_mismatches(unit: UnitOfWork) -> Iterator[str]:
    """Yields a sentence for each signing key whose sealed half does not open to it. Such a key is neither published nor
    used, but `log verify` without --trust accepts it."""
    for kid in unit.keys.list_foreign():
        yield f"Signing key {kid}: its sealed half does not open to it, so this deployment did not write it."
