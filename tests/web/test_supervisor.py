"""The parent of several workers, with real processes: small programs that report as a worker does."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.checkout import ROOT
from tests.support.partner_time import until
from tests.support.processes import is_running, send

PARENT = """
import socket, sys
from gateway.kit import logging
from gateway.web import supervisor
logging.configure("INFO")
supervisor.FIRST_DELAY = supervisor.RETRY_AFTER = 0.02
_, worker, count, grace = sys.argv
command = [worker] if worker.startswith("/") else [sys.executable, "-S", "-c", worker]
workers = supervisor.Supervisor(command, socket.create_server(("127.0.0.1", 0)), int(count), float(grace))
try:
    workers.run(lambda: print("started", flush=True))
except supervisor.WorkersFailed as failed:
    print(failed)
    sys.exit(1)
"""
BEGIN = """
import os, signal, socket, sys
control = socket.socket(fileno=int(sys.argv[2]))
os.write(1, f"worker {os.getpid()}\\n".encode())
"""
SERVE = "control.sendall(b'ready\\n')\ncontrol.recv(1)"
SERVING = BEGIN + SERVE
ENDING = BEGIN + "control.sendall(b'ready\\n')\nsys.exit(7)"
REFUSING = BEGIN + "control.sendall('failed The schlüssel does not fit.\\n'.encode())\nsys.exit(1)"
STAYING = BEGIN + f"signal.signal(signal.SIGTERM, lambda *_: os.write(1, b'asked\\n'))\n{SERVE}"
"""The programs of workers. `recv` returns when the parent has ended. The last one does not end at SIGTERM."""


def refusing_during(outage: Path) -> str:
    """The program of a worker that cannot start while the file exists."""
    return f"""{BEGIN}
