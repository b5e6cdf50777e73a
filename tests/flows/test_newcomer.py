"""From a copy of the repository to the first decision, by the commands of README.md, on a machine without an
environment."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.page_blocks import block
from tests.support.partner_time import until
from tests.support.server import bare_environment, free_port

ROOT = Path(__file__).parents[2]
MOST_COMMANDS = 10
INSTALLS_WITHIN = 400.0


def commands(text: str) -> list[str]:
    """The commands of a block, without comments."""
    return [line.partition("  #")[0].strip() for line in text.splitlines()]


@contextmanager
def started(command: str, folder: Path, environment: dict[str, str]) -> Iterator[Path]:
    """Runs a command beside the block, with its output in a file. Ends its whole process group after that."""
    output = folder / "output.txt"
    with output.open("wb") as file:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            cwd=folder,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield output
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


@pytest.mark.slow
def test_documented_commands_lead_to_a_first_decision(tmp_path: Path) -> None:
    copy, port = tmp_path / "sesame", free_port()
    clone = ["git", "clone", "--quiet", f"file://{ROOT}", str(copy)]
    run, *_ = commands(block("README.md", "make run"))
    own = commands(block("README.md", "cp docs/examples/first_decision.sh"))
    assert run == "make run"
    assert len(["git clone", "cd", run, *own]) <= MOST_COMMANDS
    subprocess.run(clone, check=True)
    environment = bare_environment()
    for name in ("VIRTUAL_ENV", "MAKEFLAGS"):  # of the run of the tests
        environment.pop(name, None)
    with started(f"{run} PORT={port}", copy, environment) as output:
        until(output.read_text, lambda text: "The sandbox is running." in text, INSTALLS_WITHIN)
        for command in own:
            completed = subprocess.run(
                ["/bin/sh", "-c", command], cwd=copy, env=environment, capture_output=True, text=True, check=False
            )
            assert completed.returncode == 0, completed.stderr
    assert re.fullmatch(r"Tier: EXCELLENT\nDecision: dec_test_\w+ APPROVED\nCANCELLED\n", completed.stdout)
