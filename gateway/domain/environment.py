"""In what a sandbox and a live deployment differ, as values. The composition root chooses one and hands it down, so
that nothing below has to ask which environment it is in."""

from dataclasses import dataclass

from gateway.domain.identity.client import BASELINE, FAPI2
from gateway.domain.scope import SCOPES, TokenKind


@dataclass(frozen=True, slots=True)
class Environment:
    """`mark` stands in every id and token, so that neither works in the other environment. `profiles` are the client
    profiles there are, `scopes` the scopes that a token may hold, in registry order."""

    mark: str
    profiles: frozenset[str]
    scopes: tuple[str, ...]

    def offered(self, kind: TokenKind) -> tuple[str, ...]:
        """The scopes that a token of this kind may hold, in registry order."""
        return tuple(name for name in self.scopes if SCOPES[name].kind is kind)

    def token_prefix(self, kind: str) -> str:
        """How every secret of a kind begins; secret scanners find them by it. The kinds: "at" (access token), "rt"
        (refresh token), "ac" (code), "cs" (client secret), "ia" and "ra" (initial and registration access token)."""
        return f"sgw_{self.mark}{kind}_"


SANDBOX = Environment("test_", frozenset({BASELINE, FAPI2}), tuple(SCOPES))
LIVE = Environment("", frozenset({FAPI2}), tuple(name for name, scope in SCOPES.items() if not scope.sandbox_only))
