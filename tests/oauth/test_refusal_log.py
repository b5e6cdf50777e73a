"""The operator reads in the log why a client is not authenticated. The client gets the same response each time."""

from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from gateway.kit import logging
from gateway.oauth.clients.refusal_log import MOST_LINES, RefusalLog
from tests.support.assertions import assert_refused, replace_keys, send
from tests.support.fapi import ASSERTION_TYPE, new_key, public
from tests.support.oauth_world import OAuthWorld

EVENT = "client_not_authenticated"


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def refused(world: OAuthWorld, form: dict[str, Any]) -> dict[str, Any]:
    """The one line of the log about a refused request."""
    logging.configure("INFO")  # the world has set another level
    with capture_logs() as logs:
        assert_refused(send(world, "/oauth/par", form))
    (line,) = [dict(each) for each in logs if each["event"] == EVENT]
    assert line["log_level"] == "info"
    return line


@pytest.mark.parametrize(
    ("claims", "cause"),
    [
        pytest.param({"aud": "https://other.example"}, "aud must be the issuer, as a string.", id="audience"),
        pytest.param({"exp": 5}, "exp must be at most ten minutes in the future.", id="expired"),
        pytest.param({"jti": None}, "jti is missing or too long.", id="no-jti"),
    ],
)
def test_cause_of_a_wrong_claim_is_logged(world: OAuthWorld, claims: dict[str, Any], cause: str) -> None:
    line = refused(world, world.bank.authentication(**claims))
    assert (line["client_id"], line["cause"]) == (world.bank.client_id, cause)


def test_wrong_key_and_disabled_client_are_logged(world: OAuthWorld) -> None:
    replace_keys(world, public(new_key()))
    line = refused(world, world.bank.authentication())
    assert (line["client_id"], line["cause"]) == (
        world.bank.client_id,
        "No key of the client has signed the assertion.",
    )
    unknown = {"iss": "cli_none", "sub": "cli_none"}
    line = refused(world, {**world.bank.authentication(**unknown), "client_id": "cli_none"})
    assert (line["client_id"], line["cause"]) == ("cli_none", "The client is unknown or disabled.")


def test_nothing_else_of_a_request_is_logged(world: OAuthWorld) -> None:
    line = refused(world, world.bank.authentication(iss="mei@example.com", sub="mei@example.com"))
    assert line["client_id"] is None
    line = refused(world, {"client_assertion": "mei@example.com", "client_assertion_type": ASSERTION_TYPE})
    assert "mei" not in str(line)


def test_log_has_a_limit_for_each_minute() -> None:
    logging.configure("INFO")
    log = RefusalLog()
    with capture_logs() as logs:
        for _ in range(MOST_LINES + 5):
            log.report("cli_1", "The client is unknown or disabled.")
    assert len(logs) in {MOST_LINES, MOST_LINES + 5}, "a minute can begin meanwhile"
