"""Creates the virtual environment of this checkout from the hashed lock file, once.

The Makefile runs it with the machine's `python3`. It uses only syntax that every Python version accepts, so that an
interpreter that is too old prints one clear line instead of a syntax error.
"""

import hashlib
import os
import shutil
import subprocess
import sys

OLDEST, NEWEST = (3, 11), (3, 13)
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HOME = os.path.join(ROOT, ".venv")
PROJECT = os.path.join(ROOT, "pyproject.toml")
LOCK = os.path.join(ROOT, "requirements.lock")
BROWSER_LOCK = os.path.join(ROOT, "tests", "browser", "requirements.lock")
FUZZ_LOCK = os.path.join(ROOT, "tests", "fuzz", "requirements.lock")


def fingerprint(*names):
    """Returns a hash of what an installation depends on: these files, the interpreter and the folder."""
    digest = hashlib.sha256((sys.version + ROOT).encode())
    for name in names:
        with open(name, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def is_stamped(stamp, wanted, home=HOME):
    """Returns whether the stamp file in the environment `home` has this content."""
    path = os.path.join(home, stamp)
    if not os.path.exists(path):
        return False
    with open(path) as file:
        return file.read() == wanted


def put_stamp(stamp, wanted, home=HOME):
    with open(os.path.join(home, stamp), "w") as file:
        file.write(wanted)


def find_interpreter():
    """Returns a supported interpreter, preferably the running one, or None."""
    if OLDEST <= sys.version_info[:2] <= NEWEST and sys.implementation.name == "cpython":
        # The base interpreter of a virtual environment, because .venv itself may be deleted.
        return getattr(sys, "_base_executable", sys.executable)
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        path = shutil.which("python3.%d" % minor)
        if path and subprocess.call([path, "-c", "pass"], stderr=subprocess.DEVNULL) == 0:
            return path
    return None


def pip_command(python, home=HOME):
    """Returns the command that installs into the environment `home`, with its own pip or, if it has none, with the pip
    of `python`."""
    own = os.path.join(home, "bin", "python")
    if subprocess.call([own, "-c", "import pip"], stderr=subprocess.DEVNULL) == 0:
        command = [own, "-m", "pip"]
    elif subprocess.call([python, "-c", "import pip"], stderr=subprocess.DEVNULL) == 0:
        command = [python, "-m", "pip", "--python", own]
    else:
        sys.exit("Neither ensurepip nor pip is installed. On Debian or Ubuntu: apt-get install python3-venv")
    return command + ["install", "-qq", "--disable-pip-version-check", "--no-input"]


def create(python, home=HOME):
    """Creates the empty environment `home`, even if the system has no ensurepip."""
    if subprocess.call([python, "-c", "import venv"], stderr=subprocess.DEVNULL):
        sys.exit("This Python has no venv module. On Debian or Ubuntu: apt-get install python3-venv")
    shutil.rmtree(home, ignore_errors=True)
    with_pip = subprocess.call([python, "-c", "import ensurepip"], stderr=subprocess.DEVNULL) == 0
    subprocess.check_call([python, "-m", "venv"] + ([] if with_pip else ["--without-pip"]) + [home])


def install(command):
    if subprocess.call(command, env=dict(os.environ, PIP_ROOT_USER_ACTION="ignore")):
        sys.exit("Installing the locked packages failed; see the lines above. Run the same command again.")


def say(sentence):
    sys.stdout.write(sentence + "\n")
    sys.stdout.flush()


def install_locked(python, lock, stamp, message):
    """Installs the packages of a lock file, unless the stamp says that they are installed."""
    content = fingerprint(lock)
    if not is_stamped(stamp, content):
        say(message)
        install(pip_command(python) + ["--require-hashes", "--only-binary", ":all:", "-r", lock])
        put_stamp(stamp, content)


def main():
    python = find_interpreter() if sys.version_info >= (3, 3) else None
    if python is None:
        sys.exit(
            "Sesame Gateway needs CPython 3.11, 3.12 or 3.13; this is %s. Set one: make PYTHON=/path/to/python3.12"
            % sys.version.split()[0]
        )
    lock, project = fingerprint(LOCK), fingerprint(LOCK, PROJECT)
    if not is_stamped("lock.sha256", lock):
        say("Creating .venv from requirements.lock (once, about a minute) ...")
        create(python)
        install(pip_command(python) + ["--require-hashes", "--only-binary", ":all:", "-r", LOCK])
        put_stamp("lock.sha256", lock)
    if not is_stamped("project.sha256", project):
        install(pip_command(python) + ["--no-deps", "--no-build-isolation", "-e", ROOT])
        put_stamp("project.sha256", project)
    if "--browser" in sys.argv:
        install_locked(python, BROWSER_LOCK, "browser.sha256", "Adding the browser driver ...")
    if "--fuzz" in sys.argv:
        install_locked(python, FUZZ_LOCK, "fuzz.sha256", "Adding schemathesis and gql ...")


if __name__ == "__main__":
    main()
