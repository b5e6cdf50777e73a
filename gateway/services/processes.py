"""The registry of processes: finds processes that must not serve one deployment together, and too many connections. It
also says which process runs the tasks of the deployment."""

import hmac
import os
import secrets
import socket
from contextlib import suppress
from pathlib import Path

from gateway.kit.crypto import Secrets
from gateway.kit.logging import get_logger
from gateway.kit.outage import Outage
from gateway.kit.replay import Replays
from gateway.settings import Settings
from gateway.store.database import DATABASE_ERRORS, Database
from gateway.store.deployment import ConnectionLimit
from gateway.store.processes import ProcessRow
from gateway.store.unit import UnitOfWork

OWN_SETTINGS = frozenset(
    {
        *("database_url", "secret_key", "valkey_url", "state_directory", "log_level"),
        *("worker_threads", "database_connections", "outgoing_ca_file", "checkpoint_file", "metrics_address"),
        "deliver_webhooks",
    }
)
"""Settings in which the processes of a deployment may differ. The key is compared with that of the database, and the
Valkey by what it holds."""

FOR_COMMANDS = 3
"""Connections that stay free for the operator's commands."""

BESIDE_POOL = 1
"""The connection of a process for its row, for `/readyz` and for the lock of the tasks. These must not wait for
requests."""

_log = get_logger(__name__)

_ONE_ON_SQLITE = "With SQLite only one may serve: a proof that was used at one would work again at the other."
_NO_COMMON_VALKEY = (
    "Without the same Valkey, a proof that was used at one works again at the other, and each counts its own guesses."
    " Set GATEWAY_VALKEY_URL to the same Valkey for all processes."
)


class ProcessRefused(Exception):
    """This process must not serve beside the others. The message is a sentence for the operator."""


