"""Runs the complete examples of the documentation as they are."""

import json
import re
import subprocess
import sys
from pathlib import Path

import httpx2

from tests.support.checkout import ROOT
from tests.support.oauth import Browser
from tests.support.server import Sandbox

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
    command = [sys.executable, str(ROOT / "docs/examples/fapi2_client.py")]
    output = run_example(command, sandbox, tmp_path, "allow")
    assert '"tier":"EXCELLENT"' in output
    assert "With a new token: 200" in output
    assert "After revocation: 401" in output
    denied = run_example(command, sandbox, tmp_path, "deny")
    assert "The person denied the request: access_denied" in denied
