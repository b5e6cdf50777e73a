"""Invitations: one-time links with which a person sets a password. For a person who has one it is a reset.

A mail scanner opens links, so opening one changes nothing: only the form uses the invitation up. Unusable tokens are
counted per address like failed logins. A token has 256 random bits, so it cannot be guessed.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from gateway.domain.errors import InvalidInput
from gateway.kit.clock import WallTime
from gateway.kit.crypto import digest, random_token
from gateway.kit.limits import RateLimit, RateLimiter
from gateway.services.identity.accounts import AccountService, BrowserSession
from gateway.services.identity.logins import DeviceCookies, SignedIn, network
from gateway.store.database import Database
from gateway.store.identity.invitations import InvitationRow
from gateway.store.identity.users import UserRow
from gateway.store.unit import UnitOfWork

LONGEST_TOKEN = 128


class Problem(StrEnum):
    """Why an invitation cannot be used. UNKNOWN: the gateway never made it, or has deleted it. EXPIRED: also one that a
    newer one has replaced."""

    UNKNOWN = "UNKNOWN"
    USED = "USED"
    EXPIRED = "EXPIRED"
    DISABLED = "DISABLED"


class UnusableInvitation(Exception):
    """The invitation cannot be used."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"The invitation cannot be used: {problem}.")
        self.problem = problem


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """An invitation that was just made. `token` is shown once. `resets_password`: the person has a password."""

    user: UserRow
    token: str
    expires_at: WallTime
    resets_password: bool


class InvitationService:
    """Makes invitations in the caller's unit of work. To open and use them it runs its own."""

    def __init__(
        self,
        database: Database,
        accounts: AccountService,
        rate_limiter: RateLimiter,
        device_cookies: DeviceCookies,
        *,
        token_prefix: str,
        life: timedelta,
        attempts_per_address: int,
        window: timedelta,
    ) -> None:
        self._database, self._accounts = database, accounts
        self._rate_limiter, self._device_cookies = rate_limiter, device_cookies
        self._token_prefix, self._life = token_prefix, life
        self._address = RateLimit("invitation address", attempts_per_address, window)

    def invite(self, unit: UnitOfWork, user_id: str) -> NewInvitation:
        """Makes an invitation, which ends earlier ones of the person. Raises InvalidInput for a disabled person."""
        user = unit.users.lock(user_id)
        if user is None or user.disabled_at is not None:
            raise InvalidInput("INVALID", "The person is disabled. First: gateway users enable")
        unit.invitations.end_of_user(user_id, unit.wall)
        token, expires_at = random_token(self._token_prefix), WallTime(unit.wall + self._life)
        unit.invitations.insert(
            InvitationRow(digest=digest(token), user_id=user_id, created_at=unit.wall, expires_at=expires_at)
        )
        return NewInvitation(user, token, expires_at, user.password_hash is not None)

    def find_person(self, token: str, address: str) -> UserRow:
        """Returns the person whose invitation this is. Changes nothing. `address` is the client's. Raises
        UnusableInvitation, TooManyAttempts, SharedStateDown."""
        self._rate_limiter.test(self._address, network(address))

        def find(unit: UnitOfWork) -> UserRow:
            invitation = unit.invitations.load(digest(token)) if len(token) <= LONGEST_TOKEN else None
            user = None if invitation is None else unit.users.load(invitation.user_id)
            if invitation is None or user is None:
                raise UnusableInvitation(Problem.UNKNOWN)
            if user.disabled_at is not None:
                raise UnusableInvitation(Problem.DISABLED)
            if not invitation.is_open(unit.wall):
                raise UnusableInvitation(Problem.EXPIRED if invitation.used_at is None else Problem.USED)
            return user

        try:
            return self._database.read(find)
        except UnusableInvitation:
            self._rate_limiter.hit(self._address, network(address))
            raise

    def accept(self, visitor: BrowserSession | None, token: str, password: str, address: str) -> SignedIn:
        """Sets the password, uses the invitation up, ends all sessions of the person and the visitor's session, and
        starts a session. Raises as `find_person` does, and InvalidInput for a password that is too short or too long;
        then the invitation can still be used."""
        user_id = self.find_person(token, address).id
        password_hash = self._accounts.hash_password(password)

        def use(unit: UnitOfWork) -> BrowserSession | None:
            user = unit.users.lock(user_id)  # before the invitation, as `invite` does
            if user is None or user.disabled_at is not None or not unit.invitations.use(digest(token), unit.wall):
                return None
            unit.users.set_password(user_id, password_hash)
            self._accounts.sign_out_everywhere(unit, user_id)
            return self._accounts.sign_in(unit, visitor, user_id)

        session = self._database.write(use)
        if session is None:  # something changed meanwhile, and the reason can be read
            self.find_person(token, address)
            raise UnusableInvitation(Problem.USED)
        return SignedIn(session, self._device_cookies.new(user_id))
