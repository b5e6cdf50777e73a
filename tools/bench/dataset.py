"""The data of a run, made from a seed: the same merchants, users, consents, tokens and decisions for every server."""

import base64
import hashlib
from dataclasses import dataclass

TIERS = (
    "EXCELLENT",
    "EXCELLENT",
    "EXCELLENT",
    "VERY_GOOD",
    "GOOD",
    "EXCELLENT",
    "FAIR",
    "EXCELLENT",
    "BUILDING",
    "GOOD",
)
"""The tiers of ten users of one merchant."""

RANKS = {"BUILDING": 1, "FAIR": 2, "GOOD": 3, "VERY_GOOD": 4, "EXCELLENT": 5}
CREDIT_LIMIT = 1_000_000_000
"""The credit limit of each user in minor units of CNY: no run reaches it."""

TOKEN_CLIENT_TOKENS = 256
"""The number of refresh tokens of the client of the scenario token."""


@dataclass(frozen=True, slots=True)
class User:
    """A user with one consent to one merchant. `number` is the id of both, from 1. `token` is the user's token."""

    number: int
    merchant: int
    tier: str
    token: str


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """A decision that exists before the run. It was approved in full, or declined if `approved` is false. `deposit` is
    in minor units."""

    user: User
    reference: str
    deposit: int
    approved: bool


@dataclass(frozen=True, slots=True)
class Dataset:
    """The sizes: `users` with a consent and a token each, and `decisions` that are stored before the run. Both belong
    to the merchants in turn."""

    users: int = 2_000
    merchants: int = 20
    decisions: int = 2_000
    seed: int = 1

    def token(self, kind: str, number: int) -> str:
        """Returns an access token, of the format of a sandbox's tokens."""
        return f"sgw_test_at_{self._text(kind, number)}"

    def refresh_tokens(self) -> list[str]:
        """Returns the refresh tokens of the client of the scenario token, without a prefix."""
        return [self._text("refresh", number) for number in range(TOKEN_CLIENT_TOKENS)]

    def merchant_tokens(self) -> list[str]:
        """Returns a token of each merchant, the first of merchant 1."""
        return [self.token("merchant", number) for number in range(1, self.merchants + 1)]

    def people(self) -> list[User]:
        """Returns all users by number."""
        return [
            User(
                number=number + 1,
                merchant=number % self.merchants + 1,
                tier=TIERS[number // self.merchants % len(TIERS)],
                token=self.token("user", number + 1),
            )
            for number in range(self.users)
        ]

    def stored_decisions(self) -> list[StoredDecision]:
        """Returns the stored decisions, oldest first. Each merchant has one in twenty that was declined."""
        by_merchant: dict[tuple[int, bool], list[User]] = {}
        for user in self.people():
            if user.tier in ("EXCELLENT", "BUILDING"):
                by_merchant.setdefault((user.merchant, user.tier == "EXCELLENT"), []).append(user)
        stored = []
        for number in range(self.decisions):
            merchant, turn = number % self.merchants + 1, number // self.merchants
            approved = turn % 20 != 7
            users = by_merchant[merchant, approved]
            deposit = 1_000 * (1 + self._number("deposit", number) % 20)
            stored.append(StoredDecision(users[turn % len(users)], f"stored-{number:06}", deposit, approved))
        return stored

    def _text(self, kind: str, number: int) -> str:
        return base64.urlsafe_b64encode(self._digest(kind, number)).rstrip(b"=").decode()

    def _number(self, kind: str, number: int) -> int:
        return int.from_bytes(self._digest(kind, number)[:4])

    def _digest(self, kind: str, number: int) -> bytes:
        return hashlib.sha256(f"{self.seed} {kind} {number}".encode()).digest()
