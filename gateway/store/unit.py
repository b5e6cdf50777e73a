"""The unit of work: everything that one transaction may use."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection

from gateway.kit.clock import BusinessTime, WallTime, business_time
from gateway.store.consents.consents import ConsentRepository
from gateway.store.consents.versions import ConsentVersionRepository
from gateway.store.decisions.decisions import DecisionRepository
from gateway.store.decisions.disputes import DisputeRepository
from gateway.store.decisions.exposures import ExposureRepository
from gateway.store.decisions.idempotency import IdempotencyRepository
from gateway.store.decisions.merchant_names import MerchantNameRepository
from gateway.store.decisions.pages import DecisionPageRepository
from gateway.store.decisions.upcoming import UpcomingRepository
from gateway.store.deployment import DeploymentRepository
from gateway.store.events import EventRepository
from gateway.store.identity.clients import ClientRepository
from gateway.store.identity.invitations import InvitationRepository
from gateway.store.identity.sessions import SessionRepository
from gateway.store.identity.trusted_documents import TrustedDocumentRepository
from gateway.store.identity.users import UserRepository
from gateway.store.logged_persons import LoggedPersonRepository
from gateway.store.logs.access_log import AccessLog
from gateway.store.logs.checkpoints import CheckpointRepository
from gateway.store.logs.decision_log import DecisionLog
from gateway.store.logs.keys import KeyRepository, Keyring
from gateway.store.logs.record_log import RecordLog
from gateway.store.logs.tree_log import TreeLog
from gateway.store.logs.trees import LogTrees
from gateway.store.made_once import made_once
from gateway.store.merchants.merchants import Counterpart, MerchantRepository
from gateway.store.merchants.partners import PartnerRepository
from gateway.store.notices.notices import NoticeRepository
from gateway.store.notices.preferences import NoticePreferenceRepository
from gateway.store.notices.sending import SentNoticeRepository
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
from gateway.store.sandbox.repositories import SandboxRepositories
from gateway.store.scoring.repositories import ScoringRepositories
from gateway.store.webhooks.announcements import AnnouncementRepository
from gateway.store.webhooks.deliveries import WebhookDeliveryRepository
from gateway.store.webhooks.endpoints import WebhookEndpointRepository


class UnitOfWork(ScoringRepositories, SandboxRepositories):
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

    @made_once
    def consents(self) -> ConsentRepository:
        return ConsentRepository(self.connection, self.record_log)

    @made_once
    def consent_versions(self) -> ConsentVersionRepository:
        return ConsentVersionRepository(self.connection)

    @made_once
    def decisions(self) -> DecisionRepository:
        return DecisionRepository(
            self.connection, self.wall, self.decision_log, self.logged_persons, self.exposures, self.notices
        )

    @made_once
    def decision_pages(self) -> DecisionPageRepository:
        return DecisionPageRepository(self.connection)

    @made_once
    def merchant_names(self) -> MerchantNameRepository:
        return MerchantNameRepository(self.connection)

    @made_once
    def disputes(self) -> DisputeRepository:
        return DisputeRepository(self.connection)

    @made_once
    def exposures(self) -> ExposureRepository:
        return ExposureRepository(self.connection)

    @made_once
    def idempotency(self) -> IdempotencyRepository:
        return IdempotencyRepository(self.connection, self._keyring)

    @made_once
    def decision_log(self) -> DecisionLog:
        return DecisionLog(self.connection, self.wall, self.trees, self.keys)

    @made_once
    def access_log(self) -> AccessLog:
        return AccessLog(self.connection, self.wall, self.trees, self.keys)

    @made_once
    def record_log(self) -> RecordLog:
        return RecordLog(self.connection, self.wall, self.trees, self._keyring.ids)

    @property
    def logs(self) -> tuple[TreeLog, ...]:
        """All logs."""
        return self.access_log, self.decision_log, self.record_log

    @made_once
    def checkpoints(self) -> CheckpointRepository:
        return CheckpointRepository(self.connection)

    @made_once
    def keys(self) -> KeyRepository:
        return KeyRepository(self.connection, self.wall, self._keyring)

    @made_once
    def logged_persons(self) -> LoggedPersonRepository:
        return LoggedPersonRepository(self.connection, self.wall, self.keys)

    @made_once
    def outbox(self) -> OutboxRepository:
        return OutboxRepository(self.connection)

    @made_once
    def announcements(self) -> AnnouncementRepository:
        return AnnouncementRepository(self.connection)

    @made_once
    def events(self) -> EventRepository:
        return EventRepository(self.connection)

    @made_once
    def webhook_endpoints(self) -> WebhookEndpointRepository:
        return WebhookEndpointRepository(self.connection, self._keyring)

    @made_once
    def webhook_deliveries(self) -> WebhookDeliveryRepository:
        return WebhookDeliveryRepository(self.connection)

    @made_once
    def notices(self) -> NoticeRepository:
        return NoticeRepository(self.connection, self.wall, self._keyring.ids)

    @made_once
    def sent_notices(self) -> SentNoticeRepository:
        return SentNoticeRepository(self.connection, self.wall)

    @made_once
    def notice_preferences(self) -> NoticePreferenceRepository:
        return NoticePreferenceRepository(self.connection)

    @made_once
    def upcoming(self) -> UpcomingRepository:
        return UpcomingRepository(self.connection)

    @made_once
    def policy_overrides(self) -> PolicyOverrideRepository:
        return PolicyOverrideRepository(self.connection)

    @made_once
    def merchants(self) -> MerchantRepository:
        return MerchantRepository(self.connection, self.record_log)

    @made_once
    def partners(self) -> PartnerRepository:
        return PartnerRepository(self.connection)

    @made_once
    def clients(self) -> ClientRepository:
        return ClientRepository(self.connection, self.record_log)

    @made_once
    def documents(self) -> TrustedDocumentRepository:
        return TrustedDocumentRepository(self.connection, self.wall, self.record_log)

    @made_once
    def users(self) -> UserRepository:
        return UserRepository(self.connection, self.record_log)

    @made_once
    def invitations(self) -> InvitationRepository:
        return InvitationRepository(self.connection)

    @made_once
    def sessions(self) -> SessionRepository:
        return SessionRepository(self.connection)

    @made_once
    def tokens(self) -> TokenRepository:
        return TokenRepository(self.connection)

    @made_once
    def endings(self) -> EndingRepository:
        return EndingRepository(self.connection)

    @made_once
    def authorization_requests(self) -> AuthorizationRequestRepository:
        return AuthorizationRequestRepository(self.connection)

    @made_once
    def device_codes(self) -> DeviceCodeRepository:
        return DeviceCodeRepository(self.connection)

    @made_once
    def replays(self) -> ReplayRepository:
        return ReplayRepository(self.connection)

    @made_once
    def purges(self) -> PurgeRepository:
        return PurgeRepository(self.connection)

    @made_once
    def initial_access_tokens(self) -> InitialAccessTokenRepository:
        return InitialAccessTokenRepository(self.connection)

    @made_once
    def deployment(self) -> DeploymentRepository:
        return DeploymentRepository(self.connection)

    @made_once
    def processes(self) -> ProcessRepository:
        return ProcessRepository(self.connection)
