"""tools/environment.py: each missing requirement is reported in one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.checkout import ROOT

SCRIPT = ROOT / "tools" / "environment.py"
OLD = "import sys, runpy; sys.version_info = (3, 9, 1, 'final', 0); runpy.run_path(sys.argv[1], run_name='__main__')"


def _copy(folder: Path) -> Path:
    """A checkout that has only the files that the script reads."""
    for name in ("tools/environment.py", "requirements.lock", "pyproject.toml", "tests/browser/requirements.lock"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((ROOT / name).read_bytes())
    return folder / "tools" / "environment.py"


def _run(*command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *command],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_old_python_is_rejected_with_the_needed_versions(tmp_path: Path) -> None:
    completed = _run("-c", OLD, str(_copy(tmp_path)), PATH=str(tmp_path))

    assert completed.returncode == 1
    assert completed.stderr.startswith("Sesame Gateway needs CPython 3.11, 3.12 or 3.13")
    assert len(completed.stderr.splitlines()) == 1


@pytest.mark.parametrize("missing", ["venv", "ensurepip,pip"], ids=["no venv", "neither ensurepip nor pip"])
def test_missing_module_is_reported_with_the_command_to_install_it(tmp_path: Path, missing: str) -> None:
    broken_modules = tmp_path / "broken_modules"
    broken_modules.mkdir()
    for module in missing.split(","):
        (broken_modules / f"{module}.py").write_text("raise ImportError('not on this machine')")

    completed = _run(str(_copy(tmp_path / "checkout")), PYTHONPATH=str(broken_modules))

    assert completed.returncode == 1
    assert completed.stderr.splitlines()[-1].endswith("apt-get install python3-venv")
    assert "Traceback" not in completed.stderr


def test_existing_environment_is_not_changed() -> None:
    before = (ROOT / ".venv" / "lock.sha256").stat().st_mtime_ns

    completed = _run(str(SCRIPT))

    assert (completed.returncode, completed.stdout) == (0, "")
    assert (ROOT / ".venv" / "lock.sha256").stat().st_mtime_ns == before


@pytest.mark.slow
def test_environment_without_ensurepip_uses_the_callers_pip(tmp_path: Path) -> None:
    broken_modules, script = tmp_path / "broken_modules", _copy(tmp_path / "checkout")
    broken_modules.mkdir()
    (broken_modules / "ensurepip.py").write_text("raise ImportError('not on this machine')")
    (script.parents[1] / "README.md").write_text("")
    (script.parents[1] / "LICENSE").write_text("")
    for package in ("gateway", "schema", "merchants", "migrations"):
        (script.parents[1] / package).mkdir()

    completed = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": str(broken_modules)},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )

    assert completed.returncode == 0, completed.stderr
    probe = [str(script.parents[1] / ".venv" / "bin" / "python"), "-c", "import strawberry, sqlmodel, authlib"]
    assert subprocess.run(probe, check=False).returncode == 0
