"""Puts the services of a sandbox together. A live deployment has them too, and publishes none."""

from dataclasses import dataclass

from gateway.domain.environment import Environment
from gateway.kit.crypto import Secrets
from gateway.kit.ids import Ids
from gateway.services.consents.service import ConsentService
from gateway.services.decisions.claims import ClaimService
from gateway.services.decisions.reviews import DecisionReviewer
from gateway.services.identity.accounts import AccountService
from gateway.services.identity.personas import PersonaService
from gateway.services.identity.user_codes import UserCodes
from gateway.services.sandbox.clock import SandboxClockService
from gateway.services.sandbox.consents import SandboxConsentService
from gateway.services.sandbox.decisions import SandboxDecisionService
from gateway.services.sandbox.devices import SandboxDeviceService
from gateway.services.sandbox.faults import SandboxFaultService
from gateway.services.sandbox.page_tokens import PageTokenService
from gateway.services.sandbox.partner_merchants import PartnerMerchantService
from gateway.services.sandbox.partner_sessions import PartnerSessionService
from gateway.services.sandbox.personas import SandboxPersonaService
from gateway.services.sandbox.reset import SandboxResetService
from gateway.services.sandbox.webhooks import SandboxWebhookService
from gateway.services.tasks import DueWork
from gateway.settings import Settings
from gateway.store.database import Database
from merchants.registry import AdapterRegistry


@dataclass(frozen=True, slots=True)
class SandboxServices:
    """What a partner can force in a sandbox, and the sessions in which its people use the pages about it."""

    consents: SandboxConsentService
    clock: SandboxClockService
    decisions: SandboxDecisionService
    webhooks: SandboxWebhookService
    personas: SandboxPersonaService
    partner_sessions: PartnerSessionService
    faults: SandboxFaultService
    partner_merchants: PartnerMerchantService
    page_tokens: PageTokenService
    resets: SandboxResetService
    devices: SandboxDeviceService


def make_sandbox(
    database: Database,
    consents: ConsentService,
    environment: Environment,
    settings: Settings,
    ids: Ids,
    due: DueWork,
    reviews: DecisionReviewer,
    claims: ClaimService,
    registry: AdapterRegistry,
    personas: PersonaService,
    accounts: AccountService,
    secrets: Secrets,
) -> SandboxServices:
    """Returns the services of a sandbox. `due` is what the deployment does when it falls due."""
    consent_service = SandboxConsentService(database, consents, environment, settings, ids)
    return SandboxServices(
        consent_service,
        SandboxClockService(database, due),
        SandboxDecisionService(database, reviews, claims, due.disputes, due.scheduler),
        SandboxWebhookService(database, registry, environment, ids),
        SandboxPersonaService(database, registry, settings, personas, accounts, secrets),
        PartnerSessionService(database, environment, settings),
        SandboxFaultService(database),
        PartnerMerchantService(database, registry, environment, settings),
        PageTokenService(database, consent_service, environment, settings),
        SandboxResetService(database, consents, personas, accounts, secrets, ids),
        SandboxDeviceService(database, consents, UserCodes(secrets), settings),
    )
