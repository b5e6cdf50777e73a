"""Health checks: whether the process runs, and whether it can serve requests."""

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

_HEADERS = {"Cache-Control": "no-store"}


def health_routes(ping: Callable[[], None]) -> list[Route]:
    """GET /healthz: always 200. GET /readyz: 200 if `ping` returns, 503 if it raises."""

    async def alive(_: Request) -> Response:
        return JSONResponse({"status": "ok"}, headers=_HEADERS)

    async def ready(_: Request) -> Response:
        try:
            await run_in_threadpool(ping)
        except Exception:  # noqa: BLE001  # whatever the database raises, the process is not ready
            return JSONResponse({"status": "unavailable"}, 503, headers=_HEADERS)
        return JSONResponse({"status": "ok"}, headers=_HEADERS)

    return [Route("/healthz", alive), Route("/readyz", ready)]