class ProcessRegistry:
    """The row of this process. `database` is for these rows only, so that they do not wait for requests. `strict`
    refuses what is unsafe beside another process; otherwise it is a warning."""

    def __init__(
        self, database: Database, replays: Replays, settings: Settings, keys: Secrets, *, strict: bool
    ) -> None:
        self._database, self._replays, self._settings = database, replays, settings
        self._id, self._place, self._pid = secrets.token_hex(16), find_place(), os.getpid()
        self._digests, self._strict = _digest_settings(settings, keys), strict
        self._joined = self._holds_tasks = False

    def join(self) -> list[str]:
        """Registers this process. Returns a warning for each difference from the other processes that is unsafe or
        probably a mistake. Raises ProcessRefused if used proofs would not be shared (if strict), and if the database
        server does not allow as many connections. Raises Outage."""

        def register(unit: UnitOfWork) -> list[str]:
            unit.deployment.lock()
            others = [each for each in self._list_running(unit) if each.id != self._id]
            self._require_connections(unit.deployment.load_connection_limit(), others)
            unit.processes.insert(self._row(unit))
            return [*self._unsafe(others), *self._unlike(others)]

        warnings = self._database.write(register)
        self._joined = True
        return warnings

    def renew(self) -> None:
        """Renews the row of this process, if it has joined. Raises Outage."""

        def renew(unit: UnitOfWork) -> None:
            if not unit.processes.renew(self._id, unit.wall, self._shared_state):
                unit.processes.insert(self._row(unit))

        if self._joined:
            self._database.write(renew)

    def hold_tasks(self) -> bool:
        """Whether this process may run the tasks of the deployment now. Then no other process may. A process keeps the
        right until its connection ends: when the process ends, hangs for LONGEST_SILENCE seconds, or loses the
        connection. Then the next process that asks gets the right. Raises Outage, after which the right may be lost."""
        holds = self._database.write(lambda unit: unit.processes.try_lock_tasks())
        if holds != self._holds_tasks and not self._database.sqlite:  # on SQLite no other process can have them
            self._holds_tasks = holds
            _log.info("tasks_taken" if holds else "tasks_lost")
        return holds

    def load_revision(self) -> str | None:
        """Returns the revision of the database. Raises Outage, and DBAPIError if there is none."""
        return self._database.read(lambda unit: unit.deployment.load_revision())

    def leave(self) -> None:
        """Deletes the row of this process. If that fails, the row expires."""
        if self._joined:
            self._joined = False
            with suppress(Outage, *DATABASE_ERRORS):
                self._database.write(lambda unit: unit.processes.delete(self._id))

    def close(self) -> None:
        """Leaves, and closes the connection."""
        self.leave()
        self._database.close()

    @property
    def _shared_state(self) -> str | None:
        """The marker of the Valkey that this process uses."""
        return self._replays.epoch.partition(" ")[0] if self._settings.valkey_url else None

    def _row(self, unit: UnitOfWork) -> ProcessRow:
        return ProcessRow(
            id=self._id,
            place=self._place,
            pid=self._pid,
            started_at=unit.wall,
            seen_at=unit.wall,
            connections=self._settings.pool_size + BESIDE_POOL,
            shared_state=self._shared_state,
            settings=self._digests,
        )

    def _list_running(self, unit: UnitOfWork) -> list[ProcessRow]:
        """The processes that run. Deletes the rows of processes of this machine that have crashed."""
        running = []
        for each in unit.processes.list_processes(unit.wall):
            if each.place == self._place and (each.pid == self._pid or not is_running(each.pid)):
                unit.processes.delete(each.id)
            else:
                running.append(each)
        return running

    def _require_connections(self, limit: ConnectionLimit | None, others: list[ProcessRow]) -> None:
        if limit is None:
            return
        own, rest = self._settings.pool_size + BESIDE_POOL, sum(each.connections for each in others)
        if own + rest + FOR_COMMANDS > limit.connections:
            raise ProcessRefused(
                f"This process may open {own} connections to the database, {len(others)} other process(es) {rest}, and"
                f" {FOR_COMMANDS} are for commands. The server allows {limit.connections} ({limit.source}). Lower"
                " GATEWAY_DATABASE_CONNECTIONS, or raise the limit of the server."
            )

    def _unsafe(self, others: list[ProcessRow]) -> list[str]:
        """Raises ProcessRefused if this process and another one do not share used proofs; if not strict, it returns
        the sentence."""
        apart = [each for each in others if each.shared_state is None or each.shared_state != self._shared_state]
        if not apart:
            return []
        sentence = (
            f"Another process of this deployment is running: {apart[0].pid} at {apart[0].place.partition(' ')[0]}. "
            + (_ONE_ON_SQLITE if self._database.sqlite else _NO_COMMON_VALKEY)
        )
        if self._strict:
            raise ProcessRefused(sentence)
        return [sentence]

    def _unlike(self, others: list[ProcessRow]) -> list[str]:
        names = {
            name
            for each in others
            for name in each.settings.keys() | self._digests.keys()
            if each.settings.get(name) != self._digests.get(name)
        }
        if not names:
            return []
        listed = ", ".join(f"GATEWAY_{name.upper()}" for name in sorted(names))
        return [f"This process and another process of the deployment differ in their settings: {listed}."]


def _digest_settings(settings: Settings, keys: Secrets) -> dict[str, str]:
    """A keyed digest of each setting that must be the same in all processes. It does not reveal the value."""
    key = keys.derive("settings of processes")
    values = settings.model_dump(mode="json", exclude=set(OWN_SETTINGS))
    return {name: hmac.digest(key, repr(value).encode(), "sha256").hex()[:16] for name, value in values.items()}


def find_place() -> str:
    """The name of the machine, and the namespace in which process ids are unique: containers may share the name."""
    try:
        return f"{socket.gethostname()} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # not Linux
        return socket.gethostname()


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:  # not Linux, or it has just ended; then its row expires
        return True
    # A process that has ended, but whose parent has not noticed it yet, does not run.
    return status.rpartition(")")[2].split()[0] != "Z"
