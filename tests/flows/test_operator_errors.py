"""The examples of errors that no partner of a sandbox can cause. A setting, a lock or a bug causes each of them."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.error_catalogue import ERRORS
from gateway.domain.scoring.score import Measurement
from gateway.kit.clock import BusinessTime
from gateway.settings import Settings
from tests.support.examples import matches
from tests.support.locks import locked
from tests.support.merchant_client import TIER
from tests.support.sandbox_api import SandboxApi

NAME = "{ viewer { appName } }"


class FailingSource:
    """A score source with a bug."""

    def measure(self, user_id: str, now: BusinessTime) -> Measurement:
        raise RuntimeError("a bug")


@pytest.fixture
def api(sqlite_url: str, settings: Settings) -> Iterator[SandboxApi]:
    with closing(SandboxApi(settings.model_copy(update={"database_url": sqlite_url}))) as opened:
        yield opened


def assert_example(api: SandboxApi, code: str, received: Any) -> None:
    assert matches(ERRORS[code].example(api.container.settings.issuer), received), received


def test_text_is_refused_where_only_trusted_documents_are_executed(api: SandboxApi) -> None:
    received = api.variant(trusted_documents_only=True).post(api.merchant_token(), NAME)
    assert_example(api, "DOCUMENT_ID_REQUIRED", received.json())


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        ("UNAVAILABLE", {"database_lock_wait": timedelta(seconds=0.2)}),
        ("DEADLINE_EXCEEDED", {"request_deadline": timedelta(seconds=0.1), "database_lock_wait": timedelta(seconds=1)}),
    ],
)
def test_read_fails_while_another_process_locks_the_access_log(
    api: SandboxApi, sqlite_url: str, code: str, changed: dict[str, Any]
) -> None:
    token, slow = api.user_token(), api.variant(**changed)
    with locked(sqlite_url, "access_log"):
        response = slow.post(token, TIER)
    assert response.status_code == 503
    assert_example(api, code, response.json())


def test_bug_is_an_internal_error(api: SandboxApi) -> None:
    received = api.variant(FailingSource()).post(api.user_token(), TIER)
    assert_example(api, "INTERNAL_SERVER_ERROR", received.json())
