"""Health checks: whether the process runs, and whether it can serve requests.

Each check of readiness runs on a thread of its own, so that it waits neither for requests nor for another check, and a
check that hangs neither holds up the response nor the end of the process.
"""

import threading
import time
from collections.abc import Callable, Sequence

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.kit.logging import get_logger
from gateway.kit.outage import Outage
from gateway.store.outages import code_member

LONGEST = 3.0
"""Seconds after which a check that has not ended has failed."""

FRESH = 1.0
"""Seconds for which the result of a check is used again, so that frequent requests cost nothing."""

TOO_SLOW = "NO_REPLY"
_POLL = 0.01
_HEADERS = {"Cache-Control": "no-store"}
_log = get_logger(__name__)


Steps = Sequence[tuple[str, Callable[[], None]]]
"""What one thread checks, in this order: names and functions that raise if the process is not ready."""


class NotReady(Exception):
    """A check has failed for another reason than an outage. `code` is shown."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _Check:
    """The steps of one thread. Only one run of them is in progress at a time."""

    def __init__(self, steps: Steps, longest: float, fresh: float) -> None:
        self._steps, self._longest, self._fresh = steps, longest, fresh
        self._lock, self._running = threading.Lock(), False
        self._began = self._ended = float("-inf")
        self._step, self._failure = "", dict[str, str]()

    async def failure(self) -> dict[str, str]:
        """The name of the step that fails, with the code of its failure. Empty if none fails."""
        with self._lock:
            if not self._running and time.monotonic() - self._ended >= self._fresh:
                self._running, self._began, self._step = True, time.monotonic(), self._steps[0][0]
                threading.Thread(target=self._run, name=f"check {self._step}", daemon=True).start()
        while self._running:
            if time.monotonic() >= self._began + self._longest:
                return {self._step: TOO_SLOW}
            await anyio.sleep(_POLL)
        return self._failure

    def _run(self) -> None:
        failure: dict[str, str] = {}
        for name, step in self._steps:
            self._step = name
            try:
                step()
            except (Outage, NotReady) as error:
                failure = {name: error.code}
            except Exception as error:  # noqa: BLE001  # whatever it is, the process is not ready
                failure = {name: code_member(error).get("database_code", type(error).__name__)}
            if failure:
                break
        if failure != self._failure:
            _log.warning("readiness_changed", not_ready=failure)
        with self._lock:
            self._failure, self._ended, self._running = failure, time.monotonic(), False


class Readiness:
    """Whether the process can serve requests. A run of the checks that is younger than `fresh` seconds is used again;
    one that takes longer than `longest` seconds has failed."""

    def __init__(self, checks: Sequence[Steps], *, longest: float = LONGEST, fresh: float = FRESH) -> None:
        self._checks = [_Check(steps, longest, fresh) for steps in checks]

    async def failures(self) -> dict[str, str]:
        """The names of what is not ready, with the code of each failure: an SQLSTATE, the name of an SQLite error, or
        another word. Empty if all is ready."""
        found: dict[str, str] = {}

        async def add(check: _Check) -> None:
            found.update(await check.failure())

        async with anyio.create_task_group() as tasks:
            for check in self._checks:
                tasks.start_soon(add, check)
        return found

    def routes(self) -> list[Route]:
        """GET /healthz: always 200. GET /readyz: 200 if all is ready, otherwise 503 with `failures`."""

        async def alive(_: Request) -> Response:
            return JSONResponse({"status": "ok"}, headers=_HEADERS)

        async def ready(_: Request) -> Response:
            failures = await self.failures()
            if failures:
                return JSONResponse({"status": "unavailable", "not_ready": failures}, 503, headers=_HEADERS)
            return JSONResponse({"status": "ok"}, headers=_HEADERS)

        return [Route("/healthz", alive), Route("/readyz", ready)]
