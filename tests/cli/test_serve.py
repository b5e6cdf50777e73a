"""`gateway serve`: a live deployment."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import httpx2
import pytest

from gateway import __version__
from merchants.car_rental import CarRental
from migrations import runner
from tests.support.command_line import COMMANDS
from tests.support.server import ForkedServer, bare_environment, free_port

KEY = "Z2lEiNwRVT0g3YZw6oqYq1LU5n3sFy0cTqUoVJ2m8gE="


def _environment(database_url: str, folder: Path, **changed: str) -> dict[str, str]:
    return {
        **bare_environment(),
        "GATEWAY_ENVIRONMENT": "live",
        "GATEWAY_ISSUER": "https://gateway.example",
        "GATEWAY_SECRET_KEY": KEY,
        "GATEWAY_ADAPTERS": "car_rental",
        "GATEWAY_DATABASE_URL": database_url,
        "GATEWAY_STATE_DIRECTORY": str(folder),
        **changed,
    }


class LiveServer:
    """`gateway serve` in a live deployment. `http` is a client of it; `log` has its events once the block has ended."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._folder = Path(environment["GATEWAY_STATE_DIRECTORY"])
        self.log: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        port = free_port()
        files = (self._folder / "server.out", self._folder / "server.log")
        self._process = ForkedServer(COMMANDS.start(["serve", "--port", str(port)], self._environment, *files))
        self.http = httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=10)
        try:
            _wait(self.http)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=20)
        self.log = [json.loads(line) for line in (self._folder / "server.log").read_text().splitlines()]

    def send_signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)


def test_live_deployment_serves_part_a_without_client_secrets(database_url: str, tmp_path: Path) -> None:
    with LiveServer(_environment(database_url, tmp_path)) as server:
        metadata = server.http.get("/.well-known/oauth-authorization-server").json()
        sdl = server.http.get("/schema.graphql").text
        login = server.http.get("/login")

    assert metadata["issuer"] == "https://gateway.example"
    assert metadata["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert "sandboxPersonas" not in sdl
    assert "CarRentalAsk" in sdl
    assert "OnlineOrderAsk" not in sdl
    assert "__Host-" in login.headers["set-cookie"]
    assert not (tmp_path / "secret.key").exists()


def test_log_at_start_has_version_and_policy_of_each_adapter(sqlite_url: str, tmp_path: Path) -> None:
    with LiveServer(_environment(sqlite_url, tmp_path)) as server:
        pass

    (about,) = [event for event in server.log if event["event"] == "adapter_loaded"]
    loaded = {"adapter": "car_rental", "distribution": "sesame-gateway", "version": __version__, "level": "info"}
    assert loaded.items() < about.items()
    assert (about["policy_version"], about["policy_hash"]) == (CarRental.policy.version, CarRental.policy.hash)


def test_log_at_start_warns_about_variables_that_are_not_read(sqlite_url: str, tmp_path: Path) -> None:
    with LiveServer(_environment(sqlite_url, tmp_path, GATEWAY_SECRETKEY="hunter2")) as server:
        pass

    (warning,) = [event for event in server.log if event["event"] == "variable_not_read"]
    assert warning["level"] == "warning"
    assert warning["message"].startswith("GATEWAY_SECRETKEY is not a setting and is ignored.")
    assert "hunter2" not in json.dumps(server.log)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        pytest.param({"GATEWAY_ISSUER": "http://gateway.example"}, "GATEWAY_ISSUER", id="issuer without TLS"),
        pytest.param({"GATEWAY_SECRET_KEY": ""}, "GATEWAY_SECRET_KEY", id="no key"),
        pytest.param({"GATEWAY_ADAPTERS": ""}, "GATEWAY_ADAPTERS", id="adapters not named"),
    ],
)
def test_live_does_not_start_with_unsafe_settings(
    sqlite_url: str, tmp_path: Path, changed: dict[str, str], message: str
) -> None:
    done = COMMANDS.run(["serve", "--port", "0"], _environment(sqlite_url, tmp_path, **changed), "")

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert message in done.stderr


def test_serve_does_not_start_with_an_unmigrated_database(sqlite_url: str, tmp_path: Path) -> None:
    runner.downgrade(sqlite_url, "base")
    done = COMMANDS.run(["serve", "--port", "0"], _environment(sqlite_url, tmp_path), "")

    assert done.returncode == 1
    assert "gateway database upgrade" in done.stderr


def _wait(http: httpx2.Client) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if http.get("/readyz").status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.02)
    raise TimeoutError("the server did not answer")


def test_h10_sighup_does_not_end_the_server(sqlite_url: str, tmp_path: Path) -> None:
    with LiveServer(_environment(sqlite_url, tmp_path)) as server:
        server.send_signal(signal.SIGHUP)
        assert server.http.get("/healthz").status_code == 200
        assert server.http.get("/readyz").status_code == 200

    assert [event["level"] for event in server.log if event["event"] == "sighup_ignored"] == ["warning"]


def test_a1_sigterm_ends_the_server_with_exit_code_0(sqlite_url: str, tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "gateway", "serve", "--port", str(port)]
    with (
        subprocess.Popen(command, env=_environment(sqlite_url, tmp_path), stderr=subprocess.DEVNULL) as server,
        httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as http,
    ):
        try:
            _wait(http)
        finally:
            server.terminate()

        assert server.wait(timeout=60) == 0
