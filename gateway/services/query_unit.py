"""The unit of work of one GraphQL document: one snapshot, and the accesses to log before the result is sent."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from gateway.domain.consents.consent import Consent
from gateway.domain.errors import Forbidden, GatewayError
from gateway.domain.identity.principal import Principal
from gateway.domain.scoring.score import Measurement
from gateway.domain.scoring.tier import Tier
from gateway.kit.clock import BusinessTime
from gateway.kit.outage import Outage
from gateway.services.access_log import AccessLogService
from gateway.services.scoring.fetching import FetchedScore, ScoreFetcher, require_measurement
from gateway.services.scoring.inquiries import InquiryBudget
from gateway.store.database import Database
from gateway.store.outages import database_outages
from gateway.store.unit import UnitOfWork

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Needs:
    """What must be fetched for a document before its unit of work begins: whether it needs the score."""

    score: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    """One read of a person's data: its kind, the purpose, and the data that the merchant gets."""

    kind: str
    purpose: str
    answered: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Fetched:
    """What was fetched for a document: the score, None if it was not fetched; and for each counted inquiry its error,
    None if the inquiry is allowed."""

    score: FetchedScore
    inquiries: tuple[GatewayError | Outage | None, ...]


class QueryUnit:
    """The unit of work of one run of a document: principal, snapshot, score, inquiries and accesses.

    `inquiries` is the number of inquiries that the document took. `lacks_score` is True if the document needed the
    score and it was not fetched; then its result is discarded, and the document runs again. `first_threshold` is the
    tier of the consent's first threshold inquiry if this document made it. It is saved before the document's result
    returns.
    """

    def __init__(
        self, principal: Principal, fetched: _Fetched, read: Callable[[Callable[[UnitOfWork], Any]], Any]
    ) -> None:
        self.principal = principal
        self.accesses: list[Access] = []
        self.inquiries, self.lacks_score = 0, False
        self.first_threshold: Tier | None = None
        self._fetched, self._read = fetched, read

    @property
    def now(self) -> BusinessTime:
        """The partner's business time when the token was checked."""
        return self.principal.now

    @property
    def score(self) -> FetchedScore:
        """The person's score, or the error of its source."""
        if self._fetched.score is None and self.principal.consent is not None:
            self.lacks_score = True
        return self._fetched.score

    def read(self, work: Callable[[UnitOfWork], T]) -> T:
        """Runs a reading function over the document's snapshot, or over a new snapshot in a document of mutations."""
        result: T = self._read(work)
        return result

    def require_consent(self) -> Consent:
        """The consent of a user token. Raises Forbidden for a merchant token."""
        if self.principal.consent is None:
            raise Forbidden("Only a user token can ask about a user.", [["score:threshold"], ["decisions:preview"]])
        return self.principal.consent

    def require_measurement(self) -> Measurement:
        """Returns the person's measurement. Raises Unavailable."""
        return require_measurement(self.score)

    def take_inquiry(self) -> None:
        """Takes one inquiry, which is counted before the document's result returns. If the counting fails, the document
        runs again, and this raises RateLimitReached or Outage."""
        counted = self._fetched.inquiries[self.inquiries :]
        self.inquiries += 1
        if counted and counted[0] is not None:
            raise counted[0]

    def load_threshold_tier(self) -> Tier | None:
        """The one tier that the consent's threshold inquiries may ask about, None before the first inquiry."""
        consent = self.require_consent()
        if self.first_threshold is not None:
            return self.first_threshold
        stored = self.read(lambda unit: unit.consents.load(consent.id))  # the token's consent may be older
        return stored.threshold_tier(self.now) if stored else None

    def log_access(self, kind: str, purpose: str, answered: dict[str, Any]) -> None:
        """Adds an access, which is written to the access log before the document's result returns."""
        self.accesses.append(Access(kind, purpose, answered))


class QueryRunner:
    """Runs documents.

    The score is fetched before the unit of work. After it, and before the result returns, the document's inquiries are
    counted, and its accesses are committed to the access log together with the tier of the first threshold inquiry. If
    that fails, the document has no result. If an inquiry is not allowed, or another document has meanwhile made the
    first threshold inquiry, the document runs again; then `take_inquiry` or `load_threshold_tier` has the new state.
    """

    def __init__(
        self, database: Database, access_log: AccessLogService, scores: ScoreFetcher, inquiries: InquiryBudget
    ) -> None:
        self._database, self._access_log = database, access_log
        self._scores, self._inquiries = scores, inquiries

    def run_query(self, principal: Principal, needs: Needs, execute: Callable[[QueryUnit], T]) -> T:
        """Runs a query document over one snapshot and returns its result."""

        def work(unit: UnitOfWork) -> tuple[T, QueryUnit]:
            query = QueryUnit(principal, fetched, lambda read: _read_within(unit, read))
            return execute(query), query

        fetched = _Fetched(self._scores.fetch(principal) if needs.score else None, ())
        while True:
            result, query = self._database.read(work)
            if query.lacks_score:
                fetched = replace(fetched, score=self._scores.fetch(principal))
                continue
            counted = tuple(self._count(principal) for _ in range(len(fetched.inquiries), query.inquiries))
            fetched = replace(fetched, inquiries=fetched.inquiries + counted)
            if not any(counted) and self._record(query):
                return result

    def run_mutations(self, principal: Principal, execute: Callable[[QueryUnit], T]) -> T:
        """Runs a document of mutations and returns its result. Each mutation is a unit of work of its service; each
        read of its payload has a new snapshot."""
        query = QueryUnit(principal, _Fetched(None, ()), self._database.read)
        result = execute(query)
        self._record(query)
        return result

    def _count(self, principal: Principal) -> GatewayError | Outage | None:
        try:
            self._inquiries.count(principal)
        except (GatewayError, Outage) as error:
            return error
        return None

    def _record(self, query: QueryUnit) -> bool:
        """Saves the accesses and the first threshold inquiry. Returns False and saves nothing if the consent is bound
        to another tier."""
        principal, consent = query.principal, query.principal.consent

        def record(unit: UnitOfWork) -> bool:
            tier = query.first_threshold
            if consent is not None and tier is not None and not unit.consents.bind_threshold(consent.id, tier):
                return False
            for access in query.accesses:
                self._access_log.record(unit, principal, access.kind, access.purpose, access.answered)
            return True

        return self._database.write(record) if query.accesses else True


def _read_within(unit: UnitOfWork, read: Callable[[UnitOfWork], Any]) -> Any:
    """Raises outages as the database does, because the executor of the document keeps the errors of its fields."""
    with database_outages(reading=True):
        return read(unit)
