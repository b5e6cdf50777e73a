"""What a client may ask for: scopes, and types of authorization details (RFC 9396 section 10)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.domain import scope
from gateway.domain.consents.authorization_detail import TYPES
from gateway.domain.scope import SCOPES

_SCOPES_OF = {"score": "score:", "decision": "decisions:"}
"""By type: how the scopes of people's tokens begin that its details stand for."""


@dataclass(frozen=True, slots=True)
class Rights:
    """Scopes and detail types, each in the order of its registry."""

    scopes: tuple[str, ...] = ()
    types: tuple[str, ...] = ()

    @classmethod
    def of(cls, scopes: Iterable[str], types: Iterable[str]) -> "Rights":
        """In registry order, without repeats and unknown names."""
        wanted, kinds = set(scopes), set(types)
        return cls(tuple(name for name in SCOPES if name in wanted), tuple(name for name in TYPES if name in kinds))

    def split(self, allowed: "Rights") -> tuple["Rights", "Rights"]:
        """What of it is allowed, and what goes beyond. A higher scope allows those it implies."""
        held = scope.expand(allowed.scopes)
        within = Rights.of((name for name in self.scopes if name in held), set(self.types) & set(allowed.types))
        return within, Rights.of(set(self.scopes) - set(within.scopes), set(self.types) - set(within.types))

    def __or__(self, other: "Rights") -> "Rights":
        return Rights.of((*self.scopes, *other.scopes), (*self.types, *other.types))

    def __bool__(self) -> bool:
        return bool(self.scopes or self.types)

    def document(self) -> dict[str, Any]:
        """As client metadata (RFC 7591 section 2, RFC 9396 section 10)."""
        return {"scope": " ".join(self.scopes), "authorization_details_types": list(self.types)}

    @classmethod
    def read(cls, document: Mapping[str, Any] | None) -> "Rights":
        """What `document` made; nothing where there is none."""
        stored = document or {}
        return cls.of(scope.parse(stored.get("scope")), stored.get("authorization_details_types", ()))


def usable_scopes(scopes: Iterable[str], types: Sequence[str] | None) -> frozenset[str]:
    """The scopes that the tokens of a client with these rights may hold, the implied ones too. Scopes that stand for
    details of a type go with the type; `types` None means all."""
    lacking = tuple(start for name, start in _SCOPES_OF.items() if types is not None and name not in types)
    expanded = scope.expand(scopes)
    return frozenset(
        name for name in expanded if SCOPES[name].kind is scope.TokenKind.MERCHANT or not name.startswith(lacking)
    )
