"""Makes the virtual environment of this checkout from the hashed lock file, once.

Run by the Makefile with whatever `python3` the machine has, so this file keeps to syntax that Python 3.6 can
read: an interpreter that is too old gets one clear line instead of a syntax error.
"""

import hashlib
import os
import shutil
import subprocess
import sys

OLDEST, NEWEST = (3, 11), (3, 13)
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HOME = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(HOME, "bin", "python")
LOCK = os.path.join(ROOT, "requirements.lock")
STAMP = os.path.join(HOME, "lock.sha256")


def fingerprint():
    """What the environment depends on: the lock, the project file and the interpreter."""
    digest = hashlib.sha256(sys.version.encode())
    for name in (LOCK, os.path.join(ROOT, "pyproject.toml")):
        with open(name, "rb") as file:
            digest.update(file.read())
    digest.update(ROOT.encode())
    return digest.hexdigest()


def usable():
    """An interpreter within the supported range, or None. The running one comes first."""
    if OLDEST <= sys.version_info[:2] <= NEWEST and sys.implementation.name == "cpython":
        return sys.executable
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        found = shutil.which("python3.%d" % minor)
        if found and subprocess.call([found, "-c", "pass"], stderr=subprocess.DEVNULL) == 0:
            return found
    return None


def create(python):
    """A fresh environment, also where the system has no ensurepip: then the caller's pip installs into it."""
    shutil.rmtree(HOME, ignore_errors=True)
    if subprocess.call([python, "-c", "import venv"], stderr=subprocess.DEVNULL):
        sys.exit("This Python has no venv module. On Debian or Ubuntu: apt-get install python3-venv")
    with_pip = subprocess.call([python, "-c", "import ensurepip"], stderr=subprocess.DEVNULL) == 0
    subprocess.check_call([python, "-m", "venv"] + ([] if with_pip else ["--without-pip"]) + [HOME])
    if with_pip:
        return [PYTHON, "-m", "pip"]
    if subprocess.call([python, "-m", "pip", "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        sys.exit("Neither ensurepip nor pip is installed. On Debian or Ubuntu: apt-get install python3-venv")
    return [python, "-m", "pip", "--python", PYTHON]


def main():
    wanted = fingerprint()
    if os.path.exists(STAMP):
        with open(STAMP) as file:
            if file.read() == wanted:
                return
    python = usable()
    if python is None:
        sys.exit(
            "Sesame Gateway needs CPython 3.11, 3.12 or 3.13; this is %s. Name one: make PYTHON=/path/to/python3.12"
            % sys.version.split()[0]
        )
    print("Making .venv from requirements.lock (about a minute, once) ...", flush=True)
    pip = create(python) + ["install", "-qq", "--disable-pip-version-check", "--no-input"]
    steps = (
        pip + ["--require-hashes", "--only-binary", ":all:", "-r", LOCK],
        pip + ["--no-deps", "--no-build-isolation", "-e", ROOT],
    )
    for step in steps:
        if subprocess.call(step, env=dict(os.environ, PIP_ROOT_USER_ACTION="ignore")):
            sys.exit("Installing the locked packages failed; the lines above say why. Nothing was left half made.")
    with open(STAMP, "w") as file:
        file.write(wanted)


if __name__ == "__main__":
    main()
