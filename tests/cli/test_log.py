"""`gateway log verify` beside a live server, and with a changed entry."""

import subprocess
from contextlib import closing

from gateway.demo.narrator import Narrator
from gateway.demo.website import WebsiteDemo
from gateway.store.database import Database
from tests.support.command_line import COMMANDS
from tests.support.logs import Forger, without_triggers
from tests.support.server import Sandbox, bare_environment


def _verify(sandbox: Sandbox, *arguments: str) -> "subprocess.CompletedProcess[str]":
    # Without the key of the deployment, which lies in the sandbox's folder.
    environment = {**bare_environment(), "GATEWAY_STATE_DIRECTORY": str(sandbox.folder / "empty")}
    return COMMANDS.run(["log", "verify", "--database-url", sandbox.database_url, *arguments], environment, "")


def test_verify_beside_a_live_server(own_sandbox: Sandbox) -> None:
    WebsiteDemo(own_sandbox.credentials, Narrator(None)).run()

    done = _verify(own_sandbox)
    assert done.returncode == 0, done.stderr
    assert "decision log: 2 entries," in done.stdout
    # The tier, the threshold and the preview of the demo, and its request.
    assert "access log: 4 entries" in done.stdout

    kid = done.stdout.rsplit("--trust ", 1)[1].strip()
    assert _verify(own_sandbox, "--trust", kid).returncode == 0
    assert _verify(own_sandbox, "--trust", "another").returncode == 1


def test_verify_names_a_changed_entry(own_sandbox: Sandbox) -> None:
    WebsiteDemo(own_sandbox.credentials, Narrator(None)).run()
    with (
        closing(Database(own_sandbox.database_url)) as database,
        without_triggers(database, "decision_log") as connection,
    ):
        forger = Forger(connection, "decision_log")
        forger.edit_public(0, to="DECLINED")
        changed = forger.row(0)["id"]

    done = _verify(own_sandbox)

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert changed in done.stderr
