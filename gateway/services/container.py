"""The container: all services of one deployment. `gateway.bootstrap` and tests build it once."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.domain.consents.step_up import StepUp
from gateway.domain.environment import Environment
from gateway.kit.buckets import Buckets
from gateway.kit.clock import WallClock
from gateway.kit.crypto import Secrets
from gateway.kit.deadline import Deadlines
from gateway.kit.ids import Ids
from gateway.kit.job_queue import JobQueue
from gateway.kit.limits import RateLimiter
from gateway.kit.replay import Replays
from gateway.services.access_log import AccessLogService
from gateway.services.checkpoints import CheckpointService
from gateway.services.consents.service import ConsentService
from gateway.services.decisions.claims import ClaimService
from gateway.services.decisions.disputes import DisputeService
from gateway.services.decisions.obligations import ObligationService
from gateway.services.decisions.queries import DecisionQueries
from gateway.services.decisions.receipts import ReceiptService
from gateway.services.decisions.requests import DecisionRequester
from gateway.services.decisions.reviews import DecisionReviewer
from gateway.services.decisions.scheduler import DecisionScheduler
from gateway.services.decisions.transitions import DecisionTransitions
from gateway.services.identity.accounts import AccountService
from gateway.services.identity.client_key_cache import ClientKeyCache
from gateway.services.identity.clients import ClientService
from gateway.services.identity.invitations import InvitationService
from gateway.services.identity.logins import LoginService
from gateway.services.identity.people import PeopleService
from gateway.services.identity.people_import import PeopleImport
from gateway.services.identity.personas import PersonaService
from gateway.services.identity.registration import RegistrationService
from gateway.services.identity.trusted_documents import TrustedDocumentService
from gateway.services.identity.user_codes import UserCodes
from gateway.services.merchants import MerchantService
from gateway.services.notices.inbox import InboxService
from gateway.services.notices.sending import NoticeSender
from gateway.services.policies.history import PolicyService
from gateway.services.policies.overrides import OverrideService
from gateway.services.processes import ProcessRegistry
from gateway.services.query_unit import QueryRunner
from gateway.services.sandbox.assembly import SandboxServices
from gateway.services.sandbox.persona_outcomes import PersonaOutcomeService
from gateway.services.scores import ScoreService
from gateway.services.scoring.inquiries import InquiryBudget
from gateway.services.scoring.person_records import PersonRecordService
from gateway.services.scoring.person_scores import PersonScoreService
from gateway.services.scoring.record_disputes import RecordDisputeService
from gateway.services.seeding import Seeding
from gateway.services.tasks import DeploymentTasks
from gateway.services.webhooks.endpoints import WebhookService
from gateway.services.webhooks.worker import DeliveryWorker
from gateway.settings import Settings
from gateway.sources.contract import ScoreSource
from gateway.sources.scorecard.source import ScorecardSource
from gateway.store.database import Database
from merchants.registry import AdapterRegistry


@dataclass(frozen=True, slots=True)
class Container:
    """All services of one deployment. All requests share them. `client_requests` runs the requests of clients to the
    authorization server. `rule_name` maps the id of a policy rule to the name
    that merchants see: the id itself in a sandbox, an opaque name in live, which only the operator can resolve.
    `shows_field_costs` is whether clients may ask for the cost of each field of a document."""

    settings: Settings
    environment: Environment
    clock: WallClock
    ids: Ids
    secrets: Secrets
    database: Database
    registry: AdapterRegistry
    rate_limiter: RateLimiter
    deadlines: Deadlines
    client_requests: JobQueue
    replays: Replays
    buckets: Buckets
    shows_field_costs: bool
    rule_name: Callable[[str], str]
    step_up: StepUp
    accounts: AccountService
    logins: LoginService
    invitations: InvitationService
    people: PeopleService
    people_import: PeopleImport
    personas: PersonaService
    clients: ClientService
    client_keys: ClientKeyCache
    registrations: RegistrationService
    documents: TrustedDocumentService
    user_codes: UserCodes
    merchants: MerchantService
    consents: ConsentService
    sandbox: SandboxServices
    persona_outcomes: PersonaOutcomeService
    access_log: AccessLogService
    inquiries: InquiryBudget
    source: ScoreSource
    scores: ScoreService
    scorecard: ScorecardSource
    person_scores: PersonScoreService
    person_records: PersonRecordService
    record_disputes: RecordDisputeService
    queries: QueryRunner
    decisions: DecisionQueries
    requester: DecisionRequester
    transitions: DecisionTransitions
    scheduler: DecisionScheduler
    reviews: DecisionReviewer
    claims: ClaimService
    disputes: DisputeService
    obligations: ObligationService
    inbox: InboxService
    notice_sender: NoticeSender
    receipts: ReceiptService
    checkpoints: CheckpointService
    policies: PolicyService
    overrides: OverrideService
    webhooks: WebhookService
    deliveries: DeliveryWorker
    seeding: Seeding
    processes: ProcessRegistry
    tasks: DeploymentTasks

    def close(self) -> None:
        """Deletes the row of this process, ends the threads of `client_requests`, and closes the connections to the
        database and to Valkey."""
        self.client_requests.close()
        self.processes.close()
        self.database.close()
        self.replays.close()
        self.buckets.close()
        self.rate_limiter.close()
