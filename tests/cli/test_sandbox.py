"""`gateway sandbox`: start, credentials, demos, and errors at start."""

import json
import re
import socket
import stat
import subprocess
from pathlib import Path

import httpx2
import psycopg
import pytest

from merchants.registry import discover
from tests.fixtures.server import copy_seeded
from tests.support.command_line import COMMANDS
from tests.support.key_host import KeyHost
from tests.support.operators import Gateway
from tests.support.server import INTERPRETER, Sandbox, bare_environment


def _run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return COMMANDS.run(list(arguments), {**bare_environment(), **environment}, "")


@pytest.mark.slow
def test_demo_exits_with_0_if_every_response_is_as_expected() -> None:
    done = _run("sandbox", "demo")

    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert "Every response was as expected" in done.stdout
    assert "HTTP 401" in done.stdout


@pytest.mark.slow
def test_demo_removes_its_database_from_a_postgresql_server(empty_postgresql_url: str) -> None:
    # A second run would fail over the first one's database: its keys are gone with the first run's folder.
    for _ in range(2):
        done = _run("sandbox", "demo", "--quiet", GATEWAY_DATABASE_URL=empty_postgresql_url)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr

    with psycopg.connect(empty_postgresql_url) as connection:
        left = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'sesame_demo%'").fetchall()
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert (left, tables) == ([], [])


@pytest.mark.slow
def test_demo_exits_with_1_if_a_response_is_unexpected(tmp_path: Path) -> None:
    # Only the online shop is loaded, so the car rental of the demo cannot be asked for.
    done = _run("sandbox", "demo", GATEWAY_ADAPTERS="online_shop")

    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_credentials_work_and_only_their_owner_can_read_them(sqlite_sandbox: Sandbox) -> None:
    file = sqlite_sandbox.folder / "credentials.json"
    written = json.loads(file.read_text())

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {merchant["adapter"] for merchant in written["merchants"]} == set(discover())
    assert [persona["handle"] for persona in written["personas"]] == [
        "excellent", "threshold", "just-below", "good", "fair", "building", "unscored", "overdue",
    ]  # fmt: skip
    for merchant in written["merchants"]:
        website, backend = merchant["clients"]
        assert (website["profile"], backend["profile"]) == ("baseline", "fapi2")
        assert {"kty": "EC", "crv": "P-256", "alg": "ES256"}.items() < backend["private_jwk"].items()
        assert {"kid", "d"} < set(backend["private_jwk"])
        assert "client_secret" not in backend
        assert "private_jwk" not in website
        answer = httpx2.post(
            written["graphql"],
            json={"query": "{ merchant { name } viewer { scopes } }"},
            headers={"Authorization": f"Bearer {merchant['merchant_token']}"},
        )
        assert answer.json()["data"]["merchant"]["name"] == merchant["name"]


def test_second_start_keeps_secrets_and_data(own_sandbox: Sandbox) -> None:
    first = own_sandbox.credentials
    own_sandbox.stop()

    own_sandbox.python = INTERPRETER
    second = own_sandbox.start().credentials

    before, after = ([merchant["clients"] for merchant in each["merchants"]] for each in (first, second))
    for client in (client for clients in (*before, *after) for client in clients):
        del client["redirect_uri"]  # it follows the port of the start
    assert before == after
    assert first["personas"] == second["personas"]


@pytest.mark.slow
def test_second_start_after_a_kill_works(own_sandbox: Sandbox) -> None:
    own_sandbox.kill()

    own_sandbox.start()

    assert httpx2.get(f"{own_sandbox.credentials['issuer']}/readyz").status_code == 200


