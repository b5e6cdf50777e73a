"""docs/going-live.md is executed as a new operator would: in an empty folder, on PostgreSQL, by the installed command,
with a real server behind a proxy with TLS. The people are real ones: imported, invited, with passwords of their own."""

import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import psycopg
import pytest

from gateway.demo.browser import Browser
from tests.support import secrets
from tests.support.authority import Authority
from tests.support.checkout import ROOT
from tests.support.executed_page import ExecutedPage
from tests.support.postgresql import ABSENT, Cluster, is_available
from tests.support.server import STARTS_WITHIN, free_port
from tests.support.tls_proxy import TlsProxy

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not is_available(), reason=ABSENT)]

WRITTEN = (2026, 11)
"""The month in which the dates of the page were written."""
PASSWORD = "open sesame, please"


class Persons:
    """The persons of the page. Each opens the links that are printed: an invitation, and after that the merchant's."""

    def __init__(self) -> None:
        self._email = ""
        self.decided = 0

    def watch(self, line: str) -> None:
        """Acts if the line is a link. The person is the one who was invited last."""
        if invited := re.search(r"password of (\S+),", line):
            self._email = invited[1]
        elif "/invitation?token=" in line:
            self._set_password(line.strip())
        elif "/oauth/authorize?" in line:
            self._allow(line.strip())

    def _set_password(self, link: str) -> None:
        with Browser() as browser:
            account = browser.submit(browser.open(link), {"password": PASSWORD}, action="/invitation")
            assert (account.status_code, account.url.path) == (200, "/account")

    def _allow(self, link: str) -> None:
        with Browser() as browser:
            page = browser.submit(browser.open(link), {"username": self._email, "password": PASSWORD})
            assert "Harbour Cars" in page.text
            assert "Thank you" in browser.submit(page, {"decision": "allow"}).text
        self.decided += 1


class LivePage(ExecutedPage):
    """The page with a server that runs in the background, and dates that are as long ago as when it was written."""

    postgresql: Cluster
    server: "subprocess.Popen[str] | None" = None

    def run_statements(self, block: str) -> None:
        with closing(psycopg.connect(self.postgresql.url("postgres"), autocommit=True)) as connection:
            for statement in filter(str.strip, block.split(";")):
                connection.execute(statement.encode())

    def run_commands(self, block: str) -> str:
        if block.startswith("gateway serve"):
            return self._serve(block)
        return super().run_commands(re.sub(r"\b(\d{4})-(\d\d)-02$", _moved, block, flags=re.MULTILINE))

    def _serve(self, block: str) -> str:
        """Starts the server in the background, and returns what it has printed when it serves."""
        file = self._folder / "server.log"
        with file.open("w") as log:
            self.server = self._start(f"exec {block}", log)
        deadline = time.monotonic() + STARTS_WITHIN
        while "Its issuer is" not in (printed := file.read_text()):
            assert self.server.poll() is None, printed
            assert time.monotonic() < deadline, printed
            time.sleep(0.02)
        return printed

    def _start(self, command: str, log: TextIO) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            ["bash", "-c", command],
            cwd=self._folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def stop(self) -> None:
        """Ends the server as a supervisor does. Raises AssertionError if it ends with an error."""
        if self.server is not None:
            self.server.send_signal(signal.SIGTERM)
            assert self.server.wait(timeout=20) == 0


def _moved(day: re.Match[str]) -> str:
    today = datetime.now(UTC)
    passed = (today.year - WRITTEN[0]) * 12 + today.month - WRITTEN[1]
    months = int(day[1]) * 12 + int(day[2]) - 1 + passed
    return f"{months // 12}-{months % 12 + 1:02}-02"


@pytest.fixture
def postgresql() -> Iterator[Cluster]:
    """A server without databases and roles of its own."""
    with Cluster() as cluster:
        yield cluster


def test_deployment_goes_live_with_the_commands_of_the_page(
    postgresql: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, state = tmp_path / "empty", tmp_path / "state"
    folder.mkdir()
    authority, port, persons = Authority(tmp_path), free_port(), Persons()
    trust = {"SSL_CERT_FILE": str(authority.ca_file), "CURL_CA_BUNDLE": str(authority.ca_file)}
    monkeypatch.setenv("SSL_CERT_FILE", trust["SSL_CERT_FILE"])
    with TlsProxy(authority.server("localhost"), port) as proxy:
        replaced = {
            "https://gateway.example": f"https://localhost:{proxy.port}",
            "postgresql://gateway@db.internal/gateway": postgresql.url("gateway").replace("postgres@", "gateway@"),
            "/opt/gateway/": f"{ROOT}/",
            "/var/lib/gateway": str(state),
            "--port 8000": f"--port {port}",
            "127.0.0.1:8000": f"127.0.0.1:{port}",
            "127.0.0.1:8090": f"127.0.0.1:{free_port()}",
        }
        page = LivePage(
            ROOT / "docs" / "going-live.md", folder, replaced=replaced, environment=trust, watch=persons.watch
        )
        page.postgresql = postgresql
        try:
            page.run()
        finally:
            page.stop()
    assert persons.decided == 2
    log = (folder / "server.log").read_text()
    assert '"level": "error"' not in log
    assert secrets.find_secrets(log) == []
    assert oct((folder / "secrets.env").stat().st_mode & 0o777) == "0o600"
