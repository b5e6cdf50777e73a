"""The registry of scopes. SDL, consent page, documentation and the one check all read it.

A user token hangs from one consent; a merchant token (client credentials) from none. The issuer never mixes the
two kinds in one token. A higher scope implies the lower ones; the implication is expanded here and nowhere else.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


class TokenKind(StrEnum):
    USER = "user"
    MERCHANT = "merchant"


@dataclass(frozen=True, slots=True)
class Scope:
    """One scope: its name, the kind of token that may hold it, what it implies, and its sentence for people."""

    name: str
    kind: TokenKind
    sentence: str
    implies: tuple[str, ...] = ()
    sandbox_only: bool = False


_ALL = (
    Scope("score:threshold", TokenKind.USER, "Learn only whether your credit tier is at or above a line"),
    Scope("score:tier", TokenKind.USER, "See your credit tier, not the number", ("score:threshold",)),
    Scope("score:exact", TokenKind.USER, "See your exact score, a number from 350 to 950", ("score:tier",)),
    Scope("decisions:preview", TokenKind.USER, "Check what would probably be decided, without deciding anything"),
    Scope("decisions:request", TokenKind.USER, "Ask for decisions about you", ("decisions:preview",)),
    Scope("decisions:read", TokenKind.MERCHANT, "Read the decisions made for this merchant"),
    Scope("decisions:write", TokenKind.MERCHANT, "Report what became of decisions"),
    Scope("consents:read", TokenKind.MERCHANT, "Read the consents given to this merchant"),
    Scope("disputes:write", TokenKind.MERCHANT, "Answer disputes"),
    Scope("webhooks:manage", TokenKind.MERCHANT, "Manage webhook endpoints"),
    Scope("grant_management_query", TokenKind.MERCHANT, "Look up a consent given to this client, by its grant_id"),
    Scope("grant_management_revoke", TokenKind.MERCHANT, "Give back a consent given to this client"),
    Scope("sandbox", TokenKind.MERCHANT, "Move personas, clocks and faults of the sandbox", sandbox_only=True),
)

SCOPES = {scope.name: scope for scope in _ALL}


def parse(text: str | None) -> tuple[str, ...]:
    """The scopes of an OAuth `scope` parameter (RFC 6749 section 3.3), without repeats, in the order given."""
    return tuple(dict.fromkeys((text or "").split()))


def expand(granted: Iterable[str]) -> frozenset[str]:
    """The granted scopes and all they imply. Unknown names grant nothing."""
    return _expand(tuple(granted))


@lru_cache(maxsize=1024)
def _expand(granted: tuple[str, ...]) -> frozenset[str]:
    """Remembered, since every request of a client repeats the same few."""
    expanded: set[str] = set()
    waiting = [name for name in granted if name in SCOPES]
    while waiting:
        name = waiting.pop()
        if name not in expanded:
            expanded.add(name)
            waiting.extend(SCOPES[name].implies)
    return frozenset(expanded)


def restrict(granted: Iterable[str], allowed: frozenset[str]) -> tuple[str, ...]:
    """What is left of the granted scopes where no others are allowed any more: a higher one that is not gives way to
    the highest that it implies."""
    kept = tuple(granted)
    if allowed.issuperset(kept):
        return kept
    left = expand(kept) & allowed
    return tuple(name for name in SCOPES if name in left and not any(name in SCOPES[o].implies for o in left))


def satisfies(expanded: frozenset[str], required: Iterable[Iterable[str]]) -> bool:
    """True when all scopes of any one inner list are held (schema: @requiresScopes)."""
    return any(all(name in expanded for name in group) for group in required)