def test_busy_port_is_named_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = _run("sandbox", "up", "--port", str(port), GATEWAY_STATE_DIRECTORY=str(tmp_path))

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"error: Port {port} is in use. Choose another one with --port (with make: PORT=...)."
    ]


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        pytest.param("GATEWAY_ENVIRONMENT", "production", "GATEWAY_ENVIRONMENT", id="unknown environment"),
        pytest.param("GATEWAY_SECRET_KEY", "c2hvcnQ=", "32 bytes", id="short key"),
        pytest.param("GATEWAY_DATABASE_URL", "mysql://x/y", "GATEWAY_DATABASE_URL", id="unknown database"),
        pytest.param("GATEWAY_DATABASE_URL", "postgresql://127.0.0.1:1/none", "Nothing listens", id="database down"),
        pytest.param("GATEWAY_ADAPTERS", "car_rental,zeppelin", "zeppelin", id="unknown adapter"),
    ],
)
def test_unusable_setting_is_named_in_one_line(tmp_path: Path, setting: str, value: str, message: str) -> None:
    environment = {"GATEWAY_STATE_DIRECTORY": str(tmp_path), "GATEWAY_DATABASE_URL": f"sqlite:///{tmp_path}/g.db"}
    done = _run("sandbox", "up", "--port", "0", **{**environment, setting: value})

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert message in done.stderr


def test_printed_command_works(sqlite_sandbox: Sandbox) -> None:
    command = sqlite_sandbox.output.split("Try it:\n")[1].split("\n\n")[0]

    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)  # noqa: S602

    merchant = json.loads(done.stdout)["data"]["merchant"]
    assert merchant["name"] == "Demo Car Rental"
    assert merchant["decisions"]["totalCount"] >= 0


def test_token_of_the_printed_command_is_printed_with_its_lifetime(sqlite_sandbox: Sandbox) -> None:
    printed = sqlite_sandbox.output.split("Merchant token of Demo Car Rental, valid for 12 hours:\n")[1]
    assert printed.split()[0] in sqlite_sandbox.output.split("Try it:\n")[1].split("\n\n")[0]


def _registered(sandbox: Sandbox, host: KeyHost) -> int:
    """The status of a registration with keys at the host."""
    merchant = sandbox.credentials["merchants"][0]["id"]
    token = Gateway(sandbox.database_url, sandbox.folder).output("clients", "invite", merchant)
    body = {"grant_types": ["client_credentials"], "jwks_uri": host.uri}
    address = f"{sandbox.credentials['issuer']}/oauth/register"
    return httpx2.post(address, json=body, headers={"Authorization": f"Bearer {token}"}).status_code


def test_client_keys_are_fetched_from_loopback(sqlite_sandbox: Sandbox) -> None:
    with KeyHost() as host:
        assert (_registered(sqlite_sandbox, host), host.fetches) == (201, 1)


def test_sandbox_does_not_extend_a_configured_list_of_hosts(seeded_folder: Path, tmp_path: Path) -> None:
    url = copy_seeded(seeded_folder, tmp_path)
    with KeyHost() as host, Sandbox(url, tmp_path, jwks_uri_hosts="keys.example") as sandbox:
        assert (_registered(sandbox, host), host.connections) == (400, 0)


def test_output_has_no_token_of_a_person(sqlite_sandbox: Sandbox) -> None:
    merchant_tokens = {merchant["merchant_token"] for merchant in sqlite_sandbox.credentials["merchants"]}
    printed = set(re.findall(r"sgw_test_(?:at|rt|ac)_[\w-]+", sqlite_sandbox.output))

    assert printed < merchant_tokens


def test_unwritable_credentials_file_is_an_error_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where a folder should be")
    done = _run(
        *("sandbox", "up", "--port", "0", "--credentials", str(tmp_path / "taken" / "credentials.json")),
        GATEWAY_STATE_DIRECTORY=str(tmp_path),
        GATEWAY_DATABASE_URL=f"sqlite:///{tmp_path}/g.db",
    )

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "credentials" in done.stderr


def test_interrupt_prints_no_stack_trace(seeded_state: tuple[str, Path]) -> None:
    sandbox = Sandbox(*seeded_state)
    sandbox.python = INTERPRETER  # an interpreter prints traces at its end
    sandbox.start().interrupt()

    assert "Traceback" not in sandbox.output
