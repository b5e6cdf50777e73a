"""An adapter from nothing to its first approval, as docs/adapters.md tells it: in a fresh environment, outside the
gateway's tree, with the gateway installed from a wheel, so that what the commands need is known to be in it."""

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
from tests.support.partner import Partner, yuan
from tests.support.server import Sandbox, bare_environment

FIVE_MINUTES = 300.0
FIELDS = '{ __type(name: "DecisionAsk") { inputFields { name type { name } } } }'
ASK = {"harbourBoats": {"deposit": yuan("1000.00"), "keptFor": "P2D"}}
DETAIL = {"type": "decision", "products": ["DEPOSIT_WAIVER"], "maximum_amount": yuan("1000.00")}


def run(folder: Path, *command: str) -> str:
    """What the command prints, typed in `folder`; it has to succeed."""
    done = subprocess.run(
        command, cwd=folder, env=bare_environment(), capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def tree() -> str:
    """What git says of the gateway's tree, files of no commit included."""
    return run(ROOT, "git", "status", "--porcelain", "--untracked-files=all")


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[Path]:
    """The `bin` of a fresh environment, made from the lock by a copy of this checkout, which is gone afterwards."""
    copy = tmp_path / "checkout"
    for file in files():
        place = copy / file.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, place)
    run(copy, sys.executable, "tools/environment.py")
    bin_folder = copy / ".venv" / "bin"
    pip = (str(bin_folder / "python"), "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation")
    run(tmp_path, *pip, "--force-reinstall", str(copy))
    for package in ("gateway", "schema", "merchants", "migrations"):
        shutil.rmtree(copy / package)
    yield bin_folder
    shutil.rmtree(copy)


@pytest.mark.slow
def test_from_nothing_to_an_approval_in_five_minutes(environment: Path, tmp_path: Path) -> None:
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
    sandbox.python = (python, "-P")  # or the tree that the tests run in would be imported
    with sandbox:
        top, below = decided(sandbox, "excellent"), decided(sandbox, "just-below")
    assert (top["status"], top["purpose"]) == ("APPROVED", "RENTAL")
    assert top["outcome"]["terms"]["depositDue"] == {"amount": "0.00"}
    assert below["outcome"]["terms"]["depositDue"] == {"amount": "300.00"}
    assert time.monotonic() - began < FIVE_MINUTES

    # What was installed with -e can be changed in place; what a live deployment gets is a wheel.
    wheel = (python, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", "dist", "./harbour_boats")
    run(author, *wheel)
    run(author, python, "-m", "pip", "install", "-q", "--no-deps", *map(str, (author / "dist").glob("*.whl")))
    shutil.rmtree(author / "harbour_boats")
    assert "meets all" in run(author, gateway, "adapters", "check", "harbour_boats")
    assert tree() == before


def decided(sandbox: Sandbox, handle: str) -> dict[str, Any]:
    """The decision of the adapter's demo merchant, after the persona has consented."""
    with closing(Partner(sandbox, "harbour_boats")) as partner:
        members = partner.graphql(partner.merchant_token, FIELDS).data["__type"]["inputFields"]
        assert {"name": "harbourBoats", "type": {"name": "HarbourBoatsAsk"}} in members
        token = partner.token(handle, scope=None, authorization_details=[DETAIL])
        decision: dict[str, Any] = partner.request(token, ASK)["decision"]
    return decision
