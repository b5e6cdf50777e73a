"""`python -m tools.documentation`: builds the documentation into .docs/site, unless it is up to date.

With `--after URL` it waits until a server answers there, runs at the lowest priority, and prints at most one line. The
output of the build is in .docs/build.log then.
"""

import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from tools.documentation.build import HOME, BuildFailed, build

WAIT = 120
"""Seconds until the server must answer."""


def is_answered(url: str) -> bool:
    """Returns whether a server answers at the URL with a success."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def build_after(url: str) -> None:
    """Waits for the server, then builds. Says how it ended if the server still answers."""
    deadline = time.monotonic() + WAIT
    while not is_answered(url):
        if time.monotonic() > deadline:
            return
        time.sleep(0.5)
    os.nice(19)
    HOME.mkdir(exist_ok=True)
    log = HOME / "build.log"
    with log.open("w") as output:
        try:
            is_new = build(output)
        except BuildFailed:
            line = f"\nThe documentation could not be built; see {log.relative_to(Path.cwd())}. The sandbox works."
        else:
            line = f"\nThe documentation is built: {url.rpartition('/')[0]}/docs/" if is_new else ""
    if line and is_answered(url):
        print(line, flush=True)


def main() -> None:
    """The command. Exit code 1 if the documentation cannot be built."""
    if "--after" in sys.argv:
        build_after(sys.argv[sys.argv.index("--after") + 1])
        return
    try:
        print("The documentation is built in .docs/site." if build() else "The documentation is up to date.")
    except BuildFailed as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
