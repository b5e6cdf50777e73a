"""tools/npm_lock.mjs writes each committed package-lock.json as it is: without addresses, which npm writes."""

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.checkout import ROOT, files, named
from tests.support.node import MARKS
from tests.support.page_blocks import block

pytestmark = MARKS
FOLDERS = [file.parent for file in files() if file.name == "package-lock.json"]
ADDRESSES = {"resolved": "https://packages.example/p.tgz", "funding": {"url": "https://sponsor.example"}}


def write_lock(*folders: Path) -> "subprocess.CompletedProcess[str]":
    program, script, folder = shlex.split(block("CONTRIBUTING.md", "make lock").splitlines()[1], comments=True)
    assert ROOT / folder in FOLDERS
    command = [program, str(ROOT / script), *map(str, folders)]
    environment = {**os.environ, "npm_config_offline": "true"}
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120, env=environment)


@pytest.mark.parametrize("folder", FOLDERS, ids=named)
def test_addresses_are_left_out_of_a_lock(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "package.json", tmp_path)
    committed = (folder / "package-lock.json").read_text(encoding="utf-8")
    lock = json.loads(committed)
    for name, each in lock["packages"].items():
        each |= ADDRESSES if name else {}
    written = tmp_path / "package-lock.json"
    written.write_text(json.dumps(lock), encoding="utf-8")
    done = write_lock(tmp_path)
    assert done.returncode == 0, done.stderr
    assert written.read_text(encoding="utf-8") == committed


def test_without_a_folder_the_usage_is_printed() -> None:
    done = write_lock()
    assert (done.returncode, done.stderr.strip()) == (2, "Usage: node tools/npm_lock.mjs FOLDER ...")
