"""The guard that searches what tests and servers write knows a secret when it sees one, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.checkout import ROOT
from tests.support.fapi import new_key, signed
from tests.support.secrets import find_secrets

TOKEN = "sgw_test_at_" + "x" * 43
SECRETS = {
    "token": f"issued {TOKEN}",
    "live token": "sgw_rt_" + "y" * 43,
    "request_uri": "urn:ietf:params:oauth:request_uri:" + "z" * 43,
    "assertion": signed({"alg": "ES256"}, {"sub": "cli_1"}, new_key()),
    "form": "grant_type=authorization_code&code=abcdefgh",
    "address": "GET /device?user_code=BCDF-GHJK",
    "private key": '{"d": "' + "k" * 43 + '"}',
}
HARMLESS = [
    '{"event": "oauth_failed", "path": "/oauth/token", "error": "KeyError", "request_id": "req_test_01m89trrgne00a3t"}',
    "cli_test_01m89v8znhe009m6ebygqab3np con_test_01m89x4kc0e00a7te8yqv4ae6f",
    "error code=[redacted] password=[redacted]",
]


@pytest.mark.parametrize("text", SECRETS.values(), ids=SECRETS)
def test_a_secret_is_found(text: str) -> None:
    assert len(find_secrets(f"a line before\n{text}\na line behind")) == 1


@pytest.mark.parametrize("text", HARMLESS)
def test_a_harmless_line_is_not(text: str) -> None:
    assert find_secrets(text) == []


@pytest.mark.parametrize("prints", ["print(token)", "logging.getLogger('any').warning('%s', token)"])
def test_a_test_that_writes_one_fails(tmp_path: Path, prints: str) -> None:
    (tmp_path / "test_it.py").write_text(f"import logging\n\ndef test_it():\n    token = {TOKEN!r}\n    {prints}\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.fixtures.secrets", "-c", "/dev/null", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout
    assert "holds secrets" in done.stdout
