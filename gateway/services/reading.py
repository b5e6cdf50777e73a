"""The unit of work of one query document: one snapshot, and the accesses that are logged before it answers."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gateway.domain.consent import Consent
from gateway.domain.errors import Forbidden
from gateway.domain.principal import Principal
from gateway.kit.clock import WallClock
from gateway.services.access import AccessService
from gateway.store.database import Database, Session


@dataclass(frozen=True, slots=True)
class Access:
    """One read of a person's data: what kind, for which purpose, and what was answered."""

    kind: str
    purpose: str
    answered: dict[str, Any]


class Reading:
    """Opened for one document and finished once. `session` opens at first use; `finish` closes it and writes the
    access log in one unit of work: if that fails, the caller must not send the answer."""

    def __init__(self, database: Database, principal: Principal, clock: WallClock, recorder: AccessService) -> None:
        self._database, self._clock, self._recorder = database, clock, recorder
        self.principal = principal
        self._scope: Any = None
        self._session: Session | None = None
        self._accesses: list[Access] = []

    @property
    def session(self) -> Session:
        if self._session is None:
            self._scope = self._database.read()
            self._session = self._scope.__enter__()
        return self._session

    @property
    def now(self) -> datetime:
        """The partner's business time when the token was checked."""
        return self.principal.now

    def consent(self) -> Consent:
        """The consent of a user token. Raises Forbidden for a merchant token."""
        if self.principal.consent is None:
            raise Forbidden("Only a user's token can ask about a user.", [["score:threshold"], ["decisions:preview"]])
        return self.principal.consent

    def log(self, kind: str, purpose: str, answered: dict[str, Any]) -> None:
        """Notes an access; it is written by `finish`."""
        self._accesses.append(Access(kind, purpose, answered))

    def renew(self) -> None:
        """Forgets the snapshot, so that what a mutation has just committed is seen."""
        if self._session is not None:
            self._scope.__exit__(None, None, None)
            self._session = self._scope = None

    def finish(self) -> None:
        """Ends the unit of work and writes the noted accesses durably."""
        self.renew()
        if self._accesses:
            accesses, self._accesses = self._accesses, []
            wall = self._clock()
            with self._database.write() as session:
                for access in accesses:
                    self._recorder.record(session, self.principal, access.kind, access.purpose, access.answered, wall)

    def abandon(self) -> None:
        """Ends the unit of work without a word, after a failure."""
        self._accesses.clear()
        self.renew()


def business_now(principal: Principal, wall: datetime) -> datetime:
    """The business time of the principal's partner at this wall time."""
    return wall + timedelta(seconds=principal.clock_offset_seconds)
