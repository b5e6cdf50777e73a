"""Runs the complete examples of the documentation as they are."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.checkout import ROOT
from tests.support.oauth import Browser
from tests.support.page_blocks import block, masked
from tests.support.server import Sandbox, bare_environment

LINK = re.compile(r"http://\S+/oauth/authorize\S+")


def run_example(command: list[str], sandbox: Sandbox, folder: Path, decision: str) -> str:
    """Returns what the example prints. A person opens its link, signs in and decides."""
    file = folder / "credentials.json"
    file.write_text(json.dumps(sandbox.credentials))
    person = next(p for p in sandbox.credentials["personas"] if p["handle"] == "excellent")
    with (
        subprocess.Popen([*command, str(file)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as example,
        httpx2.Client(base_url=sandbox.credentials["issuer"], timeout=30) as http,
    ):
        assert example.stdout is not None
        output = ""
        while not (link := LINK.search(output)):
            line = example.stdout.readline()
            assert line, output
            output += line
        page = Browser(http).open(link[0], person["username"], person["password"])
        redirect = Browser(http).submit(page, "/oauth/authorize", decision=decision)
        assert httpx2.get(redirect.headers["location"]).status_code == 200
        return output + example.communicate(timeout=30)[0]


def test_python_client_example(sandbox: Sandbox, tmp_path: Path) -> None:
    _, program, _ = block("docs/oauth.md", "make run").splitlines()[1].split()
    command = [sys.executable, str(ROOT / program)]
    output = run_example(command, sandbox, tmp_path, "allow")
    assert '"tier":"EXCELLENT"' in output
    assert "With a new token: 200" in output
    assert "After revocation: 401" in output
    denied = run_example(command, sandbox, tmp_path, "deny")
    assert "The person denied the request: access_denied" in denied


def test_curl_example(sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "partner.json"
    file.write_text(json.dumps(sandbox.credentials))
    command = ["sh", str(ROOT / "docs/examples/first_decision.sh"), str(file)]
    example = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    assert re.fullmatch(r"Tier: EXCELLENT\nDecision: dec_test_\w+ APPROVED\nCANCELLED\n", example.stdout)
    assert example.stderr == ""


def test_curl_example_reports_an_error(sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "partner.json"
    text = json.dumps(sandbox.credentials)
    for merchant in sandbox.credentials["merchants"]:
        text = text.replace(merchant["merchant_token"], "sgw_test_at_unknown")
    file.write_text(text)
    command = ["sh", str(ROOT / "docs/examples/first_decision.sh"), str(file)]
    example = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert (example.returncode, example.stdout) == (1, "")
    assert example.stderr == "The gateway refused the request: The access token is not valid. Get a new one.\n"


@pytest.mark.slow
def test_curl_example_makes_a_partner(sqlite_sandbox: Sandbox) -> None:
    settings = {
        "GATEWAY_DATABASE_URL": sqlite_sandbox.database_url,
        "GATEWAY_STATE_DIRECTORY": str(sqlite_sandbox.folder),
        "GATEWAY_ISSUER": sqlite_sandbox.credentials["issuer"],
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    command = ["sh", "-c", block("docs/clients.md", 'PATH="$PWD/.venv/bin:$PATH" sh')]
    options: dict[str, Any] = {"cwd": ROOT, "env": {**bare_environment(), **settings}, "timeout": 120}
    example = subprocess.run(command, check=True, capture_output=True, text=True, **options)
    assert masked(example.stdout) == masked(block("docs/clients.md", "Tier: EXCELLENT\nDecision: dec_test_"))


def run_first_decision(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "docs/examples/first_decision.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_key_of_the_small_merchant_is_made_once(tmp_path: Path) -> None:
    """The page redirects the output to a file: a second run must not leave it empty."""
    file = tmp_path / "merchant.jwk"
    first, again = (run_first_decision("new-key", str(file)) for _ in range(2))
    assert (first.stdout, first.stderr) == (again.stdout, "")
    (key,) = json.loads(first.stdout)["keys"]
    assert key["kid"] == json.loads(file.read_text())["kid"]
    assert "d" not in key
    assert file.stat().st_mode & 0o777 == 0o600


def test_small_merchant_names_wrong_arguments(sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "merchant.jwk"
    run_first_decision("new-key", str(file))
    wrong = run_first_decision(sandbox.credentials["issuer"] + "/", "cli_x", str(file), "http://127.0.0.1:1/callback")
    assert wrong.stderr.endswith("Write it as in GATEWAY_ISSUER, without / at its end.\n")
    for arguments in ([], ["new-key"], ["https://gateway.example", "cli_x"]):
        refused = run_first_decision(*arguments)
        assert (refused.returncode, refused.stderr.split(":")[0]) == (1, "Use")
