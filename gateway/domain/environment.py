"""The differences between a sandbox and a live deployment, as values. The composition root chooses one and passes it
on, so that no other module asks which environment it runs in."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.identity.client import BASELINE, FAPI2
from gateway.domain.policies.forced import FORCED_RULES, NO_FORCED_RULES, ForcedRules
from gateway.domain.scope import SCOPES, TokenKind


class EnvironmentLabel(StrEnum):
    """The name of an environment in messages to merchants."""

    SANDBOX = "SANDBOX"
    LIVE = "LIVE"


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment. `label` is its name. `mark` is part of every id and token: "test_" in a sandbox, nothing in a
    live deployment. So neither works in the other environment. `profiles` are the client profiles, `scopes` the scopes
    that a token may hold, in registry order. `any_loopback_port`: a redirect URI on a loopback address matches with any
    port (RFC 8252 section 7.3); else redirect URIs are compared exactly (RFC 9700 section 2.1). `forced_rules` decide
    requests with certain merchant references. `fixed_outcomes`: a persona can have outcomes that its partner has
    fixed. `faults`: a partner can inject faults into its calls."""

    label: EnvironmentLabel
    mark: str
    profiles: frozenset[str]
    scopes: tuple[str, ...]
    any_loopback_port: bool
    forced_rules: ForcedRules
    fixed_outcomes: bool
    faults: bool

    def offered(self, kind: TokenKind) -> tuple[str, ...]:
        """Returns the scopes that a token of this kind may hold, in registry order."""
        return tuple(name for name in self.scopes if SCOPES[name].kind is kind)

    def token_prefix(self, kind: str) -> str:
        """Returns the prefix of all secrets of one kind, by which secret scanners find them. The kinds are "at" (access
        token), "rt" (refresh token), "ac" (code), "cs" (client secret), "dc" (device code), "ia" and "ra" (initial and
        registration access token), "iv" (invitation) and "pl" (sign-in link of a
        partner)."""
        return f"sgw_{self.mark}{kind}_"


SANDBOX = Environment(
    EnvironmentLabel.SANDBOX,
    "test_",
    frozenset({BASELINE, FAPI2}),
    tuple(SCOPES),
    any_loopback_port=True,
    forced_rules=FORCED_RULES,
    fixed_outcomes=True,
    faults=True,
)
LIVE = Environment(
    EnvironmentLabel.LIVE,
    "",
    frozenset({FAPI2}),
    tuple(name for name, scope in SCOPES.items() if not scope.sandbox_only),
    any_loopback_port=False,
    forced_rules=NO_FORCED_RULES,
    fixed_outcomes=False,
    faults=False,
)
