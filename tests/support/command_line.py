"""Runs commands without loading `gateway.cli` for each: this file, run as a script, loads it once and runs each command
in a forked process. Requests and results are JSON, one line each. Loading takes ten times as long as a usual command,
and the tests run hundreds of commands. What a command imports while it runs is loaded for the following ones."""

import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

_ROOT = Path(__file__).resolve().parents[2]
LONGEST_RUN = 90
"""Seconds until a command is ended."""


class CommandLine:
    """Runs commands as `python -m gateway` does, one at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: subprocess.Popen[str] | None = None

    def run(self, arguments: list[str], environment: dict[str, str], stdin: str) -> "subprocess.CompletedProcess[str]":
        """Returns the exit code and output of the command. `stdin` is its standard input."""
        request = {"arguments": arguments, "environment": environment, "stdin": stdin}
        with self._lock:
            loaded = self._loaded or self._load()
            assert loaded.stdin is not None
            assert loaded.stdout is not None
            loaded.stdin.write(json.dumps(request) + "\n")
            loaded.stdin.flush()
            result: dict[str, Any] = json.loads(loaded.stdout.readline())
        return subprocess.CompletedProcess(["gateway", *arguments], **result)

    def close(self) -> None:
        """Ends the loaded program."""
        if self._loaded is not None:
            self._loaded.communicate()
            self._loaded = None

    def _load(self) -> "subprocess.Popen[str]":
        command = [sys.executable, "-P", str(Path(__file__))]  # or this folder would shadow the standard library
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._loaded = subprocess.Popen(command, env={**os.environ, "COLUMNS": "200"}, text=True, cwd=_ROOT, **pipes)
        return self._loaded


def _run(request: dict[str, Any]) -> dict[str, Any]:
    """Runs the command of a request in a forked process and returns its exit code and output."""
    with (
        tempfile.TemporaryFile("w+") as stdin,
        tempfile.TemporaryFile("w+") as stdout,
        tempfile.TemporaryFile("w+") as stderr,
        tempfile.TemporaryFile("w+") as imported,
    ):
        stdin.write(request["stdin"])
        stdin.seek(0)
        gc.freeze()  # the child's garbage collector would copy the pages of all objects
        child = os.fork()
        if child == 0:
            for number, file in enumerate((stdin, stdout, stderr)):
                os.dup2(file.fileno(), number)
            _replace_process(request["arguments"], request["environment"], imported)
        _, status = os.waitpid(child, 0)
        for file in (stdout, stderr, imported):
            file.seek(0)
        _import(imported.read().split())
        return {"returncode": os.waitstatus_to_exitcode(status), "stdout": stdout.read(), "stderr": stderr.read()}


def _import(names: Iterable[str]) -> None:
    """Imports the modules, except those that have no importable name, such as migrations."""
    for name in names:
        with suppress(ImportError):
            importlib.import_module(name)


def _replace_process(arguments: list[str], environment: dict[str, str], imported: TextIO) -> None:
    """Runs the command and ends the process with its exit code, as the interpreter does. Writes the names of the
    modules that the command has imported from the project and the interpreter to `imported`."""
    loaded = set(sys.modules)
    signal.alarm(LONGEST_RUN)  # ends a command that hangs
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    sys.argv = ["gateway", *arguments]
    code: Any = 1
    try:
        cli.main()
        code = 0
    except SystemExit as end:
        code = end.code
    except BaseException as error:  # noqa: BLE001  # the interpreter prints any exception
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        imported.write("\n".join(filter(_is_installed, set(sys.modules) - loaded)))
        imported.flush()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 0 if code is None else 1)


def _is_installed(module: str) -> bool:
    """Whether the module belongs to the project or the interpreter, and not to a package of one test."""
    origin = getattr(getattr(sys.modules[module], "__spec__", None), "origin", None)
    return str(origin).startswith((str(_ROOT), sys.prefix, sys.base_prefix))


if __name__ == "__main__":
    sys.path.insert(0, str(_ROOT))
    from gateway import cli

    for line in sys.stdin:
        sys.stdout.write(json.dumps(_run(json.loads(line))) + "\n")
        sys.stdout.flush()
