"""The registry of scopes. SDL, consent page, documentation and the scope check read it.

A user token belongs to one consent, a merchant token (client credentials) to none. A token never has scopes of both
kinds. A higher scope implies the lower ones; only this module expands them.
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
    """One scope: its name, the kind of token that may hold it, its description for persons, and the scopes that it
    implies."""

    name: str
    kind: TokenKind
    sentence: str
    implies: tuple[str, ...] = ()
    sandbox_only: bool = False


_ALL = (
    Scope("score:threshold", TokenKind.USER, "Check only whether your credit tier is high enough"),
    Scope("score:tier", TokenKind.USER, "See your credit tier, not the number", ("score:threshold",)),
    Scope("score:exact", TokenKind.USER, "See your exact score, a number from 350 to 950", ("score:tier",)),
    Scope("decisions:preview", TokenKind.USER, "Check what would probably be decided, without deciding anything"),
    Scope("decisions:request", TokenKind.USER, "Ask for decisions about you", ("decisions:preview",)),
    Scope("decisions:read", TokenKind.MERCHANT, "Read the decisions made for this merchant"),
    Scope("decisions:write", TokenKind.MERCHANT, "Report activations, settlements and breaches of decisions"),
    Scope("consents:read", TokenKind.MERCHANT, "Read the consents given to this merchant"),
    Scope("disputes:write", TokenKind.MERCHANT, "Answer disputes"),
    Scope("webhooks:manage", TokenKind.MERCHANT, "Manage webhook endpoints and read what was sent to them"),
    Scope("grant_management_query", TokenKind.MERCHANT, "Look up a consent given to this client, by its grant_id"),
    Scope("grant_management_revoke", TokenKind.MERCHANT, "Revoke a consent given to this client"),
    Scope("sandbox", TokenKind.MERCHANT, "Act as the test users of the sandbox", sandbox_only=True),
)

SCOPES = {scope.name: scope for scope in _ALL}


def parse(text: str | None) -> tuple[str, ...]:
    """Returns the scopes of an OAuth `scope` parameter in their order, without repeats. Only U+0020 separates scopes
    (RFC 6749 section 3.3). Any other white space is part of a name, which is therefore unknown."""
    return tuple(dict.fromkeys(name for name in (text or "").split(" ") if name))


def expand(granted: Iterable[str]) -> frozenset[str]:
    """Returns the granted scopes and all scopes that they imply. Unknown names are ignored."""
    return _expand(tuple(granted))


@lru_cache(maxsize=1024)
def _expand(granted: tuple[str, ...]) -> frozenset[str]:
    """Cached, because every request of a client has the same few scopes."""
    expanded: set[str] = set()
    waiting = [name for name in granted if name in SCOPES]
    while waiting:
        name = waiting.pop()
        if name not in expanded:
            expanded.add(name)
            waiting.extend(SCOPES[name].implies)
    return frozenset(expanded)


def restrict(granted: Iterable[str], allowed: frozenset[str]) -> tuple[str, ...]:
    """Returns the granted scopes restricted to the allowed ones. A scope that is no longer allowed is replaced by the
    highest allowed scope that it implies."""
    scopes = tuple(granted)
    if allowed.issuperset(scopes):
        return scopes
    rest = expand(scopes) & allowed
    return tuple(name for name in SCOPES if name in rest and not any(name in SCOPES[other].implies for other in rest))


def satisfies(expanded: frozenset[str], required: Iterable[Iterable[str]]) -> bool:
    """Whether `expanded` has all scopes of at least one inner list (schema: @requiresScopes)."""
    return any(all(name in expanded for name in group) for group in required)
