"""Structured logs, in a separate process: standard error has JSON without secrets."""

import json
import subprocess
import sys
from typing import Any

import pytest

from gateway.kit.logging import _SECRET_NAMES, redact

SECRET = "s3cr3t-value"


def logged(program: str, level: str = "INFO") -> list[str]:
    """Returns the lines on standard error of a process that configures its logs at `level` and runs the program."""
    begin = "import structlog\nfrom gateway.kit.logging import configure, get_logger\nlog = structlog.get_logger()"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"{begin}\nconfigure({level!r})\n{program}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ""
    return done.stderr.splitlines()


def entry(program: str) -> dict[str, Any]:
    (line,) = logged(program)
    document = json.loads(line)
    assert isinstance(document, dict)
    return document


def test_an_event_is_one_line_of_json() -> None:
    written = entry("log.info('started', port=8000, text='two\\nlines 键')")
    assert written.pop("timestamp").endswith("Z")
    assert written.pop("pid") > 0
    assert written == {
        "event": "started",
        "level": "info",
        "port": 8000,
        "text": "two\nlines 键",
    }


def test_get_logger_names_its_module() -> None:
    written = entry("get_logger('a.module').warning('refused')")
    assert (written["event"], written["module"]) == ("refused", "a.module")


def test_values_of_secret_names_are_redacted() -> None:
    names = sorted(_SECRET_NAMES)
    assert {"access_token", "refresh_token", "password", "client_secret", "authorization"} <= set(names)
    lines = logged(f"for name in {names}: log.info('event', **{{name: {SECRET!r}, name.upper(): {SECRET!r}}})")
    assert len(lines) == len(names)
    assert SECRET not in "\n".join(lines)
    assert all(json.loads(line)[name] == "[redacted]" for name, line in zip(names, lines, strict=True))


def test_bound_secrets_are_redacted() -> None:
    (line,) = logged(f"log.bind(token={SECRET!r}).warning('refused', status=401)")
    assert SECRET not in line
    assert json.loads(line)["status"] == 401


@pytest.mark.parametrize(
    ("level", "events"),
    [("DEBUG", ["d", "i", "w", "e"]), ("INFO", ["i", "w", "e"]), ("WARNING", ["w", "e"]), ("ERROR", ["e"])],
)
def test_only_events_of_the_level_and_above_are_logged(level: str, events: list[str]) -> None:
    lines = logged("log.debug('d'); log.info('i'); log.warning('w'); log.error('e')", level)
    assert [json.loads(line)["event"] for line in lines] == events


@pytest.mark.parametrize("code", ["INTERNAL_SERVER_ERROR", "invalid_grant", 503, "40001"])
def test_f8_error_code_is_logged(code: object) -> None:
    assert redact(None, "error", {"code": code, "extensions": {"code": code}}) == {
        "code": code,
        "extensions": {"code": code},
    }


@pytest.mark.parametrize(
    "code", ["sgw_test_ac_Zm9v", "SplxlOBeZQQYbYSg", "4/P7q7W91a-oMsCeLvIaQm6bTrgtp7", "", 123456, "ABCD-EFGH"]
)
def test_f8_authorization_code_is_not_logged(code: object) -> None:
    assert redact(None, "error", {"Code": code, "form": [{"code": code}]}) == {
        "Code": "[redacted]",
        "form": [{"code": "[redacted]"}],
    }


def test_f8_secret_of_the_gateway_is_not_logged_within_a_text() -> None:
    event = {"error": "bad sgw_test_ac_Zm9v-Yg_ and sgw_at_Zm9v.", "path": "/oauth/token"}
    assert redact(None, "error", event) == {"error": "bad [redacted] and [redacted].", "path": "/oauth/token"}


@pytest.mark.parametrize(
    "name", ["authlib.oauth2", "strawberry.execution", "httpx2", "httpcore2.http11", "sqlalchemy.engine", "valkey"]
)
def test_libraries_that_log_whole_messages_are_silent_at_debug(name: str) -> None:
    program = f"import logging; logger = logging.getLogger({name!r}); logger.debug({SECRET!r}); logger.info({SECRET!r})"
    assert logged(program, "DEBUG") == []


def test_redact_leaves_other_members_alone() -> None:
    event = {"event": "x", "status": 200, "Token": SECRET}
    assert redact(None, "info", event) == {"event": "x", "status": 200, "Token": "[redacted]"}


def test_members_of_a_block_are_in_its_lines() -> None:
    lines = logged(
        "from gateway.kit.logging import logging_with\n"
        "with logging_with(request_id='req_1'):\n"
        "    with logging_with(document_id='doc_1'):\n"
        "        log.info('both')\n"
        "    log.info('one', request_id='req_2')\n"
        "log.info('none')"
    )
    names = ("event", "request_id", "document_id")
    assert [tuple(json.loads(line).get(name) for name in names) for line in lines] == [
        ("both", "req_1", "doc_1"),
        ("one", "req_2", None),
        ("none", None, None),
    ]


def test_secret_member_of_a_block_is_redacted() -> None:
    program = f"from gateway.kit.logging import logging_with\nwith logging_with(token={SECRET!r}): log.info('x')"
    assert SECRET not in "".join(logged(program))
