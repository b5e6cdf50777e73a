"""Deletes expired rows in batches. Nothing refers to these rows, and none of them can be used any more."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Delete, Integer, Table, and_, bindparam, exists, or_, select, tuple_

from gateway.kit.clock import WallTime
from gateway.store.decisions.idempotency import IDEMPOTENCY_RECORDS
from gateway.store.identity.invitations import INVITATIONS
from gateway.store.identity.sessions import SESSIONS
from gateway.store.merchants.partner_sessions import PARTNER_SESSIONS, SIGN_IN_LINKS
from gateway.store.notices.notices import NOTICES
from gateway.store.oauth.device_codes import DEVICE_CODES
from gateway.store.oauth.initial_access_tokens import INITIAL_ACCESS_TOKENS
from gateway.store.oauth.replays import REPLAYS
from gateway.store.oauth.requests import AUTHORIZATION_CODES, PUSHED_REQUESTS
from gateway.store.oauth.tokens import ACCESS_TOKENS, REFRESH_TOKENS
from gateway.store.repository import Repository
from gateway.store.sandbox.request_log import REQUEST_LOG
from gateway.store.webhooks.delivery_rows import ATTEMPTS, DELIVERIES, MESSAGES

_BEFORE: ColumnElement[WallTime] = bindparam("before")


def _delete(table: Table, moment: ColumnElement[WallTime], *conditions: ColumnElement[bool]) -> Delete:
    """Returns the statement that deletes the oldest rows with a `moment` before `before` that fulfil the conditions.
    Concurrent purges delete different rows, and do not wait for rows that others have locked."""
    key: Sequence[ColumnElement[object]] = list(table.primary_key)
    oldest = (
        select(*key)
        .where(moment < _BEFORE, *conditions)
        .order_by(moment)
        .limit(bindparam("most", type_=Integer))
        .with_for_update(skip_locked=True, of=table)
    )
    return table.delete().where((key[0] if len(key) == 1 else tuple_(*key)).in_(oldest))


def _has_no_token(table: Table, family: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether no refresh or access token of a row's family is unexpired. As long as one is, the used codes and refresh
    tokens of the family stay, so that their reuse is noticed."""
    refresh, access = REFRESH_TOKENS.alias("newer"), ACCESS_TOKENS.alias("issued")
    return and_(
        *(
            ~exists().where(other.c.family == family, other.c.expires_at >= _BEFORE).correlate(table)
            for other in (refresh, access)
        )
    )


_STATEMENTS = {
    table.name: _delete(table, table.c.expires_at)
    for table in (
        *(PUSHED_REQUESTS, DEVICE_CODES, ACCESS_TOKENS, INITIAL_ACCESS_TOKENS, INVITATIONS),
        *(REPLAYS, IDEMPOTENCY_RECORDS, SIGN_IN_LINKS, PARTNER_SESSIONS),
    )
} | {
    table.name: _delete(table, table.c.expires_at, _has_no_token(table, table.c.family))
    for table in (AUTHORIZATION_CODES, REFRESH_TOKENS)
}
_STATEMENTS |= {
    ATTEMPTS.name: _delete(ATTEMPTS, ATTEMPTS.c.started_at),
    DELIVERIES.name: _delete(
        DELIVERIES,
        DELIVERIES.c.created_at,
        ~exists().where(ATTEMPTS.c.delivery_id == DELIVERIES.c.id),
        or_(DELIVERIES.c.due_at.is_(None), DELIVERIES.c.due_at < _BEFORE),  # no attempt runs whose result would be lost
    ),
}
_STATEMENTS |= {table.name: _delete(table, table.c.created_at) for table in (SESSIONS, MESSAGES, NOTICES)}
_STATEMENTS[REQUEST_LOG.name] = _delete(REQUEST_LOG, REQUEST_LOG.c.received_at)

PURGED = tuple(sorted(_STATEMENTS))
"""The names of the tables with rows that expire."""


class PurgeRepository(Repository):
    """Deletes expired rows."""

    def purge(self, table: str, before: WallTime, most: int) -> int:
        """Deletes at most `most` rows of one of the tables PURGED that expired before `before`, or for sessions,
        webhooks, notices and the request log began before it. Returns how many it deleted."""
        return self._execute(_STATEMENTS[table], before=before, most=most)
