"""The repositories of scores that a unit of work has."""

from sqlalchemy import Connection

from gateway.store.logs.keys import KeyRepository
from gateway.store.made_once import made_once
from gateway.store.scoring.contested_records import ContestedRecordRepository
from gateway.store.scoring.due_scores import DueScoreRepository
from gateway.store.scoring.imported_records import ImportedRecordRepository
from gateway.store.scoring.imports import ScoreImportRepository
from gateway.store.scoring.outcomes import OutcomeRepository
from gateway.store.scoring.purge import ScorePurgeRepository
from gateway.store.scoring.record_disputes import RecordDisputeRepository
from gateway.store.scoring.records import BehaviourRecordRepository
from gateway.store.scoring.remote_scores import RemoteScoreRepository
from gateway.store.scoring.scores import ScoreRepository


class ScoringRepositories:
    """The repositories of scores over the connection of the unit."""

    connection: Connection
    keys: KeyRepository

    @made_once
    def behaviour_records(self) -> BehaviourRecordRepository:
        return BehaviourRecordRepository(self.connection)

    @made_once
    def contested_records(self) -> ContestedRecordRepository:
        return ContestedRecordRepository(self.connection)

    @made_once
    def record_disputes(self) -> RecordDisputeRepository:
        return RecordDisputeRepository(self.connection, self.keys)

    @made_once
    def outcomes(self) -> OutcomeRepository:
        return OutcomeRepository(self.connection)

    @made_once
    def imported_records(self) -> ImportedRecordRepository:
        return ImportedRecordRepository(self.connection)

    @made_once
    def scores(self) -> ScoreRepository:
        return ScoreRepository(self.connection)

    @made_once
    def due_scores(self) -> DueScoreRepository:
        return DueScoreRepository(self.connection)

    @made_once
    def score_purges(self) -> ScorePurgeRepository:
        return ScorePurgeRepository(self.connection)

    @made_once
    def score_imports(self) -> ScoreImportRepository:
        return ScoreImportRepository(self.connection)

    @made_once
    def remote_scores(self) -> RemoteScoreRepository:
        return RemoteScoreRepository(self.connection)
