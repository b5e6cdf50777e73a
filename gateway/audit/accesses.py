"""Compares the access log with rows that were written together with its entries. This detects accesses that were
removed from the end of the log together with its head, also without a checkpoint, as far as such rows exist."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, func, select, union_all

from gateway.audit.log_report import Finding, FindingKind
from gateway.store.decisions.decisions import DECISIONS
from gateway.store.identity.users import USERS
from gateway.store.logs.access_log import ACCESS_LOG, AccessLog
from gateway.store.logs.keys import USER_KEYS
from gateway.store.scoring.record_disputes import RECORD_DISPUTES
from gateway.store.unit import UnitOfWork

# The public part is canonical JSON, in which a quotation mark within a value is escaped.
_REQUESTS = (
    select(ACCESS_LOG.c.merchant_id, func.count())
    .where(ACCESS_LOG.c.public.contains('"kind":"REQUEST"'))
    .group_by(ACCESS_LOG.c.merchant_id)
)
_DECISIONS = select(DECISIONS.c.merchant_id, func.count()).group_by(DECISIONS.c.merchant_id)
_OF_DISPUTES = union_all(
    select(RECORD_DISPUTES.c.statement_key),
    select(RECORD_DISPUTES.c.resolution_key).where(RECORD_DISPUTES.c.resolution_key.is_not(None)),
)
_WITHOUT_ACCESS = (
    select(USERS.c.id)
    .where(
        USERS.c.id.in_(select(USER_KEYS.c.user_id).where(USER_KEYS.c.id.not_in(_OF_DISPUTES))),
        ~select(ACCESS_LOG.c.id).where(ACCESS_LOG.c.subject == USERS.c.log_subject).exists(),
    )
    .order_by(USERS.c.id)
)
"""Persons with a log key. It is made for a person's first entry of a year, which is always an access, or for the first
dispute about an imported record, which has no entry: keys of such disputes prove nothing."""


def compare_accesses(unit: UnitOfWork) -> Iterator[Finding]:
    """Yields a finding for each merchant whose REQUEST accesses are not as many as its decisions, and for each person
    with a log key and no access."""
    requests, decisions = (_count(unit, statement) for statement in (_REQUESTS, _DECISIONS))
    for merchant_id in sorted(requests.keys() | decisions.keys()):
        logged, made = requests.get(merchant_id, 0), decisions.get(merchant_id, 0)
        if logged != made:
            sentence = f"Removed: merchant {merchant_id} has {made} decisions, but {logged} requests in its access log."
            yield Finding(FindingKind.REQUESTS_DIFFER, AccessLog.LOG, None, None, sentence)
    for user_id in unit.connection.scalars(_WITHOUT_ACCESS):
        sentence = f"Removed: the access log has no entry about user {user_id}, who has a log key."
        yield Finding(FindingKind.NO_ACCESS, AccessLog.LOG, None, None, sentence)


def _count(unit: UnitOfWork, statement: Select[Any]) -> dict[str, int]:
    return {row[0]: row[1] for row in unit.connection.execute(statement)}
