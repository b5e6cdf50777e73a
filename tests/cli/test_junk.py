"""Unusable arguments and files: one line on standard error, exit code 1, no stack trace."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.domain.decisions.transitions import Status
from gateway.kit.clock import wall_clock
from tests.support.demo_world import DemoWorld
from tests.support.factories import make_decision
from tests.support.operators import Gateway
from tests.support.units import writing

NOT_UTF8 = "caf\udce9"
"""An argument with a byte that is not UTF-8, as Python represents it."""


def refused(gateway: Gateway, *arguments: str) -> str:
    """The error of a command that fails, without the prefix."""
    done = gateway(*arguments)
    assert done.returncode == 1, (arguments, done.stdout, done.stderr)
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: "), line
    return line.removeprefix("error: ")


@pytest.mark.parametrize(
    "arguments",
    [
        ("decisions", "review", NOT_UTF8, "--decline"),
        ("decisions", "review", "dec_test_1", "--approve", "--rule", NOT_UTF8),
        ("disputes", "show", NOT_UTF8),
        ("disputes", "resolve", "dsp_test_1", "--reject", "--note", NOT_UTF8),
        ("scores", "resolve", "rdp_test_1", "--reject", "--reason", NOT_UTF8),
        ("policy", "explain", NOT_UTF8),
        ("policy", "check", NOT_UTF8, "--adapter", "car_rental"),
        ("policy", "override", NOT_UTF8, "car_rental", "file.toml"),
        ("merchants", "register", NOT_UTF8, "--partner", "harbour"),
        ("adapters", "new", NOT_UTF8),
        ("clients", "register", NOT_UTF8, "web shop"),
        ("clients", "approve", NOT_UTF8, "--yes"),
        ("sandbox", "personas", NOT_UTF8),
        ("log", "verify", "--trust", NOT_UTF8),
        ("database", "check", "--database-url", f"postgresql://{NOT_UTF8}/x"),
        (NOT_UTF8,),
    ],
    ids=lambda arguments: " ".join(arguments[:2]).encode("ascii", "replace").decode(),
)
def test_argument_that_is_not_utf_8_is_named(gateway: Gateway, arguments: tuple[str, ...]) -> None:
    number = next(index for index, argument in enumerate(arguments, 1) if NOT_UTF8 in argument)
    assert refused(gateway, *arguments) == f"Argument {number} is not text in UTF-8."


def directory(path: Path) -> None:
    path.mkdir()


def missing(_: Path) -> None:
    pass


def not_utf_8(path: Path) -> None:
    path.write_bytes(b'version = "caf\xe9"')


def loop(path: Path) -> None:
    path.symlink_to(path)


def nested(path: Path) -> None:
    path.write_text("a = " + "[" * 5000)


@pytest.mark.parametrize("make", [directory, missing, not_utf_8, loop, nested])
def test_unreadable_file_is_named(
    gateway: Gateway, world: DemoWorld, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    file, merchant = tmp_path / "input", world.merchant()
    make(file)
    commands = [
        ("policy", "check", str(file), "--adapter", "car_rental"),
        ("policy", "backtest", str(file), "--adapter", "car_rental"),
        ("policy", "backtest", str(file), "--adapter", "car_rental", "--merchant", merchant),
        ("policy", "bounds", merchant, "car_rental", str(file)),
        ("policy", "override", merchant, "car_rental", str(file)),
        ("clients", "register", merchant, "shop", "--profile", "fapi2", "--jwks", str(file)),
    ]
    for command in commands:
        assert "input" in refused(gateway, *command), command


@pytest.mark.parametrize("make", [directory, loop])
def test_unwritable_file_is_named(
    gateway: Gateway, world: DemoWorld, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    file, policy = tmp_path / "input", Path("merchants/car_rental/policy.toml").resolve()
    make(file)
    fapi2 = ("clients", "register", world.merchant(), "shop", "--profile", "fapi2", "--new-key", str(file))
    assert "input" in refused(gateway, *fapi2, "--redirect-uri", "https://cars.example/callback")
    assert "input" in refused(gateway, "policy", "backtest", str(policy), "--adapter", "car_rental", "--csv", str(file))


@pytest.mark.parametrize(
    "url",
    ["sqlite:///{}/dir", "sqlite:///{}/text", "postgresql://a:b:c/x", f"postgresql://{'x' * 70}/x", "postgresql://[/x"],
)
@pytest.mark.parametrize("command", [("decisions", "list"), ("log", "verify"), ("database", "check")], ids=" ".join)
def test_unusable_database_is_an_error(gateway: Gateway, tmp_path: Path, url: str, command: tuple[str, ...]) -> None:
    (tmp_path / "dir").mkdir()
    (tmp_path / "text").write_text("This is not a database.\n" * 100)
    assert "database" in refused(gateway, *command, "--database-url", url.format(tmp_path)).lower()


def test_markup_in_names_is_printed_unchanged(gateway: Gateway, world: DemoWorld) -> None:
    name = "[/]:car:[b]"
    consent, until = world.grant(), wall_clock() + timedelta(days=7)
    with writing(world.database) as unit:
        make_decision(unit, consent, status=Status.PENDING, merchant_reference=name, valid_until=until)
    assert name in gateway.output("decisions", "list")
    gateway.output("clients", "register", world.merchant(), name, "--redirect-uri", "https://cars.example/callback")
    assert name in gateway.output("clients", "list")
    gateway.output("merchants", "register", name, "--partner", name, "--create")
    assert f"@{name}" in gateway.output("sandbox", "personas", name)
    assert name in refused(gateway, "policy", "explain", name)
