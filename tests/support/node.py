"""Runs programs for Node.js: what tests of foreign clients share."""

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
        """A new folder with these files, and the packages that the lock among them names."""
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
        """Starts a script; what it prints can be read as it comes."""
        command = ["node", script, *map(str, arguments)]
        return subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def checked(self, script: str, *arguments: object) -> list[str]:
        """What a script printed beside the checks that were right: failed ones, why it ended early, their count."""
        ran = self.run(script, *arguments)
        print(ran.stdout)
        lines = [line for line in ran.stdout.splitlines() if not line.startswith("ok ")]
        return lines if ran.returncode == 0 else [*lines, *ran.stderr.splitlines(), f"exit code {ran.returncode}"]
