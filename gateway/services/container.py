"""The container: every service of one deployment, built once by `gateway.bootstrap` and by tests."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.domain.consents.step_up import StepUp
from gateway.domain.environment import Environment
from gateway.kit.clock import WallClock
from gateway.kit.crypto import Secrets
from gateway.kit.ids import Ids
from gateway.kit.limits import Limits
from gateway.kit.replay import Replays
from gateway.services.access_log import AccessLogService
from gateway.services.consents.service import ConsentService
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
from gateway.services.identity.logins import LoginService
from gateway.services.identity.personas import PersonaService
from gateway.services.identity.registration import RegistrationService
from gateway.services.identity.user_codes import UserCodes
from gateway.services.merchants import MerchantService
from gateway.services.policies.history import PolicyService
from gateway.services.policies.overrides import OverrideService
from gateway.services.query_unit import QueryRunner
from gateway.services.scores import ScoreService
from gateway.services.scoring.inquiries import InquiryBudget
from gateway.services.seeding import Seeding
from gateway.settings import Settings
from gateway.store.database import Database
from merchants.registry import AdapterRegistry


@dataclass(frozen=True, slots=True)
class Container:
    """Services have no state of their own and are shared by all requests. `rule_name` maps a rule id to what a merchant
    sees of it: the id itself in a sandbox, an opaque name that only the operator can resolve in live."""

    settings: Settings
    environment: Environment
    clock: WallClock
    ids: Ids
    secrets: Secrets
    database: Database
    registry: AdapterRegistry
    limits: Limits
    replays: Replays
    rule_name: Callable[[str], str]
    step_up: StepUp
    accounts: AccountService
    logins: LoginService
    personas: PersonaService
    clients: ClientService
    client_keys: ClientKeyCache
    registrations: RegistrationService
    user_codes: UserCodes
    merchants: MerchantService
    consents: ConsentService
    access_log: AccessLogService
    inquiries: InquiryBudget
    scores: ScoreService
    queries: QueryRunner
    decisions: DecisionQueries
    requester: DecisionRequester
    transitions: DecisionTransitions
    scheduler: DecisionScheduler
    reviews: DecisionReviewer
    disputes: DisputeService
    obligations: ObligationService
    receipts: ReceiptService
    policies: PolicyService
    overrides: OverrideService
    seeding: Seeding

    def close(self) -> None:
        """Closes the connections to the database and to what processes share."""
        self.database.close()
        self.replays.close()
        self.limits.close()
