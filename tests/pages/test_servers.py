"""The commands of docs/operating.md that start servers."""

import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.operators import Gateway
from tests.support.page_blocks import PageCommands, block
from tests.support.server import bare_environment, free_port, wait_until_ready

pytestmark = pytest.mark.slow


def serve(command: str, folder: Path, **settings: str) -> None:
    """Starts a server on another port than the page, waits until it can serve, and stops it."""
    port = free_port()
    arguments = shlex.split(command.replace("8000", str(port)))
    environment = {**bare_environment(), "GATEWAY_STATE_DIRECTORY": str(folder), **settings}
    process = subprocess.Popen([sys.executable, "-m", *arguments], env=environment)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process)
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=30)
    assert code == 0


def test_server_starts(sqlite_url: str, tmp_path: Path) -> None:
    upgrade, command = block("docs/operating.md", "gateway database upgrade").splitlines()
    PageCommands(Gateway(sqlite_url, tmp_path), tmp_path).run_line(upgrade)
    serve(command, tmp_path, GATEWAY_DATABASE_URL=sqlite_url)


def test_workers_start(postgresql_url: str, valkey_url: str, tmp_path: Path) -> None:
    settings = {"GATEWAY_DATABASE_URL": postgresql_url, "GATEWAY_VALKEY_URL": valkey_url}
    serve(block("docs/operating.md", "gateway serve --host"), tmp_path, **settings)
