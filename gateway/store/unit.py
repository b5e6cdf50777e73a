"""The unit of work: everything that one transaction may use."""

from collections.abc import Iterable, Mapping
from functools import cached_property

from sqlalchemy import Connection

from gateway.kit.clock import BusinessTime, WallTime, business_time
from gateway.store.consents.consents import ConsentRepository
from gateway.store.consents.versions import ConsentVersionRepository
from gateway.store.decisions.decisions import DecisionRepository
from gateway.store.decisions.disputes import DisputeRepository
from gateway.store.decisions.exposures import ExposureRepository
from gateway.store.decisions.idempotency import IdempotencyRepository
from gateway.store.decisions.pages import DecisionPageRepository
from gateway.store.deployment import DeploymentRepository
from gateway.store.identity.clients import ClientRepository
from gateway.store.identity.sessions import SessionRepository
from gateway.store.identity.trusted_documents import TrustedDocumentRepository
from gateway.store.identity.users import UserRepository
from gateway.store.logs.access_log import AccessLog
from gateway.store.logs.checkpoints import CheckpointRepository
from gateway.store.logs.decision_log import DecisionLog
from gateway.store.logs.keys import KeyRepository, Keyring
from gateway.store.logs.persons import LoggedPersonRepository
from gateway.store.logs.record_log import RecordLog
from gateway.store.logs.tree_log import TreeLog
from gateway.store.logs.trees import LogTrees
from gateway.store.merchants.merchants import Counterpart, MerchantRepository
from gateway.store.merchants.partners import PartnerRepository
from gateway.store.oauth.device_codes import DeviceCodeRepository
from gateway.store.oauth.endings import EndingRepository
from gateway.store.oauth.initial_access_tokens import InitialAccessTokenRepository
from gateway.store.oauth.replays import ReplayRepository
from gateway.store.oauth.requests import AuthorizationRequestRepository
from gateway.store.oauth.tokens import TokenRepository
from gateway.store.outbox import OutboxRepository
from gateway.store.policies import PolicyOverrideRepository
from gateway.store.processes import ProcessRepository
from gateway.store.purge import PurgeRepository


class UnitOfWork:
    """The repositories over one connection, the wall time at which the unit began, and the business time of partners.
    A unit does no other I/O. Its function may be run again, so it must have no other effects."""

    def __init__(self, connection: Connection, wall: WallTime, keyring: Keyring, trees: LogTrees | None = None) -> None:
        """`trees` are the logs' new entries in the transaction, if it has several units."""
        self.connection, self.wall, self._keyring = connection, wall, keyring
        self.trees = trees or LogTrees(connection)
        self._offsets: dict[str, int] = {}

    def end(self) -> None:
        """Hands over the entries of the record log. Called once, after the work of a writing unit. The transaction then
        appends all entries that were handed over."""
        if "record_log" in self.__dict__:
            self.record_log.append_noted()

    def business_time(self, merchant_id: str) -> BusinessTime:
        """Returns the business time of the merchant's partner. Raises LookupError for an unknown merchant."""
        if merchant_id not in self._offsets:
            self._offsets[merchant_id] = self.merchants.load_clock_offset(merchant_id)
        return business_time(self.wall, self._offsets[merchant_id])

    def load_counterparts(self, merchant_ids: Iterable[str]) -> Mapping[str, Counterpart]:
        """Returns these merchants by id, without unknown ones, in one statement. It also loads their business time."""
        counterparts = self.merchants.load_counterparts(merchant_ids)
        self._offsets.update({each: merchant.clock_offset_seconds for each, merchant in counterparts.items()})
        return counterparts

    @cached_property
    def consents(self) -> ConsentRepository:
        return ConsentRepository(self.connection, self.record_log)

    @cached_property
    def consent_versions(self) -> ConsentVersionRepository:
        return ConsentVersionRepository(self.connection)

    @cached_property
    def decisions(self) -> DecisionRepository:
        return DecisionRepository(self.connection, self.wall, self.decision_log, self.logged_persons, self.exposures)

    @cached_property
    def decision_pages(self) -> DecisionPageRepository:
        return DecisionPageRepository(self.connection)

    @cached_property
    def disputes(self) -> DisputeRepository:
        return DisputeRepository(self.connection)

    @cached_property
    def exposures(self) -> ExposureRepository:
        return ExposureRepository(self.connection)

    @cached_property
    def idempotency(self) -> IdempotencyRepository:
        return IdempotencyRepository(self.connection, self._keyring)

    @cached_property
    def decision_log(self) -> DecisionLog:
        return DecisionLog(self.connection, self.wall, self.trees, self.keys)

    @cached_property
    def access_log(self) -> AccessLog:
        return AccessLog(self.connection, self.wall, self.trees, self.keys)

    @cached_property
    def record_log(self) -> RecordLog:
        return RecordLog(self.connection, self.wall, self.trees, self._keyring.ids)

    @property
    def logs(self) -> tuple[TreeLog, ...]:
        """All logs."""
        return self.access_log, self.decision_log, self.record_log

    @cached_property
    def checkpoints(self) -> CheckpointRepository:
        return CheckpointRepository(self.connection)

    @cached_property
    def keys(self) -> KeyRepository:
        return KeyRepository(self.connection, self.wall, self._keyring)

    @cached_property
    def logged_persons(self) -> LoggedPersonRepository:
        return LoggedPersonRepository(self.connection, self.wall, self.keys)

    @cached_property
    def outbox(self) -> OutboxRepository:
        return OutboxRepository(self.connection)

    @cached_property
    def policy_overrides(self) -> PolicyOverrideRepository:
        return PolicyOverrideRepository(self.connection)

    @cached_property
    def merchants(self) -> MerchantRepository:
        return MerchantRepository(self.connection, self.record_log)

    @cached_property
    def partners(self) -> PartnerRepository:
        return PartnerRepository(self.connection)

    @cached_property
    def clients(self) -> ClientRepository:
        return ClientRepository(self.connection, self.record_log)

    @cached_property
    def documents(self) -> TrustedDocumentRepository:
        return TrustedDocumentRepository(self.connection, self.wall, self.record_log)

    @cached_property
    def users(self) -> UserRepository:
        return UserRepository(self.connection, self.record_log)

    @cached_property
    def sessions(self) -> SessionRepository:
        return SessionRepository(self.connection)

    @cached_property
    def tokens(self) -> TokenRepository:
        return TokenRepository(self.connection)

    @cached_property
    def endings(self) -> EndingRepository:
        return EndingRepository(self.connection)

    @cached_property
    def authorization_requests(self) -> AuthorizationRequestRepository:
        return AuthorizationRequestRepository(self.connection)

    @cached_property
    def device_codes(self) -> DeviceCodeRepository:
        return DeviceCodeRepository(self.connection)

    @cached_property
    def replays(self) -> ReplayRepository:
        return ReplayRepository(self.connection)

    @cached_property
    def purges(self) -> PurgeRepository:
        return PurgeRepository(self.connection)

    @cached_property
    def initial_access_tokens(self) -> InitialAccessTokenRepository:
        return InitialAccessTokenRepository(self.connection)

    @cached_property
    def deployment(self) -> DeploymentRepository:
        return DeploymentRepository(self.connection)

    @cached_property
    def processes(self) -> ProcessRepository:
        return ProcessRepository(self.connection)
