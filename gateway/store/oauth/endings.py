"""Ends tokens and codes. Every way in which they end is a method of one repository, and nothing else ends them.

Tokens are issued and ended under the lock of their consent's row: a unit of work that issues tokens locks the consent
before it reads the code or refresh token, and an ending locks the consent before its first UPDATE. So an ending sees
all tokens that were issued before it, and a unit that would issue tokens after it sees the ending. Locks are taken in
this order: client, pushed request or device code, user, consent, code, refresh token, access token.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import Table, Update, bindparam, select, text

from gateway.kit.clock import WallTime
from gateway.store.consents.consents import CONSENTS
from gateway.store.identity.invitations import INVITATIONS
from gateway.store.identity.sessions import SESSIONS
from gateway.store.merchants.partner_sessions import PARTNER_SESSIONS, SIGN_IN_LINKS
from gateway.store.oauth.device_codes import DEVICE_CODES
from gateway.store.oauth.initial_access_tokens import INITIAL_ACCESS_TOKENS
from gateway.store.oauth.requests import AUTHORIZATION_CODES, PUSHED_REQUESTS
from gateway.store.oauth.tokens import ACCESS_TOKENS, REFRESH_TOKENS
from gateway.store.repository import Repository

_LOCK_CONSENT = select(CONSENTS.c.id).where(CONSENTS.c.id == bindparam("wanted")).with_for_update()
_LOCK_OF_CLIENT = (
    select(CONSENTS.c.id).where(CONSENTS.c.client_id == bindparam("wanted")).order_by(CONSENTS.c.id).with_for_update()
)
_CODES = (
    AUTHORIZATION_CODES.update()
    .where(AUTHORIZATION_CODES.c.used_at.is_(None), AUTHORIZATION_CODES.c.ended_at.is_(None))
    .values(ended_at=bindparam("now"))
)
_TOKENS = tuple(
    table.update().where(table.c.revoked_at.is_(None)).values(revoked_at=bindparam("now"))
    for table in (REFRESH_TOKENS, ACCESS_TOKENS)
)
_REQUESTS = PUSHED_REQUESTS.update().where(PUSHED_REQUESTS.c.used_at.is_(None)).values(used_at=bindparam("now"))
_INVITATIONS = INVITATIONS.update().where(INVITATIONS.c.used_at.is_(None)).values(used_at=bindparam("now"))
_INITIAL_TOKENS = (
    INITIAL_ACCESS_TOKENS.update().where(INITIAL_ACCESS_TOKENS.c.used_at.is_(None)).values(used_at=bindparam("now"))
)
_EXPIRE = (
    ACCESS_TOKENS.update()
    .where(
        ACCESS_TOKENS.c.consent_id == bindparam("wanted"),
        ACCESS_TOKENS.c.revoked_at.is_(None),
        ACCESS_TOKENS.c.expires_at > bindparam("now"),
    )
    .values(expires_at=bindparam("now"))
)
_SESSIONS = SESSIONS.update().where(SESSIONS.c.ended_at.is_(None)).values(ended_at=bindparam("now"))
_LINKS = SIGN_IN_LINKS.update().where(SIGN_IN_LINKS.c.used_at.is_(None)).values(used_at=bindparam("now"))
_PARTNER_SESSIONS = (
    PARTNER_SESSIONS.update().where(PARTNER_SESSIONS.c.ended_at.is_(None)).values(ended_at=bindparam("now"))
)
_DEVICE_CODES = DEVICE_CODES.update().where(DEVICE_CODES.c.decided_at.is_(None)).values(decided_at=bindparam("now"))


def _with(statement: Update, column: str) -> Update:
    """Returns the statement for the rows with one value in this column."""
    table = statement.table
    assert isinstance(table, Table)
    return statement.where(table.c[column] == bindparam("wanted"))


_END_TOKEN = _with(_TOKENS[1], "digest")
_END_FAMILY = tuple(_with(statement, "family") for statement in (_CODES, *_TOKENS))
_END_CONSENT = tuple(_with(statement, "consent_id") for statement in (_CODES, *_TOKENS))
_END_REQUESTS = tuple(_with(statement, "client_id") for statement in (_REQUESTS, _DEVICE_CODES, _CODES))
_END_CLIENT = (*_END_REQUESTS, *(_with(statement, "client_id") for statement in _TOKENS))
_END_ALL: Mapping[Table, Update] = {
    PUSHED_REQUESTS: _REQUESTS,
    DEVICE_CODES: _DEVICE_CODES,
    AUTHORIZATION_CODES: _CODES,
    REFRESH_TOKENS: _TOKENS[0],
    ACCESS_TOKENS: _TOKENS[1],
    INITIAL_ACCESS_TOKENS: _INITIAL_TOKENS,
    INVITATIONS: _INVITATIONS,
    SESSIONS: _SESSIONS,
    SIGN_IN_LINKS: _LINKS,
    PARTNER_SESSIONS: _PARTNER_SESSIONS,
}
"""In the order of locks."""
_LOCK_ALL = text(f"LOCK TABLE {', '.join(table.name for table in _END_ALL)} IN SHARE ROW EXCLUSIVE MODE")


class EndingRepository(Repository):
    """Ends tokens and codes. What has ended before keeps the time of its end."""

    def end_access_token(self, digest: str, now: WallTime) -> None:
        """Revokes one access token. The others of its family stay valid (RFC 7009 section 2.1)."""
        self._run_all([_END_TOKEN], digest, now)

    def expire_access_tokens(self, consent_id: str, now: WallTime) -> int:
        """Lets all access tokens of a consent expire. Its refresh tokens stay valid. Returns how many were valid."""
        self._execute(_LOCK_CONSENT, wanted=consent_id)
        return self._execute(_EXPIRE, wanted=consent_id, now=now)

    def end_family(self, consent_id: str, family: str, now: WallTime) -> None:
        """Ends a family: the code that began it, and all its refresh and access tokens."""
        self._execute(_LOCK_CONSENT, wanted=consent_id)
        self._run_all(_END_FAMILY, family, now)

    def end_consent(self, consent_id: str, now: WallTime) -> None:
        """Ends all families of the consent, and its access tokens from a point of sale."""
        self._execute(_LOCK_CONSENT, wanted=consent_id)
        self._run_all(_END_CONSENT, consent_id, now)

    def end_client(self, client_id: str, now: WallTime) -> None:
        """Ends all tokens, codes, device codes and pushed requests of a client. The caller has locked the client."""
        self._execute(_LOCK_OF_CLIENT, wanted=client_id)
        self._run_all(_END_CLIENT, client_id, now)

    def end_requests(self, client_id: str, now: WallTime) -> None:
        """Ends the codes, device codes and pushed requests of a client. Its tokens stay valid. The caller has locked
        the client."""
        self._run_all(_END_REQUESTS, client_id, now)

    def end_all(self, now: WallTime) -> Mapping[str, int]:
        """Ends all tokens, codes, device codes, pushed requests, invitations, sign-in links and sessions of the
        deployment, also those that have expired. Returns by table how many had not ended before. PostgreSQL waits for
        units that issue tokens, and they wait for this."""
        if self._connection.dialect.name == "postgresql":
            self._execute(_LOCK_ALL)
        return {table.name: self._execute(statement, now=now) for table, statement in _END_ALL.items()}

    def _run_all(self, statements: Iterable[Update], wanted: str, now: WallTime) -> None:
        for statement in statements:
            self._execute(statement, wanted=wanted, now=now)
