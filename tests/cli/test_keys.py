"""`gateway keys`: rotation and the list of keys."""

from pathlib import Path

from tests.support.operators import Gateway


def test_keys_are_rotated_and_listed(database_url: str, tmp_path: Path) -> None:
    gateway = Gateway(database_url, tmp_path)
    assert gateway.answer("keys", "list").split() == ["kid", "made", "state"]

    kids = [gateway.answer("keys", "rotate").split()[0] for _ in range(2)]

    first, second = gateway.answer("keys", "list").splitlines()[1:]
    assert first.split()[0] == kids[0]
    assert " retired " in first
    assert second.split()[0] == kids[1]
    assert second.endswith("in force")
    assert all(kid in gateway.answer("log", "verify") for kid in kids)
