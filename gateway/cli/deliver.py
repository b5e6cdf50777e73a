"""`gateway worker`: deliver webhooks in a process that serves nothing."""

import signal
from types import FrameType

from gateway.bootstrap import build
from gateway.cli.console import console, fail
from gateway.settings import read_settings
from gateway.store import sqlite


def worker() -> None:
    """Deliver webhooks until SIGTERM or Ctrl-C, in a process that serves nothing. Needs PostgreSQL.

    A server delivers webhooks too. With GATEWAY_DELIVER_WEBHOOKS=false it leaves them to this command, of which several
    may run."""
    settings = read_settings()
    if settings.database_url.startswith(sqlite.PREFIX):
        fail(
            "gateway worker needs PostgreSQL. A SQLite file has one writing process: the server, which delivers"
            " webhooks itself."
        )
    container = build(settings)

    def stop(_: int, __: FrameType | None) -> None:
        container.deliveries.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    console.print("Delivering webhooks. Stop with Ctrl-C.")
    try:
        container.deliveries.run()
    finally:
        container.close()
