"""The operator: runs the command line over one database."""

import atexit
import subprocess
from pathlib import Path

from tests.support.command_line import CommandLine
from tests.support.server import bare_environment

COMMANDS = CommandLine()
atexit.register(COMMANDS.close)


class Gateway:
    """`python -m gateway`, its state in `folder`; `settings` are further environment variables."""

    def __init__(self, database_url: str, folder: Path, **settings: str) -> None:
        self._environment = {
            **bare_environment(),
            "GATEWAY_DATABASE_URL": database_url,
            "GATEWAY_STATE_DIRECTORY": str(folder),
            "COLUMNS": "200",
            **settings,
        }

    def __call__(self, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        return COMMANDS.run(list(arguments), self._environment, stdin)

    def output(self, *arguments: str, stdin: str = "") -> str:
        """What the command prints; it has to succeed."""
        done = self(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def error_line(self, *arguments: str, stdin: str = "") -> str:
        """The one line that says why not."""
        done = self(*arguments, stdin=stdin)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
        return done.stderr.strip()
