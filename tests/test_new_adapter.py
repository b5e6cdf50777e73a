"""A new adapter up to its first approval, with the steps of docs/adapters.md. They run in a new environment outside of
the checkout, with the gateway installed from a wheel, so the wheel must have all files that the commands need."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.checkout import ROOT, files
from tests.support.merchant_client import MerchantClient, yuan
from tests.support.page_blocks import block
from tests.support.server import Sandbox, bare_environment, free_port, wait_until_ready

FIVE_MINUTES = 300.0
FIELDS = '{ __type(name: "DecisionAsk") { inputFields { name type { name } } } }'
REQUEST = block("docs/adapters.md", "mutation {")
DETAIL = {"type": "decision", "products": ["DEPOSIT_WAIVER"], "maximum_amount": yuan("1000.00")}


def run(folder: Path, *command: str, **settings: str) -> str:
    """The output of a command in `folder`. Fails if the command does."""
    environment = {**bare_environment(), **settings}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def log_of_server(folder: Path, command: list[str], settings: dict[str, str]) -> list[dict[str, Any]]:
    """Starts a server, stops it when it can serve, and returns the lines of its log."""
    port, file = free_port(), folder / "server.log"
    environment = {**bare_environment(), **settings}
    arguments = [*command, "--port", str(port)]
    with file.open("w") as log, subprocess.Popen(arguments, env=environment, stderr=log) as server:
        try:
            wait_until_ready(f"http://127.0.0.1:{port}", server)
        finally:
            server.terminate()
    assert server.returncode == 0
    return [json.loads(line) for line in file.read_text().splitlines()]


def tree() -> str:
    """The git status of the checkout, with untracked files."""
    return run(ROOT, "git", "status", "--porcelain", "--untracked-files=all")


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[Path]:
    """The `bin` folder of a new environment, made from the lock in a copy of this checkout. Deleted afterwards."""
    copy = tmp_path / "checkout"
    for file in files():
        target = copy / file.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    run(copy, sys.executable, "tools/environment.py")
    bin_folder = copy / ".venv" / "bin"
    pip = (str(bin_folder / "python"), "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation")
    run(tmp_path, *pip, "--force-reinstall", str(copy))
    for package in ("gateway", "schema", "merchants", "migrations"):
        shutil.rmtree(copy / package)
    yield bin_folder
    shutil.rmtree(copy)


@pytest.mark.slow
def test_new_adapter_approves_within_five_minutes(environment: Path, tmp_path: Path) -> None:
    before, began = tree(), time.monotonic()
    author, state = tmp_path / "author", tmp_path / "state"
    author.mkdir()
    state.mkdir()
    python, gateway = str(environment / "python"), str(environment / "gateway")

    first, *steps = map(str.split, block("docs/adapters.md", "gateway adapters new").splitlines())
    printed = run(author, gateway, *first[1:]).splitlines()[-3:]
    assert steps == list(map(str.split, printed))
    install, check, _ = steps
    run(author, python, "-m", *install)
    assert "harbour-boats 0.1.0" in run(author, gateway, "adapters", "list")
    assert "meets all" in run(author, gateway, *check[1:])
    assert " passed" in run(author / "harbour_boats", python, "-m", "pytest", "-p", "no:cacheprovider")
    for line in block("docs/adapters.md", "gateway sdl export").splitlines():
        _, *export, _, file = line.split()
        assert "input HarbourBoatsAsk" in run(author, gateway, *export), file

    sandbox = Sandbox(f"sqlite:///{state}/gateway.db", state)
    sandbox.python = (python, "-P")  # otherwise the checkout of the tests would be imported
    with sandbox:
        top, below = decided(sandbox, "excellent"), decided(sandbox, "just-below")
    assert (top["status"], below["status"]) == ("APPROVED", "APPROVED")
    assert top["outcome"]["terms"] == {"waivedAmount": {"amount": "1000.00"}, "depositDue": {"amount": "0.00"}}
    assert below["outcome"]["terms"] == {"waivedAmount": {"amount": "700.00"}, "depositDue": {"amount": "300.00"}}
    assert time.monotonic() - began < FIVE_MINUTES

    # During development the package is installed with -e. A live deployment gets a wheel.
    wheel, install, export, *commands = map(str.split, block("docs/adapters.md", "pip wheel").splitlines())
    run(author, python, "-m", *wheel)
    run(author, python, "-m", *install)
    shutil.rmtree(author / "harbour_boats")
    assert "meets all" in run(author, gateway, "adapters", "check", "harbour_boats")
    name, _, adapters = export[1].partition("=")
    places = {"GATEWAY_DATABASE_URL": sandbox.database_url, "GATEWAY_STATE_DIRECTORY": str(state), name: adapters}
    listed, enable, serve = ([gateway, *command[1:]] for command in commands)
    assert "harbour-boats 0.1.0" in run(author, *listed, **places)
    merchants = json.loads(run(author, gateway, "merchants", "list", "--json", **places))
    merchant = next(each["id"] for each in merchants if "car_rental" in [found["key"] for found in each["adapters"]])
    run(author, *(merchant if word == "mer_..." else word for word in enable), **places)
    log = log_of_server(author, serve, {**places, "GATEWAY_LOG_LEVEL": "INFO"})  # in live at every level
    assert [line["adapter"] for line in log if line["event"] == "adapter_loaded"] == adapters.split(",")
    assert tree() == before


def decided(sandbox: Sandbox, handle: str) -> dict[str, Any]:
    """The decision of the adapter's demo merchant, after the persona has consented."""
    with closing(MerchantClient(sandbox, "harbour_boats")) as partner:
        members = partner.graphql(partner.merchant_token, FIELDS).data["__type"]["inputFields"]
        assert {"name": "harbourBoats", "type": {"name": "HarbourBoatsAsk"}} in members
        token = partner.token(handle, scope=None, authorization_details=[DETAIL])
        payload = partner.graphql(token, REQUEST.replace("boat-1", f"boat-{handle}")).data["decisionRequest"]
        decision: dict[str, Any] = payload["decision"]
    assert payload["userErrors"] == []
    return decision
