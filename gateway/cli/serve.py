"""`gateway serve`: run the server of a deployment, in this process or in several workers."""

import errno
import gc
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from starlette.applications import Starlette
from uvicorn.importer import import_from_string

from gateway.bootstrap import build
from gateway.cli.addresses import HOST, describe_addresses, local_issuer, warn_about_issuer
from gateway.cli.console import console, fail, require_file
from gateway.kit import logging
from gateway.kit.deadline import Deadlines
from gateway.kit.metrics import SharedNumbers, create_numbers
from gateway.services.container import Container
from gateway.settings import Settings, read_settings
from gateway.store import sqlite
from gateway.web.connections import BACKLOG
from gateway.web.http_server import Server
from gateway.web.metrics import TABLE, Metrics, MetricsServer
from gateway.web.supervisor import Supervisor, WorkersFailed

MOST_WORKERS = 64
"""A worker keeps one core busy, and opens connections to the database of which PostgreSQL accepts 100 by default. More
workers than this are a mistyped number, or belong on several machines."""


def serve(
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 8000,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = HOST,
    workers: Annotated[
        int,
        typer.Option(
            help="Number of serving processes, one for each core. More than one needs PostgreSQL and Valkey.",
            min=1,
            max=MOST_WORKERS,
        ),
    ] = 1,
) -> None:
    """Run the server, and print its address and issuer. Environment variables configure it.

    First: gateway database upgrade. The settings are listed in docs/reference/settings.md. The log is written to
    standard error, one JSON object a line. With several workers, this process starts them, replaces one that dies, and
    ends all of them at SIGTERM."""
    settings = read_settings()
    if workers > 1:
        _require_shared_state(settings, workers)
    require_file(settings.database_url)
    listener = listen(host, port)
    settings = settings_at(listener)
    if workers > 1:
        _supervise(listener, settings, workers)
        return
    metrics = metrics_for(settings)
    server = server_for(build(settings), metrics=metrics)
    _print_addresses(listener, settings)
    server.run(sockets=[listener])


def _require_shared_state(settings: Settings, workers: int) -> None:
    """Ends the command unless several workers can serve with these settings."""
    if sys.platform == "win32":
        fail(f"--workers {workers}: several workers need an operating system with file descriptors. Use --workers 1.")
    if settings.database_url.startswith(sqlite.PREFIX):
        fail(
            f"--workers {workers}: several workers need PostgreSQL, because a SQLite file has one writing process. Set"
            " GATEWAY_DATABASE_URL=postgresql://USER@HOST/NAME, or use --workers 1."
        )
    if settings.valkey_url is None:
        fail(
            f"--workers {workers}: several workers need a Valkey. Without it a proof that was used at one works again"
            " at another, and each counts its own guesses. Set GATEWAY_VALKEY_URL, or use --workers 1."
        )


def metrics_for(settings: Settings) -> Metrics:
    """Returns the metrics of a server of one process. Serves them as `_serve_metrics` does."""
    numbers = create_numbers(TABLE.size)
    _serve_metrics(settings, numbers)
    return Metrics(numbers)


def _serve_metrics(settings: Settings, numbers: SharedNumbers) -> None:
    """Serves the metrics at their address, if the settings have one. Ends the command if it cannot be used."""
    if settings.metrics_endpoint is not None:
        MetricsServer(listen(*settings.metrics_endpoint), numbers).start()


def _supervise(listener: socket.socket, settings: Settings, workers: int) -> None:
    """Runs workers until they have ended. The application is not loaded in this process: its threads and keys exist in
    the workers only. The metrics of all workers are served by this process."""
    logging.configure(settings.log_level)
    supervisor = Supervisor(_worker_command(), listener, workers, settings.shutdown_grace.total_seconds())
    _serve_metrics(settings, supervisor.metrics)
    try:
        supervisor.run(lambda: _print_addresses(listener, settings))
    except WorkersFailed as failed:
        fail(str(failed))


def _worker_command() -> list[str]:
    """Returns the command of a worker, which imports the same packages as this process."""
    here = {"", str(Path.cwd())}
    options = [] if here & set(sys.path) else ["-P"]  # a folder named `schema` in the working directory is not ours
    return [sys.executable, *options, "-m", "gateway.cli.worker"]


def settings_at(listener: socket.socket) -> Settings:
    """Returns the environment's settings. The issuer of a sandbox is the address of the listener, unless it is set."""
    settings = read_settings()
    if settings.sandbox and "issuer" not in settings.model_fields_set:
        return settings.model_copy(update={"issuer": local_issuer(listener)})
    return settings


def _print_addresses(listener: socket.socket, settings: Settings) -> None:
    console.print(describe_addresses(listener, settings))
    warn_about_issuer(listener, settings)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, so that a busy port is an error before anything else is done. Port 0 takes a free one."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            fail(f"Port {port} is in use. Choose another one with --port (with make: PORT=...).")
        reason = "it is not an address of this machine" if isinstance(error, socket.gaierror) else error.strerror
        fail(f"Cannot listen on {host}, port {port}: {reason}.")
    listener.listen(BACKLOG)
    return listener


def server_for(
    container: Container,
    make: Callable[[Starlette, Settings, Deadlines], Server] = Server,
    metrics: Metrics | None = None,
) -> Server:
    """A server of one process, made by `make`, which counts in `metrics`. The application is imported by its name, as
    by uvicorn's own command line, because `gateway.cli` and `gateway.app` do not import each other. No access log is
    written: it would contain query strings. Proxy headers are read only from the trusted proxies of the settings;
    without one of them, the address of a request is that of the connection."""
    app: Starlette = import_from_string("gateway.app:create_app")(container, metrics)
    gc.freeze()  # the application stays until the end, so the garbage collector need not search it
    return make(app, container.settings, container.deadlines)
