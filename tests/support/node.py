"""Runs programs in Node.js, for tests of third-party clients."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

MARKS = [
    pytest.mark.node,
    pytest.mark.skipif(not (shutil.which("node") and shutil.which("npm")), reason="node and npm are not installed"),
]

INSTALL = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]


@dataclass(frozen=True, slots=True)
class NodeProject:
    """A folder with scripts and the packages that they import."""

    folder: Path

    @classmethod
    def install(cls, folder: Path, files: list[Path]) -> "NodeProject":
        """Creates a folder with these files and the packages of their package-lock.json."""
        draft = folder.with_name(f"{folder.name}.draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        for file in files:
            shutil.copy(file, draft)
        installed = subprocess.run(INSTALL, cwd=draft, check=False, capture_output=True, text=True, timeout=120)
        assert installed.returncode == 0, installed.stderr
        draft.rename(folder)
        return cls(folder)

    def run(self, script: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
        """Runs a script to its end."""
        command = ["node", script, *map(str, arguments)]
        return subprocess.run(command, cwd=self.folder, check=False, capture_output=True, text=True, timeout=180)

    def start(self, script: str, *arguments: object) -> "subprocess.Popen[str]":
        """Starts a script. Its output can be read while it runs."""
        command = ["node", script, *map(str, arguments)]
        return subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run_checks(self, script: str, *arguments: object) -> list[str]:
        """Runs a script and returns its output without the passed checks, and on failure errors and exit code."""
        completed = self.run(script, *arguments)
        print(completed.stdout)
        lines = [line for line in completed.stdout.splitlines() if not line.startswith("ok ")]
        if completed.returncode != 0:
            lines += [*completed.stderr.splitlines(), f"exit code {completed.returncode}"]
        return lines
