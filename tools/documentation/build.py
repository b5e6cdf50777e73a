"""Builds the documentation with MkDocs Material, in an environment of its own: .docs/environment. The pages are in
.docs/site, the Chinese ones in its folder zh."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import IO

from tools import environment

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".docs"
SITE = HOME / "site"
_STAMP = HOME / "site.sha256"
_LOCK = ROOT / "docs" / "requirements.lock"
_TOOLS = Path(__file__).resolve().parent
_SOURCES = ("docs", "tools/documentation", "schema/gateway.graphql", "schema/sandbox.graphql")
_PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "merchants/README.md", "tests/README.md")


class BuildFailed(Exception):
    """The environment could not be installed, or MkDocs reported an error or a warning, for example a dead link."""


def build(output: IO[str] | None = None) -> bool:
    """Builds the documentation. Returns False if it was up to date. `output` gets what the commands print, by default
    the terminal. A second build waits for the first one. Raises BuildFailed."""
    HOME.mkdir(exist_ok=True)
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = _fingerprint()
        if SITE.exists() and _STAMP.exists() and _STAMP.read_text() == wanted:
            return False
        python = _install(output)
        new = HOME / "site.new"
        shutil.rmtree(new, ignore_errors=True)
        for configuration, folder in (("mkdocs.yml", new), ("mkdocs.zh.yml", new / "zh")):
            options = ["build", "--strict", "--quiet", "-f", str(_TOOLS / configuration), "-d", str(folder)]
            _run([python, "-m", "mkdocs", *options], output)
        _replace(new)
        _STAMP.write_text(wanted)
        return True


def _install(output: IO[str] | None) -> str:
    """Returns the interpreter of the environment, which has the packages of the lock file."""
    home, python = str(HOME / "environment"), str(HOME / "environment" / "bin" / "python")
    wanted = environment.fingerprint(str(_LOCK))
    if not environment.is_stamped("docs.sha256", wanted, home):
        print("Creating .docs/environment from docs/requirements.lock (once) ...", file=output, flush=True)
        environment.create(sys.executable, home)
        command = environment.pip_command(sys.executable, home)
        _run([*command, "--require-hashes", "--only-binary", ":all:", "-r", str(_LOCK)], output)
        environment.put_stamp("docs.sha256", wanted, home)
    return python


def _run(command: list[str], output: IO[str] | None) -> None:
    variables = {**os.environ, "PIP_ROOT_USER_ACTION": "ignore", "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"}
    if subprocess.run(command, env=variables, stdout=output, stderr=output, check=False).returncode:
        raise BuildFailed("The documentation was not built; see the lines above.")


def _replace(new: Path) -> None:
    """Puts the new pages in the place of the old ones."""
    old = HOME / "site.old"
    shutil.rmtree(old, ignore_errors=True)
    if SITE.exists():
        SITE.rename(old)
    new.rename(SITE)
    shutil.rmtree(old, ignore_errors=True)


def _fingerprint() -> str:
    """A hash of everything that the pages are made from."""
    digest = hashlib.sha256(sys.version.encode())
    for name in (*_SOURCES, *_PAGES):
        path = ROOT / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(file.relative_to(ROOT).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()
