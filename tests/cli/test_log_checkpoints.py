"""`gateway log` with files of checkpoints: which it accepts, what it finds, and proofs between two of them."""

import json
from pathlib import Path

import pytest

from gateway.kit.checkpoints import Checkpoint, sign_checkpoint
from gateway.kit.crypto import SigningKey
from tests.services.asks import car, request_command
from tests.support.demo_world import DemoWorld
from tests.support.logs import Forger, sign_checkpoints, without_triggers
from tests.support.operators import Gateway


@pytest.fixture
def older(world: DemoWorld, tmp_path: Path) -> Path:
    """Checkpoints of logs with one decision."""
    request(world, 0)
    file = tmp_path / "older"
    file.write_text(sign_checkpoints(world.database))
    return file


def request(world: DemoWorld, number: int) -> None:
    command = request_command(car(world.clock(), "30.00"), f"key-{number}", f"order-{number}")
    world.requester.request(world.user_token(world.grant()), command)


def test_verify_uses_the_checkpoints_in_files(world: DemoWorld, gateway: Gateway, older: Path, tmp_path: Path) -> None:
    request(world, 1)
    newer = tmp_path / "newer"
    newer.write_text(sign_checkpoints(world.database))
    report = json.loads(
        gateway.output("log", "verify", "--json", "--checkpoints", str(older), "--checkpoints", str(newer))
    )
    assert report["is_intact"]
    assert report["checkpoints"] == 2 * 3 + 3  # in each file, and in the database
    assert report["records"] > 0


def test_c1_verify_finds_a_cut_end(world: DemoWorld, gateway: Gateway, older: Path) -> None:
    for log in ("decision_log", "access_log"):
        with without_triggers(world.database, log) as connection:
            Forger(connection, log).truncate(0)
    world.execute("DELETE FROM log_checkpoints", "DELETE FROM user_keys")
    line = gateway.error_line("log", "verify", "--checkpoints", str(older))
    assert line.startswith("error: decision log: Rolled back, or removed: the checkpoint in the file covers 1 entries")
    finding = json.loads(gateway("log", "verify", "--json", "--checkpoints", str(older)).stdout)["finding"]
    assert (finding["kind"], finding["log"], finding["leaf_index"]) == ("ROLLED_BACK", "decision", 0)


@pytest.mark.parametrize("command", ["verify", "consistency"])
@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "cannot be read"), (b"junk\n", "is not a file of checkpoints"), (b"\xff", "is not text in UTF-8")],
)
def test_file_of_something_else_is_refused(
    gateway: Gateway, tmp_path: Path, command: str, content: bytes | None, reason: str
) -> None:
    file = tmp_path / "file"
    if content is not None:
        file.write_bytes(content)
    arguments = ["--checkpoints", str(file)] if command == "verify" else [str(file), str(file)]
    assert reason in gateway.error_line("log", command, *arguments)


def test_consistency_has_a_proof_for_each_log(world: DemoWorld, gateway: Gateway, older: Path, tmp_path: Path) -> None:
    request(world, 1)
    newer = tmp_path / "newer"
    newer.write_text(sign_checkpoints(world.database))
    proofs = json.loads(gateway.output("log", "consistency", str(older), str(newer)))
    assert set(proofs) == {f"gateway.example/{log}-log" for log in ("access", "decision", "record")}
    assert len(proofs["gateway.example/decision-log"]) == 1


def test_consistency_needs_a_newer_checkpoint_of_each_log(
    world: DemoWorld, gateway: Gateway, older: Path, tmp_path: Path
) -> None:
    newer = tmp_path / "newer"
    newer.write_text("")
    assert "has no newer checkpoint of gateway.example/access-log" in gateway.error_line(
        "log", "consistency", str(older), str(newer)
    )
    request(world, 1)
    newer.write_text(sign_checkpoints(world.database))
    assert "has no newer checkpoint of" in gateway.error_line("log", "consistency", str(newer), str(older))


def test_consistency_of_an_unknown_log_is_refused(gateway: Gateway, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text(sign_checkpoint(Checkpoint("gateway.example/other-log", 1, bytes(32)), SigningKey()))
    assert "There is no log 'other'." in gateway.error_line("log", "consistency", str(file), str(file))


def test_consistency_needs_the_entries(world: DemoWorld, gateway: Gateway, older: Path, tmp_path: Path) -> None:
    request(world, 1)
    newer = tmp_path / "newer"
    newer.write_text(sign_checkpoints(world.database))
    with without_triggers(world.database, "decision_log") as connection:
        Forger(connection, "decision_log").truncate(0)
    assert "No proof can be computed" in gateway.error_line("log", "consistency", str(older), str(newer))
