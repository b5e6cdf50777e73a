"""Runs commands as an operator, over one database."""

import subprocess
from pathlib import Path

from tests.support.command_line import COMMANDS
from tests.support.server import bare_environment


class Gateway:
    """`python -m gateway` with its state in `folder`. `settings` are further environment variables."""

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

    def run_in(self, folder: Path, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        """Runs a command in this folder, to which the files in its arguments are relative."""
        return COMMANDS.run(list(arguments), self._environment, stdin, folder)

    def output(self, *arguments: str, stdin: str = "") -> str:
        """Runs a command that succeeds; returns its standard output."""
        completed = self(*arguments, stdin=stdin)
        assert completed.returncode == 0, completed.stderr
        return completed.stdout.strip()

    def error_line(self, *arguments: str, stdin: str = "") -> str:
        """Runs a command that fails with exit code 1; returns the single line of its standard error."""
        completed = self(*arguments, stdin=stdin)
        assert (completed.returncode, len(completed.stderr.splitlines())) == (1, 1), completed.stderr
        return completed.stderr.strip()
