"""When a merchant is told what only time causes."""

from datetime import timedelta

CONSENT_NOTICE = timedelta(days=7)
"""How long before its end a merchant is told that a consent expires."""

APPROVAL_NOTICE = timedelta(hours=24)
"""How long before its end a merchant is told that an approval expires, if it was not activated."""

DISPUTE_NOTICE = timedelta(hours=48)
"""How long before its deadline a merchant is reminded of a dispute: silence upholds it."""

NOT_BEFORE = timedelta(days=1)
"""A merchant is told in advance at the earliest so long after the consent, the
approval or the dispute began. So nothing is announced
that ends on the same day."""

EXPIRED_FOR = timedelta(days=7)
"""How long after its end it is still told that a consent has expired, if the gateway did not run meanwhile."""
