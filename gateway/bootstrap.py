"""The composition root: every part made once, handed what it needs. The only place that knows sandbox from live."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy.exc import IntegrityError

import merchants
import schema
from gateway.domain.errors import InvalidInput, Misconfigured
from gateway.domain.exposure import Lines
from gateway.domain.realm import LIVE, SANDBOX, Realm
from gateway.domain.step_up import StepUp
from gateway.kit import logging
from gateway.kit.clock import WallClock, wall_clock
from gateway.kit.crypto import derive
from gateway.kit.http import HttpClient
from gateway.kit.ids import Ids
from gateway.kit.key_file import kept_key
from gateway.kit.limits import Limits, limits
from gateway.kit.replay import Replays, replays
from gateway.oauth.client_keys import ClientKeys
from gateway.oauth.dpop import ProofCheck
from gateway.oauth.user_code import UserCodes
from gateway.services.access import AccessService
from gateway.services.accounts import AccountService
from gateway.services.assessment import Assessor
from gateway.services.bundle import Services
from gateway.services.client_keys import KeySource
from gateway.services.clients import ClientService
from gateway.services.consents import ConsentService
from gateway.services.decision_clock import DecisionClock
from gateway.services.decision_moves import DecisionMover
from gateway.services.decision_record import DecisionRecorder
from gateway.services.decision_requests import DecisionRequester
from gateway.services.decision_reviews import DecisionReviewer
from gateway.services.decisions import DecisionService
from gateway.services.disputes import DisputeService
from gateway.services.logins import LoginService, Marks
from gateway.services.merchants import MerchantService
from gateway.services.overrides import OverrideService
from gateway.services.personas import PersonaService
from gateway.services.policies import PolicyService
from gateway.services.questions import Questions
from gateway.services.receipts import ReceiptService
from gateway.services.registration import RegistrationService
from gateway.services.scores import ScoreService
from gateway.services.seeding import Seeding
from gateway.services.shadows import Shadows
from gateway.settings import Settings, SettingsError
from gateway.sources.personas import PersonaSource
from gateway.store import clients, deployment
from gateway.store.access_log import AccessLogRow
from gateway.store.database import UNUSABLE, Database
from gateway.store.decision_log import DecisionLogRow
from gateway.store.keys import Keyring
from gateway.store.sealed_log import SealedLog
from merchants.registry import AdapterRegistry, discover

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Gateway:
    """One deployment, assembled."""

    settings: Settings
    realm: Realm
    clock: WallClock
    ids: Ids
    database: Database
    registry: AdapterRegistry
    accounts: AccountService
    consents: ConsentService
    clients: ClientService
    registrations: RegistrationService
    accesses: AccessService
    keyring: Keyring
    services: Services
    seeding: Seeding
    rule_name: Callable[[str], str]
    proofs: ProofCheck
    user_codes: UserCodes
    replays: Replays
    limits: Limits
    client_keys: ClientKeys
    logins: LoginService
    step_up: StepUp
    decision_clock: DecisionClock
    reviews: DecisionReviewer
    policies: PolicyService
    overrides: OverrideService

    def make_servable(self) -> None:
        """Makes the first signing key, so that the key set is never empty. Raises SettingsError while there is an
        enabled client of a profile that the realm does not have: its owner believes that it works; and while there is a
        merchant's override that does not fit the installed policies: its requests would fail. Commands do without these
        checks, or nobody could mend it."""
        with self.database.write() as session:
            self.keyring.signing_key(session, self.clock())
            foreign = [row.id for row in clients.of_other_profiles(session, self.realm.profiles)]
            unusable = [each.fault for each in self.overrides.standing(session, promises=False) if each.fault]
        if unusable:
            raise SettingsError(
                f"{len(unusable)} override(s) cannot be used, see gateway policy overrides: {unusable[0]}"
            )
        if foreign:
            raise SettingsError(
                f"{len(foreign)} enabled client(s) have a profile that this deployment does not: "
                + "; ".join(f"gateway clients disable {client_id}" for client_id in foreign)
            )

    def close(self) -> None:
        self.database.close()
        self.replays.close()
        self.limits.close()


def assemble(settings: Settings, clock: WallClock = wall_clock) -> Gateway:
    """The deployment behind these settings, its database opened and checked. Raises SettingsError for a database
    that is not migrated or belongs to another environment or key, Misconfigured for a bad adapter."""
    _require_our_packages()
    logging.configure(settings.log_level)
    master = settings.master_key() or _sandbox_key(settings.state_directory)
    registry = discover(settings.adapters)
    registry.require_effective(clock())
    with _reading("GATEWAY_STEP_UP_AMOUNT"):
        step_up = StepUp.parse(settings.step_up_amount, settings.step_up_life)
    with _reading("GATEWAY_LINES_OF_TRUST"):
        lines = Lines.parse(settings.lines_of_trust)
    with _reading("GATEWAY_SHADOW_POLICIES"):
        shadows = Shadows.read(settings.shadow_policies, registry)
    counts, used_once = _shared_state(settings, clock)
    key_source = KeySource(_http(settings), settings.jwks_uri_hosts)
    database = Database(settings.database_url, size=settings.worker_threads)
    try:
        _require_our_database(database, settings, master, clock)
    except BaseException:
        database.close()
        raise
    realm = SANDBOX if settings.sandbox else LIVE
    ids = Ids(realm.mark)
    keyring = Keyring(master, ids)
    decision_log = SealedLog(DecisionLogRow, keyring, ids)
    accesses = AccessService(SealedLog(AccessLogRow, keyring, ids))
    source = PersonaSource()
    merchant_service = MerchantService(registry, ids)
    overrides = OverrideService(registry, merchant_service, ids, clock)
    assessor = Assessor(registry, source, lines, overrides)
    recorder = DecisionRecorder(decision_log)
    decision_clock = DecisionClock(database, recorder, clock)
    questions = Questions(counts, settings.questions)
    requester = DecisionRequester(
        database, assessor, recorder, accesses, decision_clock, questions, ids, clock, shadows
    )
    mover = DecisionMover(database, recorder, clock)
    disputes = DisputeService(database, recorder, decision_log, ids, clock)
    accounts = AccountService(ids, idle_life=settings.session_idle_life, session_life=settings.session_life)
    consents = ConsentService(registry, ids, realm)
    client_service = ClientService(ids, realm, consents)
    personas = PersonaService(registry, accounts, ids)
    return Gateway(
        settings=settings,
        realm=realm,
        clock=clock,
        ids=ids,
        database=database,
        registry=registry,
        accounts=accounts,
        consents=consents,
        clients=client_service,
        registrations=RegistrationService(ids, realm),
        accesses=accesses,
        keyring=keyring,
        services=Services(
            scores=ScoreService(source, questions),
            decisions=DecisionService(assessor, requester, mover, questions, decision_log),
            disputes=disputes,
            merchants=merchant_service,
            consents=consents,
            personas=personas,
            receipts=ReceiptService(keyring, settings.issuer),
            registry=registry,
        ),
        seeding=Seeding(master, registry, merchant_service, client_service, personas, ids),
        rule_name=str if settings.sandbox else partial(_opaque_rule, master),
        proofs=ProofCheck(settings.issuer, master),
        user_codes=UserCodes(master),
        replays=used_once,
        limits=counts,
        # At most half of the threads wait for other people's servers.
        client_keys=ClientKeys(key_source, clock, places=settings.worker_threads // 2),
        logins=LoginService(
            database,
            accounts,
            counts,
            Marks(derive(master, "marks of browsers")),
            clock,
            attempts=settings.login_attempts,
            attempts_per_address=settings.login_attempts_per_address,
            window=settings.login_window,
        ),
        step_up=step_up,
        decision_clock=decision_clock,
        reviews=DecisionReviewer(database, assessor, recorder, decision_clock, clock),
        policies=PolicyService(registry, decision_log, overrides),
        overrides=overrides,
    )


def _shared_state(settings: Settings, clock: WallClock) -> tuple[Limits, Replays]:
    """What is counted and what was used once, in Valkey where the settings name one."""
    url = settings.valkey_url.get_secret_value() if settings.valkey_url else None
    try:
        return limits(url, clock), replays(url)
    except ValueError:
        raise SettingsError(
            "GATEWAY_VALKEY_URL: cannot be read as an address"
        ) from None  # its text may hold the secret


def _http(settings: Settings) -> HttpClient:
    """The outgoing client."""
    try:
        return HttpClient(settings.outgoing_networks, settings.outgoing_ca_file)
    except OSError as error:  # also of a file that holds no certificate
        raise SettingsError(f"GATEWAY_OUTGOING_CA_FILE: cannot be used: {error.strerror or error}") from None


@contextmanager
def _reading(setting: str) -> Iterator[None]:
    """Names the setting in what is said of its value."""
    try:
        yield
    except (InvalidInput, Misconfigured) as error:
        raise SettingsError(f"{setting}: {error.message}") from None


def _opaque_rule(master: bytes, rule_id: str) -> str:
    """What a merchant sees of a rule in live: the same name for the same rule, and no way back to its condition."""
    return f"rule_{derive(master, f'rule {rule_id}').hex()[:12]}"


def _require_our_packages() -> None:
    """`schema` and `merchants` are also names of unrelated packages; theirs must not be loaded in place of ours."""
    for module in (schema, merchants):
        if Path(str(module.__file__)).resolve().parent.parent != ROOT:
            raise SettingsError(
                f"Another package named {module.__name__} shadows ours. Uninstall it: {module.__file__}"
            )


def _sandbox_key(directory: Path) -> bytes:
    path = directory / "secret.key"
    try:
        return kept_key(path)
    except OSError as error:
        raise SettingsError(f"{path} cannot be used: {error.strerror}.") from error
    except ValueError:
        raise SettingsError(f"{path} does not hold a key. Remove it together with the data it sealed.") from None


def _require_our_database(database: Database, settings: Settings, master: bytes, clock: WallClock) -> None:
    check = derive(master, "deployment").hex()
    try:
        try:
            environment, key_check = _deployment(database, settings.environment, check, clock)
        except IntegrityError:  # another process that started at the same moment was quicker
            environment, key_check = _deployment(database, settings.environment, check, clock)
    except UNUSABLE as error:
        raise SettingsError(
            "The database cannot be used: it does not answer, or it is not migrated (gateway database upgrade)."
        ) from error
    if environment != settings.environment:
        raise SettingsError(f"This database belongs to a {environment} deployment.")
    if key_check != check:
        raise SettingsError("The secret key is not the one that this database was sealed with.")


def _deployment(database: Database, environment: str, check: str, clock: WallClock) -> tuple[str, str]:
    """Environment and key check of the database, which becomes ours if it is a fresh one."""
    with database.write() as session:
        row = deployment.load(session)
        if row is None:
            deployment.create(session, environment, check, clock())
            return environment, check
        return row.environment, row.key_check
