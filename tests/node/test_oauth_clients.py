"""Independent OAuth clients against a live sandbox: openid-client and oauth4webapi."""

import json
from pathlib import Path

import pytest

from tests.support.node import MARKS, NodeProject
from tests.support.operators import Gateway
from tests.support.server import Sandbox

pytestmark = MARKS

CHECKS = {
    "openid_client.mjs": 51,
    "openid_client_baseline.mjs": 14,
    "oauth4webapi.mjs": 18,
    "device_grant.mjs": 10,
}
"""The number of checks of each script, so that a skipped check is noticed."""

WIDE = ["--scope", "score:exact", "--scope", "decisions:request", "--scope", "decisions:read"]


@pytest.fixture
def invitations(sandbox: Sandbox, tmp_path: Path) -> Path:
    """A file with initial access tokens for registration.mjs."""
    gateway, merchants = Gateway(sandbox.database_url, sandbox.folder), sandbox.credentials["merchants"]
    invite = ["clients", "invite", next(one["id"] for one in merchants if one["adapter"] == "car_rental")]
    tokens = {
        "wide": [gateway.output(*invite, *WIDE) for _ in range(5)],
        "narrow": [gateway.output(*invite)],
    }
    file = tmp_path / "invitations.json"
    file.write_text(json.dumps(tokens))
    return file


@pytest.mark.parametrize("script", list(CHECKS))
def test_every_check_passes(npm: NodeProject, sandbox: Sandbox, script: str) -> None:
    output = npm.run_checks(script, sandbox.folder / "credentials.json")
    assert output == [f"{CHECKS[script]} checks, 0 failed"]


def test_clients_with_every_type_of_key_register(npm: NodeProject, sandbox: Sandbox, invitations: Path) -> None:
    output = npm.run_checks("registration.mjs", sandbox.folder / "credentials.json", invitations)
    assert output == ["36 checks, 0 failed"]
