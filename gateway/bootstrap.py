"""The composition root: builds every service of a sandbox or live deployment once, with its dependencies."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

from pwdlib import PasswordHash

from gateway.domain.consents.step_up import StepUp
from gateway.domain.decisions.exposure import CreditLimits
from gateway.domain.environment import LIVE, SANDBOX
from gateway.domain.errors import InvalidInput, Misconfigured
from gateway.domain.notices.delivery import LONGEST_NOTICE_TIME
from gateway.kit import logging
from gateway.kit.clock import WallClock, wall_clock
from gateway.kit.crypto import Secrets, derive
from gateway.kit.deadline import Deadlines
from gateway.kit.ids import Ids
from gateway.kit.job_queue import JobQueue
from gateway.services.access_log import AccessLogService
from gateway.services.checkpoints import CheckpointService
from gateway.services.consents.first_use import FirstUses
from gateway.services.consents.service import ConsentService
from gateway.services.container import Container
from gateway.services.decisions.assessment import Assessor
from gateway.services.decisions.claims import ClaimService
from gateway.services.decisions.dispute_resolution import DisputeResolution
from gateway.services.decisions.disputes import DisputeService
from gateway.services.decisions.obligations import ObligationService
from gateway.services.decisions.queries import DecisionQueries
from gateway.services.decisions.receipts import ReceiptService
from gateway.services.decisions.requests import DecisionRequester
from gateway.services.decisions.reviews import DecisionReviewer
from gateway.services.decisions.scheduler import DecisionScheduler
from gateway.services.decisions.shadows import ShadowPolicies
from gateway.services.decisions.transitions import DecisionTransitions
from gateway.services.identity.accounts import AccountService
from gateway.services.identity.client_key_cache import ClientKeyCache
from gateway.services.identity.client_keys import KeySource
from gateway.services.identity.clients import ClientService
from gateway.services.identity.invitations import InvitationService
from gateway.services.identity.logins import DeviceCookies, LoginService
from gateway.services.identity.people import PeopleService
from gateway.services.identity.people_import import PeopleImport
from gateway.services.identity.personas import PersonaService
from gateway.services.identity.registration import RegistrationService
from gateway.services.identity.trusted_documents import TrustedDocumentService
from gateway.services.identity.user_codes import UserCodes
from gateway.services.merchants import MerchantService
from gateway.services.notices.configuration import make_outward
from gateway.services.notices.inbox import InboxService
from gateway.services.notices.reminders import ReminderService
from gateway.services.notices.sending import NoticeSender
from gateway.services.policies.history import PolicyService
from gateway.services.policies.ordinary_asks import OrdinaryAskService
from gateway.services.policies.overrides import OverrideService
from gateway.services.processes import ProcessRegistry
from gateway.services.purge import PurgeService
from gateway.services.query_unit import QueryRunner
from gateway.services.sandbox.assembly import make_sandbox
from gateway.services.sandbox.faults import FaultyScoreFetcher
from gateway.services.sandbox.persona_outcomes import PersonaOutcomeService
from gateway.services.sandbox.reviews import PersonaReviewService
from gateway.services.scores import ScoreService
from gateway.services.scoring.fetching import ScoreFetcher
from gateway.services.scoring.inquiries import InquiryBudget
from gateway.services.scoring.ordinary_requests import OrdinaryRequestService
from gateway.services.scoring.person_records import PersonRecordService
from gateway.services.scoring.person_scores import PersonScoreService
from gateway.services.scoring.purge import ScorePurge
from gateway.services.scoring.record_disputes import RecordDisputeService
from gateway.services.scoring.scheduler import ScoreScheduler
from gateway.services.seeding import Seeding
from gateway.services.tasks import DeploymentTasks, DueWork
from gateway.services.webhooks.announcements import AnnouncementService
from gateway.services.webhooks.assembly import make_worker
from gateway.services.webhooks.endpoints import WebhookService
from gateway.settings import Settings, SettingsError
from gateway.sources.contract import ScoreSource
from gateway.sources.scorecard.card_files import load_cards
from gateway.sources.scorecard.source import ScorecardSource
from gateway.startup import (
    make_database_of_checks,
    make_http_client,
    make_score_source,
    make_shared_state,
    require_our_database,
    require_our_packages,
    sandbox_key,
)
from gateway.store.database import Database
from gateway.store.logs.keys import Keyring
from gateway.store.waits import LONGEST_SILENCE, Waits
from merchants.registry import AdapterRegistry, discover


def build(
    settings: Settings,
    *,
    clock: WallClock = wall_clock,
    source: ScoreSource | None = None,
    hasher: PasswordHash | None = None,
    registry: AdapterRegistry | None = None,
    shadows: ShadowPolicies | None = None,
) -> Container:
    """All services of the deployment with these settings, over its opened and checked database.

    `source` replaces the score source of the settings, `hasher` hashes passwords. `registry` and `shadows` replace the
    adapters and shadow policies in the settings. Raises SettingsError for a database that is not migrated or belongs to
    another environment or key, and Misconfigured for an invalid adapter.
    """
    require_our_packages()
    logging.configure(settings.log_level)
    master = settings.master_key() or sandbox_key(settings.state_directory)
    registry = registry or discover(settings.adapters)
    registry.require_effective(clock())
    with _reading("GATEWAY_SCORECARDS"):
        cards = load_cards(settings.scorecards)
        cards.require_effective(clock())
    with _reading("GATEWAY_STEP_UP_AMOUNT"):
        step_up = StepUp.parse(settings.step_up_amount, settings.step_up_life)
    with _reading("GATEWAY_CREDIT_LIMITS"):
        credit_limits = CreditLimits.parse(settings.credit_limits)
    with _reading("GATEWAY_SHADOW_POLICIES"):
        shadows = shadows or ShadowPolicies.read(settings.shadow_policies, registry)
    rate_limiter, shared_replays, buckets = make_shared_state(settings, clock)
    key_source = KeySource(make_http_client(settings), settings.jwks_uri_hosts)
    environment = SANDBOX if settings.sandbox else LIVE
    ids, secrets = Ids(environment.mark), Secrets(master)
    outward = make_outward(settings, environment, make_http_client(settings), clock)
    database = Database(
        settings.database_url,
        size=settings.pool_size,
        lanes=settings.documents_at_once,
        clock=clock,
        keyring=Keyring(master, ids),
        waits=Waits(
            lock=settings.database_lock_wait.total_seconds(),
            statement=settings.database_statement_limit.total_seconds(),
            silence=LONGEST_SILENCE,
        ),
    )
    scorecard = ScorecardSource(database, cards, ids, is_read=settings.score_source == "scorecard")
    try:
        require_our_database(database, settings, master)
        source = source or make_score_source(settings, database, clock, scorecard)
    except BaseException:
        database.close()
        raise

    notice_sender = NoticeSender(database, clock, outward)
    # Personas read no mails. So without a way out a sandbox starts dispute windows at once.
    notice_time = timedelta(0) if settings.sandbox and outward is None else LONGEST_NOTICE_TIME
    scores = FaultyScoreFetcher(source) if environment.faults else ScoreFetcher(source)
    inquiries = InquiryBudget(rate_limiter, settings.inquiry_budget)
    access_log, merchant_service = AccessLogService(FirstUses(ids)), MerchantService(registry, ids)
    consents = ConsentService(registry, ids, environment)
    clients = ClientService(ids, environment, consents)
    accounts = AccountService(
        ids,
        idle_life=settings.session_idle_life,
        session_life=settings.session_life,
        hasher=hasher,
        hashes_at_once=settings.password_hashes_at_once,
    )
    people, device_cookies = PeopleService(ids, consents), DeviceCookies(secrets.derive("marks of browsers"))
    personas = PersonaService(accounts, consents, scorecard, ids)
    overrides = OverrideService(registry, merchant_service, ids)
    ordinary_asks = OrdinaryAskService(registry, overrides, credit_limits)
    assessor = Assessor(registry, credit_limits, overrides, fixed_outcomes=environment.fixed_outcomes)
    scheduler, claims = DecisionScheduler(database), ClaimService(database)
    resolution, purges = DisputeResolution(cards), PurgeService(database, settings, scores=ScorePurge(database, cards))
    disputes, record_disputes = DisputeService(database, ids, resolution), RecordDisputeService(database, ids)
    reviews = DecisionReviewer(database, assessor, source, scheduler)
    due = DueWork(
        scheduler,
        disputes,
        record_disputes,
        ScoreScheduler(database, scorecard),
        ReminderService(database),
        AnnouncementService(database, ids),
        PersonaReviewService(database, reviews) if environment.fixed_outcomes else None,
    )
    checkpoints = CheckpointService(database, settings.issuer, settings.checkpoint_file)
    processes = ProcessRegistry(
        make_database_of_checks(database, settings, clock),
        shared_replays,
        settings,
        secrets,
        strict=not settings.sandbox,
    )
    return Container(
        settings=settings,
        environment=environment,
        clock=clock,
        ids=ids,
        secrets=secrets,
        database=database,
        registry=registry,
        rate_limiter=rate_limiter,
        deadlines=Deadlines(settings.request_deadline.total_seconds()),
        client_requests=JobQueue("client requests", at_once=settings.client_requests_at_once),
        replays=shared_replays,
        buckets=buckets,
        shows_field_costs=settings.sandbox,
        rule_name=str if settings.sandbox else partial(_opaque_rule, master),
        step_up=step_up,
        accounts=accounts,
        logins=LoginService(
            database,
            accounts,
            rate_limiter,
            device_cookies,
            attempts=settings.login_attempts,
            attempts_per_address=settings.login_attempts_per_address,
            window=settings.login_window,
        ),
        invitations=InvitationService(
            database,
            accounts,
            rate_limiter,
            device_cookies,
            token_prefix=environment.token_prefix("iv"),
            life=settings.invitation_life,
            attempts_per_address=settings.login_attempts_per_address,
            window=settings.login_window,
        ),
        people=people,
        people_import=PeopleImport(database, people),
        personas=personas,
        clients=clients,
        # Requests that wait for merchants' servers have further threads, half as many as pages have.
        client_keys=ClientKeyCache(key_source, clock, max_fetches=max(1, settings.other_threads // 2)),
        registrations=RegistrationService(ids, environment),
        documents=TrustedDocumentService(database),
        user_codes=UserCodes(secrets),
        merchants=merchant_service,
        consents=consents,
        sandbox=make_sandbox(
            database, consents, environment, settings, ids, due, reviews, claims, registry, personas, accounts, secrets
        ),
        persona_outcomes=PersonaOutcomeService(ordinary_asks),
        access_log=access_log,
        inquiries=inquiries,
        source=source,
        scores=ScoreService(),
        scorecard=scorecard,
        person_scores=PersonScoreService(database, source, OrdinaryRequestService(ordinary_asks)),
        person_records=PersonRecordService(source, scorecard),
        record_disputes=record_disputes,
        queries=QueryRunner(database, access_log, scores, inquiries),
        decisions=DecisionQueries(assessor),
        requester=DecisionRequester(
            database, assessor, access_log, scheduler, scores, inquiries, ids, shadows, environment.forced_rules
        ),
        transitions=DecisionTransitions(database, resolution, notice_time),
        scheduler=scheduler,
        reviews=reviews,
        claims=claims,
        disputes=disputes,
        obligations=ObligationService(disputes),
        inbox=InboxService(),
        notice_sender=notice_sender,
        receipts=ReceiptService(settings.issuer),
        checkpoints=checkpoints,
        policies=PolicyService(registry, database, overrides),
        overrides=overrides,
        processes=processes,
        tasks=DeploymentTasks(processes, due, purges, checkpoints, notice_sender),
        webhooks=WebhookService(database, ids, settings.outgoing_networks),
        deliveries=make_worker(
            database, ids, registry, environment, make_http_client(settings, keeps_connections=True), clock, claims
        ),
        seeding=Seeding(
            database, secrets, registry, merchant_service, clients, accounts, personas, ids, settings.issuer
        ),
    )


@contextmanager
def _reading(setting: str) -> Iterator[None]:
    """Raises errors about a value as SettingsError with the name of the setting."""
    try:
        yield
    except (InvalidInput, Misconfigured) as error:
        raise SettingsError(f"{setting}: {error.message}") from None


def _opaque_rule(master: bytes, rule_id: str) -> str:
    """The name of a rule that merchants see in live: always the same for a rule, and without its meaning."""
    return f"rule_{derive(master, f'rule {rule_id}').hex()[:12]}"
