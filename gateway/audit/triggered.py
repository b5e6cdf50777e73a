"""Messages of events that merchants triggered in a sandbox. They have no entry in any log, and need none: their subject
does not exist.

The mark of such a message alone proves nothing, because a change of the database can set it. A marked message is
accepted only if its subject is neither a decision nor a consent, and no log entry and no version of a consent names
it. So a mark hides nothing that the removal of the message would not hide.
"""

from sqlalchemy import and_, exists

from gateway.domain.webhooks.variant import TRIGGERED
from gateway.settings import EnvironmentName
from gateway.store.consents.consents import CONSENTS
from gateway.store.consents.versions import CONSENT_VERSIONS
from gateway.store.decisions.decisions import DECISIONS
from gateway.store.deployment import DEPLOYMENT
from gateway.store.logs.decision_log import DECISION_LOG
from gateway.store.outbox import OUTBOX

_SUBJECT = OUTBOX.c.aggregate_id
IS_TRIGGERED = and_(
    OUTBOX.c.payload[TRIGGERED].as_string().is_not(None),
    ~exists().where(DECISIONS.c.id == _SUBJECT),
    ~exists().where(DECISION_LOG.c.decision_id == _SUBJECT),
    ~exists().where(CONSENTS.c.id == _SUBJECT),
    ~exists().where(CONSENT_VERSIONS.c.consent_id == _SUBJECT),
    ~exists().where(DEPLOYMENT.c.environment == EnvironmentName.LIVE.value),
)
"""Whether a message of the outbox is about a triggered event. False for all messages of a live deployment."""
