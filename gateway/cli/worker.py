"""A worker of `gateway serve --workers N`: one serving process in an interpreter of its own.

    python -m gateway.cli.worker LISTENER CONTROL LOADS METRICS WORKERS NUMBER

The parent (gateway.web.supervisor) passes on four file descriptors: the listening socket, a socket on which the worker
reports that it serves or why it cannot, and the memories with the loads and with the metrics of all WORKERS. NUMBER is
that of its own load and metrics. When the parent has ended, the worker ends as by SIGTERM.
"""

import os
import signal
import socket
import sys
import threading
from contextlib import suppress
from functools import partial

from gateway.bootstrap import build
from gateway.cli.errors import EXPECTED, describe_error
from gateway.cli.serve import server_for, settings_at
from gateway.kit.logging import get_announcer
from gateway.kit.metrics import open_numbers
from gateway.web.accepting import WorkerServer
from gateway.web.metrics import Metrics
from gateway.web.supervisor import FAILED, READY
from gateway.web.worker_loads import WorkerLoads


def main() -> None:
    """Serves until SIGTERM, or until the parent has ended. Exit code 1 if the worker cannot serve."""
    *descriptors, workers, number = map(int, sys.argv[1:])
    listener, control = (_inherited(descriptor) for descriptor in descriptors[:2])
    loads, metrics = WorkerLoads(descriptors[2]), Metrics(open_numbers(descriptors[3], workers, number))
    threading.Thread(target=_end_with_parent, args=(control,), daemon=True).start()
    try:
        settings = settings_at(listener)
        make = partial(WorkerServer, loads=loads, number=number, on_started=lambda: _report(control, READY))
        server = server_for(build(settings), make, metrics)
    except EXPECTED as error:
        _report(control, FAILED + " ".join(describe_error(error).split()).encode())
        sys.exit(1)
    with suppress(KeyboardInterrupt):  # SIGINT to the worker itself: it has ended the server
        server.run(sockets=[listener])


def _inherited(descriptor: int) -> socket.socket:
    inherited = socket.socket(fileno=descriptor)
    inherited.set_inheritable(False)
    return inherited


def _report(control: socket.socket, message: bytes) -> None:
    with suppress(OSError):  # the parent has ended
        control.sendall(message + b"\n")


def _end_with_parent(control: socket.socket) -> None:
    with suppress(OSError):
        control.recv(1)
    get_announcer(__name__).warning("parent_ended")
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
