"""The commands of `make` in CONTRIBUTING.md, README.md and docs/performance.md exist, those of pytest select tests."""

import re
import shlex
import subprocess
import sys

import pytest

from tests.support.checkout import ROOT
from tests.support.page_blocks import block
from tools.bench.__main__ import parse
from tools.bench.registry import ALL
from tools.bench.scenarios import SCENARIOS


@pytest.mark.parametrize(
    "text",
    [
        block("CONTRIBUTING.md", "make run"),
        block("CONTRIBUTING.md", "make lock"),
        block("README.md", "make run"),
        block("docs/performance.md", "make bench"),
    ],
)
def test_targets_exist(text: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    used = {shlex.split(line)[1] for line in text.splitlines() if line.startswith("make ")}
    assert used
    assert used - targets == set()


def test_options_of_the_benchmark_are_known() -> None:
    for line in block("docs/performance.md", "make bench").splitlines():
        options = [each.removeprefix("OPTIONS=") for each in shlex.split(line)[2:]]
        parsed = parse(shlex.split(" ".join(options)))
        assert parsed.peers == "all" or set(parsed.peers.split(",")) <= {peer.name for peer in ALL}
        assert parsed.scenario == "all" or set(parsed.scenario.split(",")) <= set(SCENARIOS)


@pytest.mark.slow
def test_commands_select_tests() -> None:
    for line in block("CONTRIBUTING.md", ".venv/bin/python -m pytest").splitlines():
        command = [sys.executable, *line.split()[1:], "--collect-only", "-q"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout
