"""The worked examples of the documentation run as they are written."""

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
    """What the example prints; a person opens its link, signs in and decides."""
    file = folder / "credentials.json"
    file.write_text(json.dumps(sandbox.credentials))
    person = next(p for p in sandbox.credentials["personas"] if p["handle"] == "excellent")
    with (
        subprocess.Popen([*command, str(file)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as example,
        httpx2.Client(base_url=sandbox.credentials["issuer"], timeout=30) as http,
    ):
        assert example.stdout is not None
        said = ""
        while not (found := LINK.search(said)):
            line = example.stdout.readline()
            assert line, said
            said += line
        page = Browser(http).open(found[0], person["username"], person["password"])
        answer = Browser(http).submit(page, "/oauth/authorize", decision=decision)
        assert httpx2.get(answer.headers["location"]).status_code == 200
        return said + example.communicate(timeout=30)[0]


def test_the_python_client(sandbox: Sandbox, tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "docs/examples/fapi2_client.py")]
    said = run_example(command, sandbox, tmp_path, "allow")
    assert '"tier":"EXCELLENT"' in said
    assert "With a fresh token: 200" in said
    assert "After revocation: 401" in said
    refused = run_example(command, sandbox, tmp_path, "deny")
    assert "The person did not allow it: access_denied" in refused