if os.path.exists({str(outage)!r}):
    control.sendall(b'failed No database.\\n')
    sys.exit(1)
{SERVE}"""


class Parent:
    """A parent of `count` workers with this program, which may take `grace` seconds to end."""

    def __init__(self, folder: Path, worker: str, count: int = 2, grace: float = 10) -> None:
        self._out, self._err = folder / "out", folder / "err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PARENT, worker, str(count), str(grace)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=ROOT,
            )

    @property
    def lines(self) -> list[str]:
        """The whole lines of its output, without those of the workers."""
        return [line for line in self._out.read_text().splitlines() if not line.startswith("worker ")]

    @property
    def workers(self) -> list[int]:
        """The workers that it has started so far."""
        lines = self._out.read_text().splitlines(keepends=True)
        return [int(line.split()[1]) for line in lines if line.startswith("worker ") and line.endswith("\n")]

    @property
    def log(self) -> list[dict[str, Any]]:
        """The lines of its log, without those that are the same in every test."""
        return [json.loads(line) for line in self._err.read_text().splitlines()]

    def events(self, name: str) -> list[dict[str, Any]]:
        return [line for line in self.log if line["event"] == name]

    def wait_for_start(self) -> list[int]:
        """Waits until all workers serve. Returns them."""
        until(lambda: self.lines, lambda lines: "started" in lines)
        return self.workers

    def end(self) -> tuple[int, list[int]]:
        """Waits until the parent has ended. Returns its exit code and the workers that still run."""
        code = self.process.wait(timeout=30)
        return code, [pid for pid in self.workers if is_running(pid)]


Starter = Callable[..., Parent]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    parents: list[Parent] = []

    def begin(worker: str, **options: Any) -> Parent:
        parents.append(Parent(tmp_path, worker, **options))
        return parents[-1]

    yield begin
    for parent in parents:
        parent.process.kill()
        parent.process.wait()
        for pid in parent.workers:
            send(pid, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_to_the_parent_ends_all_workers(start: Starter, number: signal.Signals) -> None:
    parent = start(SERVING, count=3)
    assert len(parent.wait_for_start()) == 3
    parent.process.send_signal(number)
    assert parent.end() == (0, [])
    assert (parent.lines, parent.log) == (["started"], [])


def test_killed_worker_is_replaced(start: Starter) -> None:
    parent = start(SERVING)
    first, second = parent.wait_for_start()
    send(first, signal.SIGKILL)
    until(lambda: parent.workers, lambda workers: len(workers) == 3)
    (line,) = parent.events("worker_ended")
    assert (line["worker"], line["ended"], line["starts_again_in"]) == (first, "by SIGKILL", 0)
    assert line["pid"] == parent.process.pid
    assert is_running(second)
    parent.process.terminate()
    assert parent.end() == (0, [])
    assert parent.lines == ["started"], "it says once that it has started"


def test_workers_that_die_again_and_again_end_the_parent(start: Starter) -> None:
    parent = start(ENDING)
    assert parent.end() == (1, [])
    (sentence,) = [line for line in parent.lines if line != "started"]
    assert sentence.startswith("Workers have ended 6 times within 60 seconds, the last one with exit code 7.")
    assert [line["starts_again_in"] for line in parent.events("worker_ended")] == [0, 0, 0.02, 0.04, 0.08]


def test_workers_that_cannot_start_end_the_parent_with_one_sentence(start: Starter) -> None:
    parent = start(REFUSING, count=3)
    assert parent.end() == (1, [])
    assert (parent.lines, parent.log) == (["The schlüssel does not fit."], [])


def test_worker_that_ends_before_it_serves_is_named(start: Starter) -> None:
    parent = start(BEGIN + "os.kill(os.getpid(), signal.SIGSEGV)")
    assert parent.end() == (1, [])
    assert parent.lines == ["A worker could not start: it ended by SIGSEGV."]


def test_command_that_cannot_be_run_is_named(start: Starter) -> None:
    parent = start("/no/such/program")
    assert parent.end() == (1, [])
    assert parent.lines == ["No process could be started: No such file or directory."]


def test_worker_that_cannot_start_again_is_retried_while_others_serve(start: Starter, tmp_path: Path) -> None:
    outage = tmp_path / "outage"
    parent = start(refusing_during(outage))
    first, second = parent.wait_for_start()
    outage.touch()
    send(first, signal.SIGKILL)
    until(lambda: parent.events("worker_not_started"), lambda lines: len(lines) > 8)
    assert {line["message"] for line in parent.events("worker_not_started")} == {"No database."}
    assert is_running(second)
    outage.unlink()
    until(lambda: [pid for pid in parent.workers if is_running(pid)], lambda running: len(running) == 2)
    parent.process.terminate()
    assert parent.end() == (0, [])


def test_outage_without_any_worker_ends_the_parent(start: Starter, tmp_path: Path) -> None:
    outage = tmp_path / "outage"
    parent = start(refusing_during(outage))
    workers = parent.wait_for_start()
    outage.touch()
    for pid in workers:
        send(pid, signal.SIGKILL)
    assert parent.end() == (1, [])
    assert parent.lines == ["started", "No database."]


def test_worker_that_does_not_end_is_killed_after_its_time(start: Starter) -> None:
    parent = start(STAYING, grace=0.1)
    workers = parent.wait_for_start()
    parent.process.terminate()
    assert parent.end() == (0, [])
    assert [sorted(line["workers"]) for line in parent.events("workers_killed")] == [sorted(workers)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_second_signal_does_not_wait(start: Starter, number: signal.Signals) -> None:
    parent = start(STAYING, grace=600)
    parent.wait_for_start()
    parent.process.send_signal(number)
    until(lambda: parent.lines, lambda lines: lines.count("asked") == 2)
    parent.process.send_signal(number)
    assert parent.end() == (0, [])


def test_workers_notice_that_their_parent_was_killed(start: Starter) -> None:
    parent = start(SERVING, count=3)
    workers = parent.wait_for_start()
    parent.process.kill()
    until(lambda: [pid for pid in workers if is_running(pid)], lambda running: running == [])


def test_hangup_without_a_terminal_is_ignored(start: Starter) -> None:
    parent = start(SERVING)
    workers = parent.wait_for_start()
    parent.process.send_signal(signal.SIGHUP)
    until(lambda: parent.events("sighup_ignored"), lambda lines: len(lines) == 1)
    assert all(is_running(pid) for pid in workers)
    parent.process.terminate()
    assert parent.end() == (0, [])
