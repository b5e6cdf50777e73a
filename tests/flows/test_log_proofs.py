"""Proofs about the log that anybody can verify with public keys alone, and the file of checkpoints of a live server."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.kit.checkpoints import parse_checkpoints
from tests.fixtures.server import copy_seeded
from tests.support.checkout import ROOT
from tests.support.command_line import COMMANDS
from tests.support.http_server import wait_until
from tests.support.merchant_client import MerchantClient, car
from tests.support.server import Sandbox, bare_environment

QUERY = """query ($id: ID!) { decision(by: {id: $id}) { receipt
  inclusionProof { leafIndex treeSize hashes checkpoint } } }"""
EXAMPLE = ROOT / "docs" / "examples" / "verify_log.py"


@pytest.fixture
def server(tmp_path: Path, seeded_folder: Path) -> Iterator[Sandbox]:
    """A sandbox that writes its checkpoints to the file `checkpoints`."""
    folder = tmp_path / "state"
    folder.mkdir()
    url, file = copy_seeded(seeded_folder, folder), tmp_path / "checkpoints"
    with Sandbox(url, folder, checkpoint_file=str(file)) as sandbox:
        yield sandbox


@pytest.fixture
def partner(server: Sandbox) -> Iterator[MerchantClient]:
    with closing(MerchantClient(server)) as partner:
        yield partner


def sizes(file: Path) -> dict[str, int]:
    text = file.read_text() if file.exists() else ""
    checkpoints = [each.checkpoint for each in parse_checkpoints(text)]
    return {each.origin.rpartition("/")[2]: each.size for each in checkpoints}


def verify(*arguments: object) -> "subprocess.CompletedProcess[str]":
    """Runs the program of the documentation. It imports nothing of ours."""
    command = [sys.executable, "-P", str(EXAMPLE), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=EXAMPLE.parent)


def read_proof(partner: MerchantClient, decision: str, file: Path) -> dict[str, Any]:
    """Reads receipt and proof of the first decision when a checkpoint covers it."""
    wait_until(lambda: sizes(file).get("decision-log") == 1)
    read: dict[str, Any] = partner.graphql(partner.merchant_token, QUERY, id=decision).data["decision"]
    return read


def gateway(server: Sandbox, *arguments: object) -> "subprocess.CompletedProcess[str]":
    environment = {**bare_environment(), "GATEWAY_STATE_DIRECTORY": str(server.folder / "empty")}
    return COMMANDS.run([*map(str, arguments), "--database-url", server.database_url], environment, "")


def test_example_imports_nothing_of_ours() -> None:
    imports = [line for line in EXAMPLE.read_text().splitlines() if line.startswith(("import ", "from "))]
    names = {line.split()[1].split(".")[0] for line in imports}
    assert names - set(sys.stdlib_module_names) == {"cryptography"}


def test_inclusion_and_growth_are_verified_with_public_keys(
    server: Sandbox, partner: MerchantClient, tmp_path: Path
) -> None:
    file, older, newer = tmp_path / "checkpoints", tmp_path / "older", tmp_path / "newer"
    keys, receipt, proof = tmp_path / "jwks.json", tmp_path / "receipt.txt", tmp_path / "proof.json"
    keys.write_text(partner.http.get("/oauth/jwks").text)
    decision = partner.request(partner.token(), car())["decision"]
    read = read_proof(partner, decision["id"], file)
    receipt.write_text(read["receipt"])
    proof.write_text(json.dumps(read["inclusionProof"]))
    older.write_text(file.read_text())

    done = verify("inclusion", keys, receipt, proof)
    assert (done.returncode, done.stderr) == (0, "")
    assert "/decision-log: entry 0 of 1 is in the log." in done.stdout

    partner.request(partner.token("good"), car("20.00"))
    server.stop()  # a last checkpoint is signed at the end
    assert sizes(file)["decision-log"] == 2
    newer.write_text(file.read_text())
    proofs = tmp_path / "proofs.json"
    proofs.write_text(gateway(server, "log", "consistency", older, newer).stdout)
    done = verify("consistency", keys, older, newer, proofs)
    assert (done.returncode, done.stderr) == (0, "")
    assert "/decision-log: grown from 1 to 2 entries, the first 1 unchanged." in done.stdout

    for arguments, reason in (
        (("consistency", keys, newer, older, proofs), "nothing proves"),
        (("consistency", keys, older, newer, proof), "nothing proves"),
        (("inclusion", keys, receipt, proofs), "Not verified"),
        (("inclusion", proofs, receipt, proof), "Not verified"),
        (("inclusion", keys, older, proof), "Not verified"),
    ):
        done = verify(*arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert reason in done.stderr
    changed = read["inclusionProof"] | {"checkpoint": read["inclusionProof"]["checkpoint"].replace("\n1\n", "\n2\n")}
    proof.write_text(json.dumps(changed))
    assert "No key of the set has signed" in verify("inclusion", keys, receipt, proof).stderr

    verified = gateway(server, "log", "verify", "--checkpoints", older, "--checkpoints", newer)
    assert verified.returncode == 0, verified.stderr
    assert "decision log: 2 entries, all in order." in verified.stdout


@pytest.mark.slow
def test_a_database_older_than_the_file_is_reported(server: Sandbox, tmp_path: Path) -> None:
    file, database = tmp_path / "checkpoints", server.folder / "gateway.db"
    copy = database.read_bytes()
    with closing(MerchantClient(server)) as client:
        client.request(client.token(), car())
    server.stop()
    before = file.read_text()
    database.write_bytes(copy)
    with server:
        wait_until(lambda: "checkpoint_not_signed" in server.log)
    assert file.read_text() == before
    assert server.log.count("checkpoint_not_signed") == 1
    done = gateway(server, "log", "verify", "--checkpoints", file)
    assert done.returncode == 1
    assert "Rolled back" in done.stderr
