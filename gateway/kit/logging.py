"""Structured logs: one JSON line per event, on standard error, without secrets and personal data."""

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

_SECRET_NAMES = frozenset(
    {
        *("access_token", "refresh_token", "token", "code", "code_verifier", "password", "client_secret", "secret"),
        *("authorization", "cookie", "request_uri", "assertion", "client_assertion", "proof", "dpop", "nonce"),
        *("device_code", "user_code", "registration_access_token", "jwk", "private_jwk", "valkey_url"),
        *("document", "query", "variables", "username", "score", "tier"),
    }
)


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Replaces the values of members, at any depth, whose names are those of secrets or personal data."""
    return {name: _redacted(name, value) for name, value in event.items()}


def _redacted(name: str, value: Any) -> Any:
    if name.lower() in _SECRET_NAMES:
        return "[redacted]"
    if isinstance(value, Mapping):
        return {str(inner): _redacted(str(inner), item) for inner, item in value.items()}
    return [_redacted("", item) for item in value] if isinstance(value, list | tuple) else value


def configure(level: str) -> None:
    """Configures the logs of the process at `level` ("INFO", "WARNING", ...). Authlib and the HTTP libraries log
    warnings only, because at DEBUG Authlib logs whole token responses."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            redact,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(stream=sys.stderr, level=level, format="%(levelname)s %(name)s: %(message)s")
    for name in ("authlib", "strawberry", "httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)


def get_announcer(name: str) -> Any:
    """Returns a logger that logs at every level, for events of the start that must always be logged."""
    return structlog.wrap_logger(None, wrapper_class=structlog.BoundLogger, module=name)


def get_logger(name: str) -> Any:
    """Returns the logger of a module. The name becomes the member `module`."""
    return structlog.get_logger(module=name)
