"""Which merchants have read a person's score, or have had a request decided with it, by the access log."""

from sqlalchemy import and_, bindparam, case, func, or_, select

from gateway.store.consents.consents import CONSENTS
from gateway.store.identity.users import USERS
from gateway.store.logs.access_log import ACCESS_LOG

_C, _A = CONSENTS.c, ACCESS_LOG.c
_IS_READ = _A.public.contains('"kind":"SCORE_', autoescape=True)
_IS_REQUEST = _A.public.contains('"kind":"REQUEST"', autoescape=True)
NEWEST_ACCESSES = (
    select(
        _C.id.label("consent_id"),
        func.max(case((_IS_READ, _A.id))).label("read"),
        func.max(case((_IS_REQUEST, _A.id))).label("request"),
    )
    .join_from(ACCESS_LOG, CONSENTS, and_(_C.user_id == bindparam("user_id"), _C.revoked_at.is_(None)))
    .where(
        _A.subject == select(USERS.c.log_subject).where(USERS.c.id == bindparam("user_id")).scalar_subquery(),
        _A.id > bindparam("older"),
        or_(_IS_READ, _IS_REQUEST),
        _A.public.contains('"consent":"' + _C.id + '"'),  # canonical JSON
    )
    .group_by(_C.id)
)
"""The newest entries about a person after the id `older`, for each consent that is not revoked. It reads a range of the
index by subject and id, in which no other person has entries."""
