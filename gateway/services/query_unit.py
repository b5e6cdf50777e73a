"""The unit of work of one GraphQL document: one snapshot, and the accesses that are logged before it is answered."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from gateway.domain.consents.consent import Consent
from gateway.domain.errors import Forbidden, GatewayError
from gateway.domain.identity.principal import Principal
from gateway.domain.scoring.score import Measurement
from gateway.kit.clock import BusinessTime
from gateway.services.access_log import AccessLogService
from gateway.services.scoring.fetching import FetchedScore, ScoreFetcher, require_measurement
from gateway.services.scoring.inquiries import InquiryBudget
from gateway.store.database import Database
from gateway.store.unit import UnitOfWork

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Needs:
    """What a document needs that must be had before its unit of work begins: a score."""

    score: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    """One read of a person's data: what kind, for which purpose, and what was answered."""

    kind: str
    purpose: str
    answered: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Fetched:
    """A score, None where none was fetched, and for each inquiry that was counted its error, None for one that is
    allowed."""

    score: FetchedScore
    inquiries: tuple[GatewayError | None, ...]


class QueryUnit:
    """What resolvers use: who is calling, the snapshot, the score, the inquiries, and the log of accesses. Each run of
    a document gets a new one. `inquiries` is how many it took; `lacks_score` says that it needed a score that was not
    fetched, so that its answer is thrown away and it runs again."""

    def __init__(
        self, principal: Principal, fetched: _Fetched, read: Callable[[Callable[[UnitOfWork], Any]], Any]
    ) -> None:
        self.principal = principal
        self.accesses: list[Access] = []
        self.inquiries, self.lacks_score = 0, False
        self._fetched, self._read = fetched, read

    @property
    def now(self) -> BusinessTime:
        """The partner's business time when the token was checked."""
        return self.principal.now

    @property
    def score(self) -> FetchedScore:
        """The person's score, or why there is none."""
        if self._fetched.score is None and self.principal.consent is not None:
            self.lacks_score = True
        return self._fetched.score

    def read(self, work: Callable[[UnitOfWork], T]) -> T:
        """Runs a reading function over the document's snapshot; for a mutation's payload over a new one."""
        result: T = self._read(work)
        return result

    def require_consent(self) -> Consent:
        """The consent of a user token. Raises Forbidden for a merchant token."""
        if self.principal.consent is None:
            raise Forbidden("Only a user's token can ask about a user.", [["score:threshold"], ["decisions:preview"]])
        return self.principal.consent

    def require_measurement(self) -> Measurement:
        """The person's measurement. Raises Unavailable."""
        return require_measurement(self.score)

    def take_inquiry(self) -> None:
        """Takes one inquiry, which is counted before the document is answered. Raises LimitReached, Unavailable where
        that has failed: then the document runs again."""
        counted = self._fetched.inquiries[self.inquiries :]
        self.inquiries += 1
        if counted and counted[0] is not None:
            raise counted[0]

    def log_access(self, kind: str, purpose: str, answered: dict[str, Any]) -> None:
        """Notes an access; it is written before the document is answered."""
        self.accesses.append(Access(kind, purpose, answered))


class QueryRunner:
    """Runs documents. A score is fetched before the unit of work. After it, and before the result is returned, the
    inquiries that the document took are counted and its accesses are logged durably: if that fails, there is no result.
    Where an inquiry is not allowed, the document runs again, and the inquiry raises."""

    def __init__(
        self, database: Database, access_log: AccessLogService, scores: ScoreFetcher, inquiries: InquiryBudget
    ) -> None:
        self._database, self._access_log = database, access_log
        self._scores, self._inquiries = scores, inquiries

    def run_query(self, principal: Principal, needs: Needs, execute: Callable[[QueryUnit], T]) -> T:
        """The result of a query document over one snapshot."""

        def work(unit: UnitOfWork) -> tuple[T, QueryUnit]:
            query = QueryUnit(principal, fetched, lambda read: read(unit))
            return execute(query), query

        fetched = _Fetched(self._scores.fetch(principal) if needs.score else None, ())
        while True:
            result, query = self._database.read(work)
            if query.lacks_score:
                fetched = replace(fetched, score=self._scores.fetch(principal))
                continue
            counted = tuple(self._count(principal) for _ in range(len(fetched.inquiries), query.inquiries))
            if not any(counted):
                break
            fetched = replace(fetched, inquiries=fetched.inquiries + counted)
        self._record(principal, query.accesses)
        return result

    def run_mutations(self, principal: Principal, execute: Callable[[QueryUnit], T]) -> T:
        """The result of a document of mutations: each is a unit of work of its service, and what its payload reads is a
        new snapshot."""
        query = QueryUnit(principal, _Fetched(None, ()), self._database.read)
        result = execute(query)
        self._record(principal, query.accesses)
        return result

    def _count(self, principal: Principal) -> GatewayError | None:
        try:
            self._inquiries.count(principal)
        except GatewayError as error:
            return error
        return None

    def _record(self, principal: Principal, accesses: list[Access]) -> None:
        def record(unit: UnitOfWork) -> None:
            for access in accesses:
                self._access_log.record(unit, principal, access.kind, access.purpose, access.answered)

        if accesses:
            self._database.write(record)
