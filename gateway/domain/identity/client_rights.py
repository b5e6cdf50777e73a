"""The rights of a client: scopes, and types of authorization details (RFC 9396 section 10)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gateway.domain import scope
from gateway.domain.consents.authorization_detail import TYPES
from gateway.domain.scope import SCOPES

_SCOPES_OF = {"score": "score:", "decision": "decisions:"}
"""The prefix of the user scopes that the details of each type correspond to."""


@dataclass(frozen=True, slots=True)
class Rights:
    """Scopes and detail types, each in the order of its registry."""

    scopes: tuple[str, ...] = ()
    types: tuple[str, ...] = ()

    @classmethod
    def of(cls, scopes: Iterable[str], types: Iterable[str]) -> "Rights":
        """Returns the rights in registry order, without repeats and unknown names."""
        wanted, kinds = set(scopes), set(types)
        return cls(tuple(name for name in SCOPES if name in wanted), tuple(name for name in TYPES if name in kinds))

    def split(self, allowed: "Rights") -> tuple["Rights", "Rights"]:
        """Returns the rights that `allowed` contains, and the rest. A scope also allows the scopes that it implies."""
        expanded = scope.expand(allowed.scopes)
        within = Rights.of((name for name in self.scopes if name in expanded), set(self.types) & set(allowed.types))
        return within, Rights.of(set(self.scopes) - set(within.scopes), set(self.types) - set(within.types))

    def __or__(self, other: "Rights") -> "Rights":
        return Rights.of((*self.scopes, *other.scopes), (*self.types, *other.types))

    def __bool__(self) -> bool:
        return bool(self.scopes or self.types)

    def document(self) -> dict[str, Any]:
        """Returns the rights as client metadata (RFC 7591 section 2, RFC 9396 section 10)."""
        return {"scope": " ".join(self.scopes), "authorization_details_types": list(self.types)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any] | None) -> "Rights":
        """Reads rights from their document; empty rights for None."""
        stored = document or {}
        return cls.of(scope.parse(stored.get("scope")), stored.get("authorization_details_types", ()))


def usable_scopes(scopes: Iterable[str], types: Sequence[str] | None) -> frozenset[str]:
    """Returns the scopes that tokens of a client with these rights may hold, including implied scopes. A client without
    a type has none of the user scopes of that type. `types` None means all types."""
    return _usable_scopes(tuple(scopes), None if types is None else tuple(types))


@lru_cache(maxsize=1024)
def _usable_scopes(scopes: tuple[str, ...], types: tuple[str, ...] | None) -> frozenset[str]:
    """Cached, because every request of a client has the same rights."""
    excluded = tuple(prefix for name, prefix in _SCOPES_OF.items() if types is not None and name not in types)
    expanded = scope.expand(scopes)
    return frozenset(
        name for name in expanded if SCOPES[name].kind is scope.TokenKind.MERCHANT or not name.startswith(excluded)
    )
