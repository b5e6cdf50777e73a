"""`gateway keys`: rotation and the list of signing keys."""

import json
from datetime import datetime, timedelta
from pathlib import Path

from tests.support.operators import Gateway


def test_list_shows_rotated_keys_as_retired(database_url: str, tmp_path: Path) -> None:
    gateway = Gateway(database_url, tmp_path)
    kids = [gateway.output("keys", "rotate").split()[0] for _ in range(2)]

    first, second = gateway.output("keys", "list").splitlines()[1:]
    assert first.split()[0] == kids[0]
    assert not first.endswith("in force")
    assert second.split()[0] == kids[1]
    assert second.endswith("in force")
    retired, in_force = json.loads(gateway.output("keys", "list", "--json"))
    assert (retired["is_in_force"], in_force["is_in_force"]) == (False, True)
    assert datetime.fromisoformat(retired["retired_at"]) >= datetime.fromisoformat(retired["created_at"])


def test_log_verify_accepts_retired_keys(database_url: str, tmp_path: Path) -> None:
    gateway = Gateway(database_url, tmp_path)
    kids = [gateway.output("keys", "rotate").split()[0] for _ in range(2)]

    assert all(kid in gateway.output("log", "verify") for kid in kids)


def test_list_without_keys_is_empty(database_url: str, tmp_path: Path) -> None:
    done = Gateway(database_url, tmp_path)("keys", "list")

    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "There is no signing key yet. The first start of a server makes one.\n"


def test_list_as_json(database_url: str, tmp_path: Path) -> None:
    gateway = Gateway(database_url, tmp_path)
    kid = gateway.output("keys", "rotate").split()[0]

    (key,) = json.loads(gateway.output("keys", "list", "--json"))

    assert datetime.fromisoformat(key.pop("created_at")).utcoffset() == timedelta(0)
    assert key == {"kid": kid, "retired_at": None, "is_in_force": True}
