"""Random documents of the published schema, made by schemathesis, against a running sandbox: each gets a GraphQL
response within a second, and nothing fails inside the server."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from schema.export import SANDBOX_FILE
from tests.support.merchant_client import MerchantClient
from tests.support.server import Sandbox

schemathesis: Any = pytest.importorskip("schemathesis", reason="tests/fuzz/requirements.lock is not installed")
pytestmark = pytest.mark.slow

CASES = 1000
"""Documents per mode, spread over the fields of the roots."""
SLOWEST = 1.0
"""Seconds for one response."""
SCALARS = {
    "DateTime": ["2026-11-24T09:00:00Z", "2026-11-24T09:00:00.123456789+14:00", "0001-01-01T00:00:00Z"],
    "Duration": ["P7D", "PT90M", "P3660D"],
    "Decimal": ["3000.00", "0", "-1.5", "9" * 40],
    "CurrencyCode": ["CNY", "JPY", "XXX"],
    "URL": ["https://files.example/a?b=c#d"],
}
OF_USERS = {"Query.consentedUser", "Query.decisionPreview", "Mutation.decisionRequest"}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("sandbox")
    with Sandbox(f"sqlite:///{folder}/gateway.db", folder) as started:
        yield started


@pytest.fixture(scope="module")
def partner(sandbox: Sandbox) -> Iterator[MerchantClient]:
    client = MerchantClient(sandbox)
    with client.http:
        yield client


def operations() -> dict[str, Any]:
    """The fields of the roots, by name."""
    for name, values in SCALARS.items():
        schemathesis.graphql.scalar(name, st.sampled_from(values).map(schemathesis.graphql.nodes.String))
    schema = schemathesis.graphql.from_path(str(Path(SANDBOX_FILE)))
    found = [each.ok() for each in schema.get_all_operations()]
    return {each.label: each for each in found}


def documents(operation: Any, mode: str, count: int) -> list[str]:
    """Random documents of one field: valid ones, or with one argument that is not."""
    made: list[str] = []

    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=schemathesis.GenerationMode(mode)))
    def collect(case: Any) -> None:
        made.append(case.body)

    collect()
    return made


@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_a7_random_documents_get_a_graphql_response(sandbox: Sandbox, partner: MerchantClient, mode: str) -> None:
    fields = operations()
    tokens = {True: partner.token("good"), False: partner.merchant_token}
    logged, sent = len(sandbox.log), 0
    with httpx2.Client(base_url=sandbox.credentials["issuer"], timeout=30) as client:
        for name, operation in fields.items():
            for document in documents(operation, mode, CASES // len(fields) + 1):
                assert_response(client, tokens[name in OF_USERS], document)
                sent += 1
    assert sent >= CASES * 0.8, "fewer, because some fields have few documents"
    log = sandbox.log[logged:]
    assert "Traceback" not in log
    assert "graphql_failed" not in log
    assert "request_failed" not in log


def assert_response(client: httpx2.Client, token: str, document: str) -> None:
    """The response is a GraphQL response without an internal error, within a second in one of two attempts."""
    seconds = []
    for _ in range(2):
        began = time.monotonic()
        response = client.post(
            "/graphql",
            json={"query": document},
            headers={"authorization": f"Bearer {token}", "accept": "application/graphql-response+json"},
        )
        seconds.append(time.monotonic() - began)
        if seconds[-1] < SLOWEST:
            break
    assert response.status_code in {200, 400}, f"{response.status_code}: {response.text}"
    codes = {error["extensions"]["code"] for error in response.json().get("errors", ())}
    assert "INTERNAL_SERVER_ERROR" not in codes, response.text
    assert min(seconds) < SLOWEST, f"{min(seconds):.1f} s for {document}"
