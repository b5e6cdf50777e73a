"""Health checks: whether the process is up, and whether it can serve."""

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

_HEADERS = {"Cache-Control": "no-store"}


def health_routes(ping: Callable[[], None]) -> list[Route]:
    """GET /healthz: 200 while the process answers. GET /readyz: 200 when `ping` returns, 503 when it raises."""

    async def alive(_: Request) -> Response:
        return JSONResponse({"status": "ok"}, headers=_HEADERS)

    async def ready(_: Request) -> Response:
        try:
            await run_in_threadpool(ping)
        except Exception:  # noqa: BLE001 - a database fails in many ways, and all of them mean "not now"
            return JSONResponse({"status": "unavailable"}, 503, headers=_HEADERS)
        return JSONResponse({"status": "ok"}, headers=_HEADERS)

    return [Route("/healthz", alive), Route("/readyz", ready)]
