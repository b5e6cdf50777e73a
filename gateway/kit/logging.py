"""Structured logs: one JSON line per event, on standard error, without secrets and personal data."""

import logging
import os
import re
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

import structlog

from gateway.kit.context_values import ContextValue

_SECRET_NAMES = frozenset(
    {
        *("access_token", "refresh_token", "token", "code_verifier", "password", "client_secret", "secret"),
        *("authorization", "cookie", "request_uri", "assertion", "client_assertion", "proof", "dpop", "nonce"),
        *("device_code", "user_code", "registration_access_token", "jwk", "private_jwk", "valkey_url"),
        *("document", "query", "variables", "username", "score", "tier"),
    }
)
_CODE = "code"
_ERROR_CODE = re.compile(r"[A-Z_]{1,64}|[a-z_]{1,64}|[0-9]{1,5}")
"""The form of an error code: letters of one case, or a short number. An authorization code mixes them."""

_SECRET_VALUE = re.compile(r"sgw_(?:test_)?[a-z]+_[A-Za-z0-9_-]+")
"""Tokens, codes and client secrets of this gateway begin so, wherever they are."""

_REDACTED = "[redacted]"

_members: ContextVar[Mapping[str, str]] = ContextVar("members", default=MappingProxyType({}))


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Replaces the values of members, at any depth, whose names are those of secrets or personal data, and secrets of
    this gateway within any text. A member `code` keeps an error code, and no other value."""
    return {name: _redacted(name, value) for name, value in event.items()}


def _redacted(name: str, value: Any) -> Any:
    if name.lower() in _SECRET_NAMES or (name.lower() == _CODE and not _ERROR_CODE.fullmatch(str(value))):
        return _REDACTED
    if isinstance(value, str):
        return _SECRET_VALUE.sub(_REDACTED, value)
    if isinstance(value, Mapping):
        return {str(inner): _redacted(str(inner), item) for inner, item in value.items()}
    return [_redacted("", item) for item in value] if isinstance(value, list | tuple) else value


def add_members(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Adds the members of `logging_with` that the event does not have itself."""
    return {**_members.get(), **event}


def add_process_id(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Adds the id of the process as the member `pid`: several workers write to one standard error."""
    event["pid"] = os.getpid()
    return event


def configure(level: str) -> None:
    """Configures the logs of the process at `level` ("INFO", "WARNING", ...). Libraries log warnings and errors only,
    because below that they log whole token responses (Authlib) and the values of statements (SQLAlchemy)."""
    structlog.configure(
        processors=[
            add_members,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            add_process_id,
            redact,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        # One write for each line, so that the lines of several processes do not mix.
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
    lowest = max(logging.WARNING, logging.getLevelNamesMapping()[level])
    logging.basicConfig(stream=sys.stderr, level=lowest, format="%(levelname)s %(name)s: %(message)s")


def logging_with(**members: str) -> AbstractContextManager[None]:
    """Returns a context in which each line of the log has these members. It holds for the current thread or task."""
    return ContextValue(_members, {**_members.get(), **members})


def get_announcer(name: str) -> Any:
    """Returns a logger that logs at every level, for events of the start that must always be logged."""
    return structlog.wrap_logger(None, wrapper_class=structlog.BoundLogger, module=name)


def get_logger(name: str) -> Any:
    """Returns the logger of a module. The name becomes the member `module`."""
    return structlog.get_logger(module=name)
