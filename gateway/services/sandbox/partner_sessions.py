"""Browser sessions of partners, for the pages of a sandbox. A one-time sign-in link, which the command line prints,
starts a session for one partner."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from gateway.domain.environment import Environment
from gateway.kit.clock import WallTime
from gateway.kit.crypto import digest, random_token
from gateway.services.identity.accounts import csrf_token
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.merchants.partner_sessions import PartnerSessionRepository, PartnerSessionRow, SignInLinkRow
from gateway.store.unit import UnitOfWork

LINK_LIFE = timedelta(hours=12)
"""How long a sign-in link can be opened."""

LONGEST_TOKEN = 128


class LinkProblem(StrEnum):
    """Why a sign-in link cannot be used. UNKNOWN: the gateway never made it, or has deleted it."""

    UNKNOWN = "UNKNOWN"
    USED = "USED"
    EXPIRED = "EXPIRED"


class UnusableLink(Exception):
    """The sign-in link cannot be used."""

    def __init__(self, problem: LinkProblem) -> None:
        super().__init__(f"The sign-in link cannot be used: {problem}.")
        self.problem = problem


@dataclass(frozen=True, slots=True)
class SignInLink:
    """The token of a link that was just made, which is shown once."""

    token: str
    expires_at: WallTime


@dataclass(frozen=True, slots=True)
class PartnerSession:
    """A live session of a partner. `secret` is the cookie's value, `csrf_token` the token for forms."""

    secret: str
    csrf_token: str
    partner_id: str
    partner_name: str
    expires_at: WallTime


class PartnerSessionService:
    """Makes and opens sign-in links, and finds and ends sessions. A session ends GATEWAY_SESSION_LIFE after its start,
    however often it is used."""

    def __init__(self, database: Database, environment: Environment, settings: Settings) -> None:
        self._database, self._life = database, settings.session_life
        self._prefix = environment.token_prefix("pl")

    def make_link(self, unit: UnitOfWork, partner_id: str) -> SignInLink:
        """Makes a link for the partner. Earlier links stay valid."""
        token, expires_at = random_token(self._prefix), WallTime(unit.wall + LINK_LIFE)
        PartnerSessionRepository(unit.connection).insert_link(
            SignInLinkRow(digest=digest(token), partner_id=partner_id, created_at=unit.wall, expires_at=expires_at)
        )
        return SignInLink(token, expires_at)

    def open_link(self, token: str, previous: PartnerSession | None) -> PartnerSession:
        """Uses the link up, ends the browser's `previous` session, and starts a session. Returns `previous` itself for
        a used link of the same partner. Raises UnusableLink."""
        looks_like_one = token.startswith(self._prefix) and len(token) <= LONGEST_TOKEN
        if not looks_like_one or self._database.read(lambda unit: _load_link(unit, token)) is None:
            raise UnusableLink(LinkProblem.UNKNOWN)  # without a unit of work that writes

        def use(unit: UnitOfWork) -> PartnerSession:
            repository = PartnerSessionRepository(unit.connection)
            link = _load_link(unit, token)
            if link is None:
                raise UnusableLink(LinkProblem.UNKNOWN)
            if not repository.use_link(link.digest, unit.wall):
                if previous is not None and previous.partner_id == link.partner_id:
                    return previous
                used = repository.load_link(link.digest)
                raise UnusableLink(LinkProblem.USED if used is not None and used.used_at else LinkProblem.EXPIRED)
            if previous is not None:
                repository.end(digest(previous.secret), unit.wall)
            return self._start(unit, link.partner_id)

        return self._database.write(use)

    def find(self, secret: str) -> PartnerSession | None:
        """Returns the live session of a cookie. None if it is unknown or has ended."""

        def load(unit: UnitOfWork) -> PartnerSession | None:
            row = PartnerSessionRepository(unit.connection).load(digest(secret), unit.wall)
            return None if row is None else _session(unit, secret, row)

        return self._database.read(load)

    def sign_out(self, session: PartnerSession) -> None:
        """Ends the session."""
        self._database.write(
            lambda unit: PartnerSessionRepository(unit.connection).end(digest(session.secret), unit.wall)
        )

    def _start(self, unit: UnitOfWork, partner_id: str) -> PartnerSession:
        secret = random_token("")
        row = PartnerSessionRow(
            digest=digest(secret),
            partner_id=partner_id,
            created_at=unit.wall,
            expires_at=WallTime(unit.wall + self._life),
        )
        PartnerSessionRepository(unit.connection).insert(row)
        return _session(unit, secret, row)


def _load_link(unit: UnitOfWork, token: str) -> SignInLinkRow | None:
    return PartnerSessionRepository(unit.connection).load_link(digest(token))


def _session(unit: UnitOfWork, secret: str, row: PartnerSessionRow) -> PartnerSession:
    partner = unit.partners.load(row.partner_id)
    assert partner is not None  # a foreign key ensures it
    return PartnerSession(secret, csrf_token(secret), partner.id, partner.name, row.expires_at)
