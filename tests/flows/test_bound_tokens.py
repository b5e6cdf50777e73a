"""A back end with bound tokens at GraphQL: what a token reaches, and what it does not (FAPI 2.0 section 5.3.4)."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fixtures.database import HAS_POSTGRESQL
from tests.support.backend import browsing, connected, persona
from tests.support.fapi import FapiApp
from tests.support.partner import REQUEST, TIER, car, request_input
from tests.support.server import Sandbox

DETAILS = [
    {"type": "score", "level": "tier"},
    {
        "type": "decision",
        "products": ["DEPOSIT_WAIVER"],
        "purpose": "CAR_RENTAL",
        "maximum_amount": {"amount": "3000.00", "currency": "CNY"},
    },
]


@pytest.fixture
def backend(sandbox: Sandbox) -> Iterator[FapiApp]:
    with connected(sandbox) as app:
        yield app


def token_of(app: FapiApp, sandbox: Sandbox, **changed: Any) -> str:
    person = persona(sandbox)
    with browsing(app) as browser:
        return str(app.tokens(browser, person["username"], person["password"], **changed)["access_token"])


def asked(app: FapiApp, token: str, query: str, **variables: Any) -> Any:
    """The body of an answer with status 200."""
    answer = app.call(token, json={"query": query, "variables": variables})
    assert answer.status_code == 200, answer.text
    assert answer.headers["dpop-nonce"]
    return answer.json()


def test_61_a_tier_and_a_decision(sandbox: Sandbox, backend: FapiApp) -> None:
    token = token_of(backend, sandbox, scope=None, authorization_details=DETAILS)
    assert asked(backend, token, TIER)["data"]["consentedUser"]["scoreTier"]["tier"] == "EXCELLENT"
    made = asked(backend, token, REQUEST, input=request_input(car()))["data"]["decisionRequest"]
    assert made["decision"]["outcome"]["__typename"] == "Approval"


def test_65_a_missing_scope_is_a_typed_error_and_no_data(sandbox: Sandbox, backend: FapiApp) -> None:
    token = token_of(backend, sandbox, scope="score:threshold")
    body = asked(backend, token, "{ consentedUser { id score scoreTier { tier } } }")
    assert body["data"]["consentedUser"]["score"] is None
    assert body["data"]["consentedUser"]["scoreTier"] is None
    assert {error["extensions"]["code"] for error in body["errors"]} == {"FORBIDDEN"}
    requested = asked(backend, token, REQUEST, input=request_input(car()))
    assert requested["errors"][0]["extensions"]["requiredScopes"] == [["decisions:request"]]


def test_65_a_missing_detail_is_a_typed_error_and_no_decision(sandbox: Sandbox, backend: FapiApp) -> None:
    token = token_of(backend, sandbox, scope=None, authorization_details=DETAILS)
    payload = asked(backend, token, REQUEST, input=request_input(car("3000.01")))["data"]["decisionRequest"]
    assert payload["decision"] is None
    assert payload["userErrors"][0]["__typename"] == "ConsentError"


def test_66_a_merchant_token_reaches_no_person(backend: FapiApp) -> None:
    token = backend.merchant_token().json()["access_token"]
    assert asked(backend, token, "{ consentedUser { id } }")["data"]["consentedUser"] is None
    for query in (TIER, "{ consentedUser { score } }"):
        assert asked(backend, token, query)["data"]["consentedUser"] is None
    requested = asked(backend, token, REQUEST, input=request_input(car()))
    assert requested["errors"][0]["extensions"]["code"] == "FORBIDDEN"


def test_67_a_purpose_that_the_consent_does_not_cover(sandbox: Sandbox, backend: FapiApp) -> None:
    token = token_of(backend, sandbox, scope=None, authorization_details=DETAILS)
    made = asked(backend, token, REQUEST, input=request_input(car(), purpose="LENDING"))["data"]["decisionRequest"]
    assert made["decision"] is None
    assert made["userErrors"][0]["code"] == "CONSENT_PURPOSE_MISMATCH"


@pytest.mark.skipif(not HAS_POSTGRESQL, reason="needs two deployments")
def test_67_a_token_of_another_deployment(sqlite_sandbox: Sandbox, postgresql_sandbox: Sandbox) -> None:
    with connected(sqlite_sandbox) as here, connected(postgresql_sandbox) as there:
        token = here.merchant_token().json()["access_token"]
        assert here.call(token, json={"query": "{ viewer { appName } }"}).status_code == 200
        there.dpop_key = here.dpop_key
        answer = there.call(token, json={"query": "{ viewer { appName } }"})
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
