"""The command line as a whole: version, help, and warnings about variables that are not read."""

import json
from pathlib import Path

import pytest

from gateway import __version__
from gateway.cli import app
from tests.support.operators import Gateway

COMMANDS = [
    (),
    *((group.name,) for group in app.registered_groups),
    *(
        (group.name, command.name or command.callback.__name__)
        for group in app.registered_groups
        if group.typer_instance
        for command in group.typer_instance.registered_commands
        if command.callback
    ),
    ("serve",),
    ("worker",),
]
"""The arguments that select each command and group."""

REPORTS = (
    "adapters list", "adapters check", "clients list", "clients show", "database check", "decisions list",
    "decisions show", "disputes list", "disputes show", "keys list", "log verify", "merchants list", "merchants show",
    "policy backtest", "policy bounds", "policy check", "policy explain", "policy overrides", "policy shadow",
    "sandbox personas", "sdl check", "sdl diff", "users list", "users show",
)  # fmt: skip
"""The commands that list, show, check or explain."""


@pytest.fixture
def nowhere(tmp_path: Path) -> Gateway:
    """An operator without a database, on a terminal of 80 columns."""
    return Gateway(f"sqlite:///{tmp_path}/none.db", tmp_path, COLUMNS="80")


def test_version_is_an_option(nowhere: Gateway) -> None:
    assert nowhere.output("--version") == __version__
    assert nowhere("version").returncode == 2


def test_help_begins_with_the_sandbox(nowhere: Gateway) -> None:
    output = nowhere.output("--help")
    commands = [line.split()[1] for line in output.splitlines() if line.startswith("│ ")]
    assert [name for name in commands if name in {"sandbox", "database", "serve"}] == ["sandbox", "database", "serve"]


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_help_is_whole_at_80_columns(nowhere: Gateway, arguments: tuple[str, ...]) -> None:
    output = nowhere.output(*arguments, "--help")
    assert "…" not in output
    assert max(map(len, output.splitlines())) <= 80


@pytest.mark.parametrize("command", REPORTS)
def test_reports_describe_their_json_in_the_help(nowhere: Gateway, command: str) -> None:
    output = " ".join(nowhere.output(*command.split(), "--help").replace("│", " ").split())
    assert "With --json:" in output
    assert "Print one JSON document" in output


def test_retired_variable_causes_a_warning(database_url: str, tmp_path: Path) -> None:
    done = Gateway(database_url, tmp_path, GATEWAY_QUESTIONS_PER_HOUR="5")("keys", "list", "--json")
    assert done.stderr == (
        "warning: GATEWAY_QUESTIONS_PER_HOUR is no longer read. Its new name is GATEWAY_INQUIRIES_PER_HOUR.\n"
    )
    assert json.loads(done.stdout) == []


def test_misspelled_variable_is_named_before_the_error_that_it_causes(tmp_path: Path) -> None:
    live = {"GATEWAY_ENVIRONMENT": "live", "GATEWAY_ISSUER": "https://a.example", "GATEWAY_ADAPTERS": "car_rental"}
    done = Gateway(f"sqlite:///{tmp_path}/none.db", tmp_path, **live, GATEWAY_SECRETKEY="hunter2")(
        "serve", "--port", "0"
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "warning: GATEWAY_SECRETKEY is not a setting and is ignored. Did you mean GATEWAY_SECRET_KEY?",
        "error: GATEWAY_SECRET_KEY: is required in live: openssl rand -base64 32",
    ]
