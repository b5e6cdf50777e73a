"""Runs a compared server with uvicorn, one process, without access log."""

import argparse
from typing import Any

import uvicorn


def arguments(*flags: str) -> argparse.Namespace:
    """Returns port and database of the command line, and these flags."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database", required=True)
    for flag in flags:
        parser.add_argument(flag, action="store_true")
    return parser.parse_args()


def serve(application: Any, port: int) -> None:
    """Serves until SIGTERM, with uvloop and httptools."""
    uvicorn.run(application, host="127.0.0.1", port=port, access_log=False, log_level="warning", lifespan="off")
