"""Idempotency of the mutations on decisions: one key, one piece of work."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gateway.domain.decision import Decision
from gateway.domain.errors import IdempotencyConflict, InvalidInput, NotFound
from gateway.domain.idempotency import KEPT_FOR, differing, require_key
from gateway.domain.principal import Principal
from gateway.kit.clock import WallClock
from gateway.services.reading import business_now
from gateway.store import decisions, idempotency
from gateway.store.database import Session
from gateway.store.idempotency import IdempotencyRow

LONGEST_TEXT = 255
LONGEST_WORDS = 2000


class Call:
    """One call of a mutation by a principal: `document` is its input, the key apart."""

    def __init__(
        self, principal: Principal, mutation: str, key: str, document: dict[str, Any], clock: WallClock
    ) -> None:
        """Raises InvalidInput for a key that is none."""
        self.principal, self.document = principal, document
        self._mutation, self._key, self._clock = mutation, require_key(key), clock
        self._consent_id = principal.consent.id if principal.consent else None

    def replayed(self, session: Session) -> Decision | None:
        """The decision that the key's first use worked on, as it stands; None for a first use. Raises
        IdempotencyConflict where that was another call."""
        principal = self.principal
        record = idempotency.find(
            session, principal.partner_id, principal.client_id, self._mutation, self._key, self._clock()
        )
        if record is None:
            return None
        if record.consent_id != self._consent_id:
            raise IdempotencyConflict("This key was first used under another consent.", ())
        paths = differing(record.input, self.document)
        if paths:
            raise IdempotencyConflict("This key was first used with another input.", paths)
        row = decisions.load(session, record.decision_id)
        if row is None:
            raise NotFound("The decision of this key is gone.")
        return decisions.value(row, business_now(principal, self._clock()))

    def claim(self, session: Session, decision_id: str, wall: datetime) -> IdempotencyRow:
        """Records the key's first use, in the unit of work that does the work, and answers the record, to which the
        entry of that work commits. Raises IdempotencyConflict."""
        record = IdempotencyRow(
            partner_id=self.principal.partner_id,
            client_id=self.principal.client_id,
            mutation=self._mutation,
            key=self._key,
            consent_id=self._consent_id,
            input=self.document,
            decision_id=decision_id,
            expires_at=wall + KEPT_FOR,
        )
        if not idempotency.claim(session, record, wall):
            # Another unit committed this key between our look and our claim: only under another consent or for
            # another decision, since equal calls wait for one row lock.
            raise IdempotencyConflict("This key is being used by another call.", ())
        return record


def require_text(text: str, field: str) -> None:
    """Raises InvalidInput unless the text has 1 to 255 printable characters, none of them blank at its ends."""
    if not 1 <= len(text) <= LONGEST_TEXT or not text.isprintable() or text != text.strip():
        raise InvalidInput("INVALID", f"Needs 1 to {LONGEST_TEXT} printable characters.", (field,))


def require_words(text: str, field: str) -> None:
    """Raises InvalidInput unless the text has 1 to 2000 printable characters; lines may end in it."""
    written = text.replace("\r\n", "\n").replace("\n", "")
    if not 1 <= len(text) <= LONGEST_WORDS or not written.strip() or not written.isprintable():
        raise InvalidInput("INVALID", f"Needs 1 to {LONGEST_WORDS} printable characters.", (field,))


def plain(document: Mapping[str, Any]) -> dict[str, Any]:
    """The members that were given."""
    return {name: value for name, value in document.items() if value is not None}
