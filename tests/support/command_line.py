"""Runs commands and servers without loading `gateway.cli` for each: this file, run as a script, loads it once and runs
each in a forked process. Requests and results are JSON, one line each. Loading takes ten times as long as a usual
command, and the tests run hundreds of commands. What a command imports while it runs is loaded for the following
ones."""

import atexit
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NoReturn, TextIO, cast
from unittest.mock import patch

_ROOT = Path(__file__).resolve().parents[2]
LONGEST_RUN = 90
"""Seconds until a command is ended."""
_OF_SERVERS = ("gateway.app", "migrations.runner")


class CommandLine:
    """Runs commands as `python -m gateway` does, one at a time, and starts servers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: subprocess.Popen[str] | None = None

    def run(
        self, arguments: list[str], environment: dict[str, str], stdin: str, folder: Path = _ROOT
    ) -> "subprocess.CompletedProcess[str]":
        """Returns the exit code and output of the command in this folder. `stdin` is its standard input."""
        call = {"arguments": arguments, "environment": environment, "stdin": stdin, "folder": str(folder)}
        result = self._ask(call="run", **call)
        return subprocess.CompletedProcess(["gateway", *arguments], **result)

    def start(self, arguments: list[str], environment: dict[str, str], stdout: Path, stderr: Path) -> int:
        """Starts a command that serves and returns the id of its process. Appends its output to these files."""
        output = {"stdout": str(stdout), "stderr": str(stderr)}
        pid: int = self._ask(call="start", arguments=arguments, environment=environment, **output)["pid"]
        return pid

    def poll(self, pid: int) -> int | None:
        """Returns the exit code of a process of `start`, or None while it runs. After that, its id is not valid."""
        code: int | None = self._ask(call="poll", pid=pid)["returncode"]
        return code

    def close(self) -> None:
        """Ends the loaded program."""
        if self._loaded is not None:
            self._loaded.communicate()
            self._loaded = None

    def _ask(self, **request: Any) -> dict[str, Any]:
        with self._lock:
            loaded = self._loaded or self._load()
            assert loaded.stdin is not None
            assert loaded.stdout is not None
            loaded.stdin.write(json.dumps(request) + "\n")
            loaded.stdin.flush()
            result: dict[str, Any] = json.loads(loaded.stdout.readline())
        return result

    def _load(self) -> "subprocess.Popen[str]":
        command = [sys.executable, "-P", str(Path(__file__))]  # or this folder would shadow the standard library
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._loaded = subprocess.Popen(command, env={**os.environ, "COLUMNS": "200"}, text=True, cwd=_ROOT, **pipes)
        return self._loaded


COMMANDS = CommandLine()
"""The command line that all tests of a process share."""
atexit.register(COMMANDS.close)

_started: dict[int, TextIO] = {}
"""The ids of the processes of `start` that run, with the files that get the names of what they import."""


def _run(arguments: list[str], environment: dict[str, str], stdin: str, folder: str) -> dict[str, Any]:
    """Runs the command in a forked process in this folder and returns its exit code and output."""
    with (
        tempfile.TemporaryFile("w+") as entered,
        tempfile.TemporaryFile("w+") as stdout,
        tempfile.TemporaryFile("w+") as stderr,
        tempfile.TemporaryFile("w+") as imported,
    ):
        entered.write(stdin)
        entered.seek(0)
        gc.freeze()  # the child's garbage collector would copy the pages of all objects
        child = os.fork()
        if child == 0:
            signal.alarm(LONGEST_RUN)  # ends a command that hangs
            os.chdir(folder)
            patch.object(PasswordHash, "recommended", lambda: FAST_HASH).start()  # some commands make ten passwords
            _replace_process(arguments, environment, (entered, stdout, stderr), imported)
        _, status = os.waitpid(child, 0)
        for file in (stdout, stderr):
            file.seek(0)
        _import_listed(imported)
        return {"returncode": os.waitstatus_to_exitcode(status), "stdout": stdout.read(), "stderr": stderr.read()}


def _start(arguments: list[str], environment: dict[str, str], stdout: str, stderr: str) -> dict[str, Any]:
    """Starts the command in a forked process and returns its id."""
    _import(_OF_SERVERS)
    imported = tempfile.TemporaryFile("w+")  # noqa: SIM115  # `_poll` closes it
    gc.freeze()
    child = os.fork()
    if child == 0:
        with Path(os.devnull).open() as nothing, Path(stdout).open("a") as out, Path(stderr).open("a") as log:
            _replace_process(arguments, environment, (nothing, out, log), imported)
    _started[child] = imported
    return {"pid": child}


def _poll(pid: int) -> dict[str, Any]:
    """Returns the exit code of a started process, None while it runs."""
    ended, status = os.waitpid(pid, os.WNOHANG)
    if not ended:
        return {"returncode": None}
    with _started.pop(pid) as imported:
        _import_listed(imported)
    return {"returncode": os.waitstatus_to_exitcode(status)}


def _import_listed(imported: TextIO) -> None:
    """Imports the modules that a command has imported, if they have names: migrations, for example, have none."""
    imported.seek(0)
    _import(imported.read().split())


def _import(names: Iterable[str]) -> None:
    for name in names:
        with suppress(ImportError):
            importlib.import_module(name)


def _replace_process(
    arguments: list[str], environment: dict[str, str], streams: tuple[TextIO, TextIO, TextIO], imported: TextIO
) -> NoReturn:
    """Runs the command with these standard streams, and ends the process with its exit code, as the interpreter does.
    Writes the names of the modules that the command has imported from the project and the interpreter to `imported`."""
    loaded = set(sys.modules)
    for number, file in enumerate(streams):
        os.dup2(file.fileno(), number)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    sys.argv = ["gateway", *arguments]
    if encoding := environment.get("PYTHONIOENCODING"):  # an interpreter reads it at its start
        for stream in (sys.stdout, sys.stderr):
            cast("TextIOWrapper", stream).reconfigure(encoding=encoding)
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
    import typer.main
    from pwdlib import PasswordHash

    from gateway import cli
    from tests.support.passwords import FAST_HASH

    # Making the tree of all commands takes as long as running one of them, so the forked processes share it.
    patch.object(typer.main, "get_command", partial(dict.get, {cli.app: typer.main.get_command(cli.app)})).start()

    calls: dict[str, Callable[..., dict[str, Any]]] = {"run": _run, "start": _start, "poll": _poll}
    for line in sys.stdin:
        request: dict[str, Any] = json.loads(line)
        sys.stdout.write(json.dumps(calls[request.pop("call")](**request)) + "\n")
        sys.stdout.flush()
