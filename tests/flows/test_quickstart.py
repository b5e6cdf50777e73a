"""The quickstart and the README are executed: a shell runs each command, and each stated response is compared."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console

from gateway.demo.narrator import Narrator
from gateway.demo.website import WebsiteDemo
from tests.support.checkout import ROOT
from tests.support.server import Sandbox

README = ROOT / "README.md"
BLOCK = re.compile(r"^```(sh|graphql|json|http)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
UNNAMED_BLOCK = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PLACEHOLDER = re.compile(r"^export (\w+)=(\S*)\.\.\.$", re.MULTILINE)
QUERY = re.compile(r'"query": ("(?:[^"\\]|\\.)*")')
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
STATED_ADDRESS = "http://127.0.0.1:8000"


class Page:
    """One document whose commands run against a sandbox, in the order of the page. `values` are the variables that a
    reader copies from the output of `make run`; `folder` is the working directory of the commands."""

    def __init__(self, path: Path, sandbox: Sandbox, values: dict[str, str], folder: Path) -> None:
        self._text = path.read_text(encoding="utf-8")
        self._issuer, self._values, self._folder = str(sandbox.credentials["issuer"]), values, folder
        self._environment = {"PATH": os.environ["PATH"]}
        self._output = ""

    def blocks(self, *languages: str) -> Iterator[tuple[str, str]]:
        """The language and the text of each code block in these languages."""
        return (found for found in BLOCK.findall(self._text) if found[0] in languages)

    def run(self) -> None:
        """Runs all commands. Raises AssertionError for the first response that differs from the page."""
        for language, block in self.blocks("sh", "json", "http"):
            text = block.replace(STATED_ADDRESS, self._issuer).replace(_quoted(STATED_ADDRESS), _quoted(self._issuer))
            if language == "sh":
                self._run_commands(text)
            elif language == "json":
                self._compare(json.loads(text))
            else:
                for line in filter(None, text.splitlines()):
                    assert re.search(f"^{_pattern(line)}", self._output, re.MULTILINE), (line, self._output)

    def _compare(self, stated: dict[str, Any]) -> None:
        """Compares the last output. A page may leave `extensions` out, which have no data of the merchant."""
        response = json.loads(self._output)
        if "extensions" not in stated:
            response.pop("extensions", None)
        assert_fits(response, stated)

    def _run_commands(self, block: str) -> None:
        """Runs a block in bash, with the variables of the blocks before it, and keeps its output and its variables."""
        for name, start in PLACEHOLDER.findall(block):
            self._environment[name] = self._values.get(name) or self._value_from_output(start)
        variables = self._folder / "variables"
        script = f"set -eu -o pipefail\n{PLACEHOLDER.sub('', block)}\nenv -0 > {variables}\n"
        command = ["bash", "-c", script]
        done = subprocess.run(
            command, cwd=self._folder, env=self._environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, (block, done.stderr)
        self._output = done.stdout or self._output
        self._environment = dict(line.split("=", 1) for line in variables.read_text().split("\0") if line)

    def _value_from_output(self, start: str) -> str:
        """The value in the last response that begins as the page shows."""
        found = re.search(re.escape(start) + r"[\w-]+", self._output)
        assert start, "a value without a known start has to come from `values`"
        assert found, (start, self._output)
        return found[0]


def _quoted(address: str) -> str:
    return address.replace(":", "%3A").replace("/", "%2F")


def _pattern(stated: str) -> str:
    """A regular expression for the stated text, in which `...` stands for any characters."""
    return ".*".join(re.escape(part) for part in stated.split("..."))


def assert_fits(actual: Any, stated: Any) -> None:
    """Raises AssertionError unless the value has the same members and the same fixed parts as the stated one. Any
    timestamp fits a stated timestamp."""
    if isinstance(stated, dict):
        assert isinstance(actual, dict)
        assert actual.keys() == stated.keys()
        for name, value in stated.items():
            assert_fits(actual[name], value)
    elif isinstance(stated, list):
        assert isinstance(actual, list)
        assert len(actual) == len(stated), actual
        for one, other in zip(actual, stated, strict=True):
            assert_fits(one, other)
    elif isinstance(stated, str) and TIMESTAMP.fullmatch(stated):
        assert TIMESTAMP.fullmatch(actual), actual
    elif isinstance(stated, str):
        assert isinstance(actual, str)
        assert re.fullmatch(_pattern(stated), actual), (actual, stated)
    else:
        assert actual == stated


def assert_queries_are_shown(page: Page) -> None:
    """Raises AssertionError unless each query that a command sends is one of the page's graphql blocks."""
    shown = {" ".join(block.split()) for _, block in page.blocks("graphql")}
    sent = {json.loads(query) for _, block in page.blocks("sh") for query in QUERY.findall(block)}
    assert sent == shown


def test_quickstart_runs_as_written(sandbox: Sandbox, tmp_path: Path) -> None:
    merchant = next(one for one in sandbox.credentials["merchants"] if one["adapter"] == "online_shop")
    client = next(one for one in merchant["clients"] if one["profile"] == "baseline")
    person = next(one for one in sandbox.credentials["personas"] if one["username"] == "excellent@demo")
    values = {
        "CLIENT_ID": client["client_id"],
        "CLIENT_SECRET": client["client_secret"],
        "PASSWORD": person["password"],
    }
    page = Page(ROOT / "docs" / "quickstart.md", sandbox, values, tmp_path)
    assert_queries_are_shown(page)
    page.run()


def test_readme_excerpt_and_first_request_are_real(own_sandbox: Sandbox, tmp_path: Path) -> None:
    output = StringIO()
    WebsiteDemo(own_sandbox.credentials, Narrator(Console(file=output))).run()
    excerpt = next(
        block for block in UNNAMED_BLOCK.findall(README.read_text(encoding="utf-8")) if "consent page" in block
    )
    missing = [line for line in excerpt.splitlines() if not re.search(_pattern(line), output.getvalue())]
    assert missing == []

    merchant = next(one for one in own_sandbox.credentials["merchants"] if one["adapter"] == "car_rental")
    page = Page(README, own_sandbox, {"MERCHANT_TOKEN": merchant["merchant_token"]}, tmp_path)
    assert len(list(page.blocks("graphql"))) == 1
    assert_queries_are_shown(page)
    page.run()
