"""Every command with every kind of mistake: one line that says what to do, an exit code that is not 0, no traceback."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.cli import app
from tests.cli.test_main import COMMANDS
from tests.fixtures.database import KINDS, migrated_database
from tests.fixtures.settings import MASTER
from tests.support.clock import MovableClock
from tests.support.command_line import COMMANDS as COMMAND_LINE
from tests.support.demo_world import DemoWorld
from tests.support.operators import Gateway
from tests.support.server import ForkedServer, bare_environment

KEY = base64.b64encode(MASTER).decode()
FULL = "error: The output cannot be written: No space left on device."
UNKNOWN = "zzz_test_unknown"
SECRET = f"whsec_{KEY}"
MISTAKES = [
    ("serve", "--port", "http"),
    ("serve", "--port", "99999"),
    ("serve", "--host", "not an address", "--port", "0"),
    ("worker", "extra"),
    ("sandbox", "up", "--port", "-1"),
    ("sandbox", "up", "extra"),
    ("sandbox", "demo", "--loud"),
    ("sandbox", "partner", "new", "demo"),
    ("sandbox", "partner", "new", "A b"),
    ("sandbox", "partner", "new", ""),
    ("sandbox", "partner", "old"),
    ("sandbox", "partner", "link", UNKNOWN),
    ("sandbox", "partner", "link", ""),
    ("sandbox", "personas"),
    ("sandbox", "personas", ""),
    ("sandbox", "personas", UNKNOWN),
    ("sandbox", "reset", UNKNOWN, "--yes"),
    ("sandbox", "reset", "", "--yes"),
    ("sandbox", "verify", "https://shop.example/hooks"),
    ("sandbox", "verify", "shop.example", "--secret", SECRET),
    ("sandbox", "verify", "https://user@shop.example/", "--secret", SECRET),
    ("sandbox", "verify", "http://127.0.0.1:9/", "--secret", "whsec_short"),
    ("sandbox", "verify", "http://127.0.0.1:9/", "--secret", SECRET),
    ("sandbox", "verify", "http://127.0.0.1:9/", "--secret", SECRET, "--effects", "effects"),
    ("sandbox", "listen"),
    ("sandbox", "listen", "--token", "x", "--url", "http://127.0.0.1:9"),
    ("sandbox", "listen", "--token", "x", "--url", "sandbox"),
    ("sandbox", "listen", "--token", "x", "--forward", "shop.example"),
    ("sandbox", "listen", "--token", "x", "--forward", "http://127.0.0.1:9/", "--secret", "whsec_short"),
    ("sandbox", "listen", "--token", "x", "--since", "yesterday"),
    ("sandbox", "listen", "--token", "x", "--topic", UNKNOWN),
    ("sandbox", "listen", "--credentials", "missing.json"),
    ("database", "upgrade", "--database-url", "mysql://x/y"),
    ("database", "upgrade", "--database-url", "sqlite:///"),
    ("database", "check", "--database-url", "sqlite:///missing/none.db"),
    ("database", "purge", "--database-url", "sqlite:///missing/none.db"),
    ("database", "restored", "extra"),
    ("merchants", "list", "--jsn"),
    ("merchants", "show", ""),
    ("merchants", "show", UNKNOWN),
    ("merchants", "register", "", "--partner", "demo"),
    ("merchants", "register", "Shop", "--partner", ""),
    ("merchants", "register", "Shop", "--partner", "dmeo"),
    ("merchants", "register", "Shop\u202e", "--partner", "demo"),
    ("merchants", "register", "Shop"),
    ("merchants", "contract", UNKNOWN, "--ceiling", "100.00"),
    ("merchants", "contract", "MERCHANT", "--ceiling", "many"),
    ("merchants", "contract", "MERCHANT", "--ceiling", ""),
    ("merchants", "contract", "MERCHANT", "--ceiling", "0.00"),
    ("merchants", "contract", "MERCHANT", "--ceiling", "1.00", "--currency", "yuan"),
    ("merchants", "contract", "MERCHANT", "--ceiling", "1.00", "--tier", "BEST"),
    ("merchants", "contract", "MERCHANT", "--ceiling", "1.00", "--consent-days", "0"),
    ("merchants", "enable", "MERCHANT", UNKNOWN),
    ("merchants", "enable", UNKNOWN, "car_rental"),
    ("clients", "list", "extra"),
    ("clients", "show", ""),
    ("clients", "show", UNKNOWN),
    ("clients", "disable", UNKNOWN),
    ("clients", "disable", ""),
    ("clients", "approve", UNKNOWN, "--yes"),
    ("clients", "documents", ""),
    ("clients", "documents", UNKNOWN),
    ("clients", "documents", UNKNOWN, "missing.graphql"),
    ("clients", "invite", UNKNOWN),
    ("clients", "invite", "MERCHANT", "--expires-in", "a week"),
    ("clients", "invite", "MERCHANT", "--expires-in", "P9999999999D"),
    ("clients", "invite", "MERCHANT", "--scope", UNKNOWN),
    ("clients", "invite", "MERCHANT", "--detail-type", UNKNOWN),
    ("clients", "register", UNKNOWN, "shop", "--redirect-uri", "https://a.example/cb"),
    ("clients", "register", "MERCHANT", "", "--redirect-uri", "https://a.example/cb"),
    ("clients", "register", "MERCHANT", "shop", "--profile", "fapi3"),
    ("clients", "register", "MERCHANT", "shop", "--profile", "fapi2"),
    ("clients", "register", "MERCHANT", "shop", "--redirect-uri", "not a uri"),
    ("clients", "register", "MERCHANT", "shop", "--scope", UNKNOWN),
    ("clients", "register", "MERCHANT", "shop", "--profile", "fapi2", "--jwks-uri", "not a uri"),
    ("decisions", "list", "--status", "WON"),
    ("decisions", "list", "--limit", "0"),
    ("decisions", "list", "--merchant", UNKNOWN),
    ("decisions", "show", ""),
    ("decisions", "show", UNKNOWN),
    ("decisions", "review", UNKNOWN),
    ("decisions", "review", UNKNOWN, "--approve"),
    ("disputes", "list", "extra"),
    ("disputes", "show", ""),
    ("disputes", "show", UNKNOWN),
    ("disputes", "resolve", UNKNOWN, "--note", "x"),
    ("disputes", "resolve", UNKNOWN, "--note", "x", "--uphold"),
    ("disputes", "resolve", UNKNOWN, "--uphold"),
    ("policy", "check", "--adapter", UNKNOWN),
    ("policy", "check", "missing.toml"),
    ("policy", "explain", ""),
    ("policy", "explain", UNKNOWN),
    ("policy", "backtest", "missing.toml", "--adapter", "car_rental"),
    ("policy", "backtest", "POLICY", "--adapter", UNKNOWN),
    ("policy", "backtest", "POLICY", "--adapter", "car_rental", "--since", "yesterday"),
    ("policy", "shadow", UNKNOWN),
    ("policy", "bounds", UNKNOWN, "car_rental"),
    ("policy", "bounds", "MERCHANT", UNKNOWN),
    ("policy", "override", "MERCHANT", "car_rental", "missing.toml"),
    ("policy", "overrides", "extra"),
    ("log", "verify", "--trust", UNKNOWN),
    ("log", "verify", "--trust", ""),
    ("log", "verify", "--checkpoints", "missing"),
    ("log", "consistency", "missing"),
    ("log", "consistency", "missing", "missing"),
    ("keys", "list", "extra"),
    ("keys", "rotate", "--database-url", "postgresql://[/x"),
    ("adapters", "list", "extra"),
    ("adapters", "new", ""),
    ("adapters", "new", "Not A Key"),
    ("adapters", "check", ""),
    ("adapters", "check", UNKNOWN),
    ("sdl", "export", "--environment", "test"),
    ("sdl", "diff", "extra"),
    ("sdl", "check"),
    ("sdl", "check", "missing.graphql"),
    ("sdl", "check", "--operations", "missing.graphql"),
    ("sdl", "check", "POLICY"),
    ("sdl", "check", "a.graphql", "--environment", "test"),
    ("sdl", "check", "a.graphql", "--partner", "demo"),
    ("sdl", "check", "a.graphql", "--merchant", "MERCHANT"),
    ("sdl", "check", "--from-request-log", "--schema", "missing.graphql"),
    ("sdl", "check", "--from-request-log", "--schema", "POLICY"),
    ("sdl", "check", "--from-request-log", "--partner", UNKNOWN),
    ("sdl", "check", "--from-request-log", "--partner", ""),
    ("sdl", "check", "--from-request-log", "--merchant", UNKNOWN),
    ("sdl", "check", "--from-request-log", "--database-url", "sqlite:///missing/none.db"),
    ("users", "import", "missing.csv"),
    ("users", "invite"),
    ("users", "invite", "nobody"),
    ("users", "invite", "a@b.example", "--all-new"),
    ("users", "invite", "--all-new", "--name", "Mei"),
    ("users", "invite", "a@b.example", "--language", "fr"),
    ("users", "invite", "a@b.example", "--external-id", ""),
    ("users", "list", "extra"),
    ("users", "list", "--limit", "0"),
    ("users", "show", ""),
    ("users", "show", UNKNOWN),
    ("users", "disable", UNKNOWN),
    ("users", "enable", UNKNOWN),
    ("users", "consents", ""),
    ("users", "consents", UNKNOWN),
    ("scores", "import", "missing.csv"),
    ("scores", "imports", "extra"),
    ("scores", "show", ""),
    ("scores", "show", UNKNOWN),
    ("scores", "compute"),
    ("scores", "compute", UNKNOWN),
    ("scores", "compute", UNKNOWN, "--all"),
    ("scores", "check", ""),
    ("scores", "check", "missing.toml"),
    ("scores", "check", "POLICY"),
    ("scores", "disputes", "extra"),
    ("scores", "resolve", UNKNOWN, "--note", "x"),
    ("scores", "resolve", UNKNOWN, "--note", "x", "--uphold"),
    ("scores", "resolve", UNKNOWN, "--uphold"),
    ("merchant", "list"),
]  # fmt: skip


@pytest.fixture(scope="module", params=KINDS)
def operator(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Gateway, DemoWorld]]:
    """The command line and the services, over one database with the demo partner. No mistake changes it."""
    folder = tmp_path_factory.mktemp("mistakes")
    with migrated_database(request, folder) as url, closing(DemoWorld(url, MovableClock())) as world:
        world.seed_demo()
        yield Gateway(url, folder, GATEWAY_SECRET_KEY=KEY), world


@pytest.mark.parametrize("arguments", MISTAKES, ids=lambda arguments: "F7-" + "-".join(arguments)[:60])
def test_mistake_is_one_line(operator: tuple[Gateway, DemoWorld], arguments: tuple[str, ...]) -> None:
    gateway, world = operator
    named = {"MERCHANT": world.merchant(), "POLICY": str(Path("merchants/car_rental/policy.toml").resolve())}
    before = world.counts()
    done = gateway(*(named.get(each, each) for each in arguments))
    assert world.counts() == before
    assert done.returncode in (1, 2), done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: "), line
    assert line.rstrip().endswith((".", "?", "help", "FILE", "URL", "PARTNER", "--create", "list")) or ":" in line, line
    assert done.stdout == ""


def test_f7_every_command_is_tried() -> None:
    tried = {arguments[:2] for arguments in MISTAKES} | {arguments[:1] for arguments in MISTAKES}
    assert {each for each in COMMANDS if len(each) == 2 or each in {("serve",), ("worker",)}} - tried == set()
    assert app.registered_groups


@pytest.mark.parametrize("command", [("adapters", "list"), ("adapters", "list", "--json")], ids=" ".join)
def test_f7_full_device_is_one_line(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = ForkedServer(COMMAND_LINE.start([*command], bare_environment(), Path("/dev/full"), tmp_path / "errors"))
    assert done.wait(timeout=60) == 1
    assert (tmp_path / "errors").read_text().splitlines() == [FULL]


def test_f7_full_device_at_the_end_of_the_interpreter_is_one_line() -> None:
    command = [sys.executable, "-m", "gateway", "--help"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command, env=bare_environment(), stdout=full, stderr=subprocess.PIPE, timeout=60, check=False
        )
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == [FULL]


def test_f7_closed_pipe_prints_nothing() -> None:
    command = f"{sys.executable} -m gateway sdl export | head -n 1"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True, timeout=60)
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


@pytest.fixture
def ascii_terminal(database_url: str, tmp_path: Path) -> Gateway:
    """The command line on a terminal that has only ASCII characters."""
    return Gateway(database_url, tmp_path, GATEWAY_SECRET_KEY=KEY, PYTHONIOENCODING="ascii")


@pytest.mark.parametrize("arguments", [("--help",), ("adapters", "check", "car_rental"), ("merchants", "list")])
def test_f7_ascii_terminal_shows_every_character(
    gateway: Gateway, ascii_terminal: Gateway, arguments: tuple[str, ...]
) -> None:
    gateway.output("merchants", "register", "客人", "--partner", "demo", "--create")
    output = ascii_terminal.output(*arguments)
    assert output.isascii()
    assert "merchants" not in arguments or r"\u5ba2\u4eba" in output


def test_f7_json_is_valid_on_an_ascii_terminal(gateway: Gateway, ascii_terminal: Gateway) -> None:
    gateway.output("merchants", "register", "客人 👩", "--partner", "demo", "--create")
    output = ascii_terminal.output("merchants", "list", "--json")
    assert output.isascii()
    assert json.loads(output)[0]["name"] == "客人 👩"
