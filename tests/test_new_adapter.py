"""A new adapter up to its first approval, with the steps of docs/adapters.md. They run in a new environment outside of
the checkout, with the gateway installed from a wheel, so the wheel must have all files that the commands need."""

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
from tests.support.server import Sandbox, bare_environment

FIVE_MINUTES = 300.0
FIELDS = '{ __type(name: "DecisionAsk") { inputFields { name type { name } } } }'
ASK = {"harbourBoats": {"deposit": yuan("1000.00"), "keptFor": "P2D"}}
DETAIL = {"type": "decision", "products": ["DEPOSIT_WAIVER"], "maximum_amount": yuan("1000.00")}


def run(folder: Path, *command: str) -> str:
    """The output of a command in `folder`. Fails if the command does."""
    done = subprocess.run(
        command, cwd=folder, env=bare_environment(), capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


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

    next_steps = run(author, gateway, "adapters", "new", "harbour_boats").splitlines()[-3:]
    assert [line.split()[:3] for line in next_steps] == [
        ["pip", "install", "--no-deps"], ["gateway", "adapters", "check"], ["gateway", "sandbox", "up"],
    ]  # fmt: skip
    run(author, python, "-m", *next_steps[0].split())
    assert "harbour-boats 0.1.0" in run(author, gateway, "adapters", "list")
    assert "meets all" in run(author, gateway, *next_steps[1].split()[1:])
    assert " passed" in run(author / "harbour_boats", python, "-m", "pytest", "-p", "no:cacheprovider")
    assert "input HarbourBoatsAsk" in run(author, gateway, "sdl", "export")

    sandbox = Sandbox(f"sqlite:///{state}/gateway.db", state)
    sandbox.python = (python, "-P")  # otherwise the checkout of the tests would be imported
    with sandbox:
        top, below = decided(sandbox, "excellent"), decided(sandbox, "just-below")
    assert (top["status"], top["purpose"]) == ("APPROVED", "RENTAL")
    assert top["outcome"]["terms"]["depositDue"] == {"amount": "0.00"}
    assert below["outcome"]["terms"]["depositDue"] == {"amount": "300.00"}
    assert time.monotonic() - began < FIVE_MINUTES

    # During development the package is installed with -e. A live deployment gets a wheel.
    wheel = (python, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", "dist", "./harbour_boats")
    run(author, *wheel)
    run(author, python, "-m", "pip", "install", "-q", "--no-deps", *map(str, (author / "dist").glob("*.whl")))
    shutil.rmtree(author / "harbour_boats")
    assert "meets all" in run(author, gateway, "adapters", "check", "harbour_boats")
    assert tree() == before


def decided(sandbox: Sandbox, handle: str) -> dict[str, Any]:
    """The decision of the adapter's demo merchant, after the persona has consented."""
    with closing(MerchantClient(sandbox, "harbour_boats")) as partner:
        members = partner.graphql(partner.merchant_token, FIELDS).data["__type"]["inputFields"]
        assert {"name": "harbourBoats", "type": {"name": "HarbourBoatsAsk"}} in members
        token = partner.token(handle, scope=None, authorization_details=[DETAIL])
        decision: dict[str, Any] = partner.request(token, ASK)["decision"]
    return decision
