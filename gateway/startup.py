"""The start of a process: its key, its shared state, its score source and its client for outgoing HTTP; and whether its
database, its Valkey and its clients belong to this deployment."""

from contextlib import suppress
from pathlib import Path

import merchants
import schema
from gateway.kit.buckets import Buckets, BucketSize, make_buckets
from gateway.kit.clock import WallClock
from gateway.kit.crypto import SealBroken
from gateway.kit.http import CONNECT_TIMEOUT, HttpClient
from gateway.kit.key_file import KEY_FILE, load_or_create_key
from gateway.kit.limits import RateLimiter, make_rate_limiter
from gateway.kit.logging import get_announcer
from gateway.kit.outage import Outage
from gateway.kit.private_files import is_private
from gateway.kit.replay import Replays, make_replays
from gateway.kit.valkey import EvictionAllowed, SharedStateDown
from gateway.services.container import Container
from gateway.services.processes import BESIDE_POOL, ProcessRefused
from gateway.settings import Settings, SettingsError
from gateway.sources.contract import ScoreSource
from gateway.sources.remote.configuration import make_remote_source, require_reasons
from gateway.sources.remote.source import RemoteSource
from gateway.sources.scorecard.source import ScorecardSource
from gateway.store import sqlite
from gateway.store.causes import explain
from gateway.store.database import DATABASE_ERRORS, Database
from gateway.store.deployment import DeploymentRow, key_check
from gateway.store.unit import UnitOfWork
from gateway.store.waits import CHECKS
from migrations import revisions

_ROOT = Path(__file__).resolve().parent.parent


def prepare_to_serve(container: Container) -> None:
    """Makes the files of a sandbox private, prepares logins, creates the first signing key, so that the key set is
    never empty, and checks that the deployment can be served.

    Registers this process beside the others of the deployment.

    Raises SettingsError for a Valkey that cannot be used, for a score provider that does not keep to its contract, for
    an enabled client with a profile that the environment
    does not have, because it would not work, and for a merchant's override that does not fit the installed policies,
    because its requests would fail; if no signing key in force opens; and for a process that must not serve beside the
    others. Commands do not call this, so that the operator can correct all of them.
    """

    def prepare(unit: UnitOfWork) -> tuple[list[str], list[str]]:
        """The ids of the clients that would not work, and the faults of overrides."""
        unit.keys.ensure_signing_key()
        clients = unit.clients.list_of_other_profiles(container.environment.profiles)
        overrides = container.overrides.list_states(unit, requirements=False)
        return [client.id for client in clients], [each.fault for each in overrides if each.fault]

    _protect_files(container.settings)
    container.accounts.prepare_logins()
    _require_shared_state(container)
    if isinstance(container.source, RemoteSource):
        require_reasons(container.source)
    try:
        client_ids, faults = container.database.write(prepare)
    except SealBroken:
        raise SettingsError(
            "No signing key in force can be opened, see gateway database check --deep. A new one: gateway keys rotate"
        ) from None
    except Outage as outage:
        raise SettingsError(explain(outage)) from outage
    if faults:
        raise SettingsError(f"{len(faults)} override(s) cannot be used, see gateway policy overrides: {faults[0]}")
    if client_ids:
        raise SettingsError(
            f"{len(client_ids)} enabled client(s) have a profile that this deployment does not have: "
            + "; ".join(f"gateway clients disable {client_id}" for client_id in client_ids)
        )
    _join(container)


def _protect_files(settings: Settings) -> None:
    """Takes the permissions of other users from the database file and the key file of a sandbox. A copied or restored
    file can have them. Logs a warning about a file whose permissions are chosen by somebody else: the operator of a
    live deployment, or another owner."""
    paths = [settings.state_directory / KEY_FILE]
    if settings.database_url.startswith(sqlite.PREFIX):
        file = sqlite.file_of(settings.database_url)
        paths += [file.with_name(f"{file.name}{ending}") for ending in ("", "-wal", "-shm")]
    for path in paths:
        if settings.sandbox and not is_private(path):
            with suppress(OSError):  # it belongs to another owner
                path.chmod(0o600)
        if not is_private(path):
            get_announcer(__name__).warning("file_not_private", file=str(path))


def _join(container: Container) -> None:
    """Registers this process, and logs what is unsafe beside the others. Raises SettingsError."""
    try:
        warnings = container.processes.join()
    except ProcessRefused as refused:
        raise SettingsError(str(refused)) from None
    except Outage as outage:
        raise SettingsError(explain(outage)) from outage
    for sentence in warnings:
        get_announcer(__name__).warning("processes_differ", message=sentence)


def _require_shared_state(container: Container) -> None:
    try:
        container.replays.check()
    except EvictionAllowed as error:
        raise SettingsError(
            f"GATEWAY_VALKEY_URL: this Valkey may evict keys (maxmemory-policy {error.policy}), and would forget used"
            " proofs. Set maxmemory-policy to noeviction."
        ) from None
    except SharedStateDown as error:
        raise SettingsError(f"GATEWAY_VALKEY_URL: {_VALKEY_CAUSES.get(error.code, 'Valkey cannot be used')}.") from None


