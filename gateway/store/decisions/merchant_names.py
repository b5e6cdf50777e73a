"""The names of the merchants of decisions, for a person who sees records of decisions at several merchants."""

from collections.abc import Collection, Mapping

from sqlalchemy import bindparam, select

from gateway.store.decisions.decisions import DECISIONS
from gateway.store.merchants.merchants import MERCHANTS
from gateway.store.repository import Repository

_NAMES = (
    select(DECISIONS.c.id, MERCHANTS.c.name)
    .join(MERCHANTS, MERCHANTS.c.id == DECISIONS.c.merchant_id)
    .where(DECISIONS.c.id.in_(bindparam("ids", expanding=True)))
)


class MerchantNameRepository(Repository):
    """Reads names of merchants."""

    def load_of_decisions(self, decision_ids: Collection[str]) -> Mapping[str, str]:
        """Returns the names of the merchants of these decisions, by decision id, in one statement."""
        if not decision_ids:
            return {}
        return {row.id: row.name for row in self._rows(_NAMES, ids=sorted(decision_ids))}
