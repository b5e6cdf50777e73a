"""The search for secrets in output: it finds each kind of secret and nothing else, and fails tests that print one."""

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
    "webhook secret": "whsec_" + "x" * 43 + "=",
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
def test_secret_is_found(text: str) -> None:
    assert len(find_secrets(f"a line before\n{text}\na line behind")) == 1


@pytest.mark.parametrize("text", HARMLESS)
def test_text_without_a_secret_is_accepted(text: str) -> None:
    assert find_secrets(text) == []


@pytest.mark.parametrize("statement", ["print(token)", "logging.getLogger('any').warning('%s', token)"])
def test_test_that_prints_a_secret_fails(tmp_path: Path, statement: str) -> None:
    (tmp_path / "test_it.py").write_text(f"import logging\n\ndef test_it():\n    token = {TOKEN!r}\n    {statement}\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.fixtures.secrets", "-c", "/dev/null", str(tmp_path)]
    completed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert completed.returncode == 1, completed.stdout
    assert "holds secrets" in completed.stdout