_VALKEY_CAUSES = {
    "ConnectionError": "Valkey does not respond at this address",
    "TimeoutError": "Valkey does not reply in time",
    "AuthenticationError": "Valkey refuses the user name or the password",
    "AuthenticationWrongNumberOfArgsError": "Valkey refuses the user name or the password",
    "NoPermissionError": "the user may not run the commands INFO, SET, EVALSHA and SCRIPT LOAD",
    "OutOfMemoryError": "the memory of Valkey is full",
    "ReadOnlyError": "this Valkey is a replica and accepts no writes",
    "BusyLoadingError": "Valkey is still loading its data",
}
"""Why Valkey cannot be used, by the kind of the failure."""


def require_our_database(database: Database, settings: Settings, master: bytes) -> None:
    """Records this deployment in a new database. Raises SettingsError for a database of another deployment or revision,
    and for one that cannot be used."""
    check = key_check(master)

    def load_or_insert(unit: UnitOfWork) -> DeploymentRow:
        deployment = unit.deployment.load()
        if deployment is None:
            unit.deployment.insert_missing(
                DeploymentRow(environment=settings.environment.value, key_check=check, created_at=unit.wall)
            )
            deployment = unit.deployment.load()
            assert deployment is not None
        return deployment

    try:
        require_revision(database)
        deployment = database.write(load_or_insert)
    except (*DATABASE_ERRORS, Outage) as error:
        raise SettingsError(explain(error)) from error
    if deployment.environment != settings.environment:
        raise SettingsError(f"This database belongs to a {deployment.environment} deployment.")
    if deployment.key_check != check:
        raise SettingsError("This database was sealed with another secret key.")


def require_revision(database: Database) -> None:
    """Raises SettingsError unless the tables are at the revision of this code. Raises DATABASE_ERRORS and Outage for a
    database that was never migrated or cannot be used."""
    revision = database.read(lambda unit: unit.deployment.load_revision())
    sentence = revisions.describe_difference(revision)
    if sentence is not None:
        raise SettingsError(sentence)


def require_our_packages() -> None:
    """Raises SettingsError if unrelated packages named `schema` or `merchants` are imported instead of ours."""
    for module in (schema, merchants):
        if Path(str(module.__file__)).resolve().parent.parent != _ROOT:
            raise SettingsError(
                f"Another package named {module.__name__} shadows ours. Uninstall it: {module.__file__}"
            )


def sandbox_key(directory: Path) -> bytes:
    """Returns the secret key of a sandbox, which is in a file. Raises SettingsError for a file that cannot be used."""
    path = directory / KEY_FILE
    try:
        return load_or_create_key(path)
    except OSError as error:
        raise SettingsError(f"{path} cannot be used: {error.strerror}.") from error
    except ValueError:
        raise SettingsError(f"{path} does not hold a key. Remove it together with the data it sealed.") from None


def make_database_of_checks(database: Database, settings: Settings, clock: WallClock) -> Database:
    """On PostgreSQL one connection with short waits, because checks must not wait for requests. On SQLite the same
    database, because its writers wait in one queue."""
    if database.sqlite:
        return database
    return Database(settings.database_url, size=BESIDE_POOL, clock=clock, waits=CHECKS)


def make_score_source(
    settings: Settings, database: Database, clock: WallClock, scorecard: ScorecardSource
) -> ScoreSource:
    """The score source that the settings name. Raises SettingsError."""
    if settings.score_source == "remote":
        http = make_http_client(settings, connect_timeout=settings.score_connect_limit.total_seconds())
        return make_remote_source(settings, database, clock, http)
    return scorecard


def make_http_client(
    settings: Settings, *, connect_timeout: float = CONNECT_TIMEOUT, keeps_connections: bool = False
) -> HttpClient:
    """The client for outgoing HTTP requests. Raises SettingsError for an unusable CA file."""
    networks, ca_file = settings.outgoing_networks, settings.outgoing_ca_file
    try:
        return HttpClient(networks, ca_file, connect_timeout=connect_timeout, keeps_connections=keeps_connections)
    except OSError as error:  # also for a file without a certificate
        raise SettingsError(f"GATEWAY_OUTGOING_CA_FILE: cannot be used: {error.strerror or error}") from None


def make_shared_state(settings: Settings, clock: WallClock) -> tuple[RateLimiter, Replays, Buckets]:
    """Returns the rate limiter, the replay records and the clients' points: in Valkey if the settings name one, else in
    this process. Raises SettingsError."""
    url = settings.valkey_url.get_secret_value() if settings.valkey_url else None
    try:
        size = BucketSize(settings.bucket_size, settings.bucket_restore_rate)
        return make_rate_limiter(url, clock), make_replays(url), make_buckets(url, size)
    except ValueError:
        raise SettingsError(
            "GATEWAY_VALKEY_URL: cannot be read as an address"
        ) from None  # its text may hold the secret
