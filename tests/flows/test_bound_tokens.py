"""DPoP-bound tokens at GraphQL: what a token can read, and what it cannot (FAPI 2.0 section 5.3.4)."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fixtures.database import HAS_POSTGRESQL
from tests.support.backend import connected_app, customer_browser, persona
from tests.support.fapi import FapiApp, new_key
from tests.support.merchant_client import REQUEST, TIER, car, request_input
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
    with connected_app(sandbox) as app:
        yield app


def token_of(app: FapiApp, sandbox: Sandbox, **changed: Any) -> str:
    person = persona(sandbox)
    with customer_browser(app) as browser:
        return str(app.tokens(browser, person["username"], person["password"], **changed)["access_token"])


def query_api(app: FapiApp, token: str, query: str, **variables: Any) -> Any:
    """Returns the body of a response, which must have status 200."""
    response = app.call(token, json={"query": query, "variables": variables})
    assert response.status_code == 200, response.text
    assert response.headers["dpop-nonce"]
    return response.json()


def test_61_bound_token_reads_a_tier_and_requests_a_decision(sandbox: Sandbox, backend: FapiApp) -> None:
    token = token_of(backend, sandbox, scope=None, authorization_details=DETAILS)
    assert query_api(backend, token, TIER)["data"]["consentedUser"]["scoreTier"]["tier"] == "EXCELLENT"
    payload = query_api(backend, token, REQUEST, input=request_input(car()))["data"]["decisionRequest"]
    assert payload["decision"]["outcome"]["__typename"] == "Approval"


def test_token_of_a_consent_without_a_browser_is_bound_to_the_key_of_its_caller(backend: FapiApp) -> None:
    merchant_token = backend.merchant_token().json()["access_token"]
    grant = 'mutation { sandboxConsentGrant(persona: "excellent") { accessToken userErrors { code } } }'
    payload = query_api(backend, merchant_token, grant)["data"]["sandboxConsentGrant"]
    token = payload["accessToken"]
    requested = query_api(backend, token, REQUEST, input=request_input(car()))["data"]["decisionRequest"]
    assert requested["decision"]["outcome"]["__typename"] == "Approval"
    backend.dpop_key = new_key(kid=None)
    assert backend.call(token, json={"query": TIER}).status_code == 401


def test_65_missing_scope_is_a_typed_error_without_data(sandbox: Sandbox, backend: FapiApp) -> None:
    token = token_of(backend, sandbox, scope="score:threshold")
    body = query_api(backend, token, "{ consentedUser { id score scoreTier { tier } } }")
    assert body["data"]["consentedUser"]["score"] is None
    assert body["data"]["consentedUser"]["scoreTier"] is None
    assert {error["extensions"]["code"] for error in body["errors"]} == {"FORBIDDEN"}
    requested = query_api(backend, token, REQUEST, input=request_input(car()))
    assert requested["errors"][0]["extensions"]["requiredScopes"] == [["decisions:request"]]


def test_65_missing_detail_is_a_typed_error_without_a_decision(sandbox: Sandbox, backend: FapiApp) -> None:
    token = token_of(backend, sandbox, scope=None, authorization_details=DETAILS)
    payload = query_api(backend, token, REQUEST, input=request_input(car("3000.01")))["data"]["decisionRequest"]
    assert payload["decision"] is None
    assert payload["userErrors"][0]["__typename"] == "ConsentError"


def test_66_merchant_token_cannot_read_a_user(backend: FapiApp) -> None:
    token = backend.merchant_token().json()["access_token"]
    assert query_api(backend, token, "{ consentedUser { id } }")["data"]["consentedUser"] is None
    for query in (TIER, "{ consentedUser { score } }"):
        assert query_api(backend, token, query)["data"]["consentedUser"] is None
    requested = query_api(backend, token, REQUEST, input=request_input(car()))
    assert requested["errors"][0]["extensions"]["code"] == "FORBIDDEN"


def test_67_purpose_outside_the_consent_is_a_user_error(sandbox: Sandbox, backend: FapiApp) -> None:
    token = token_of(backend, sandbox, scope=None, authorization_details=DETAILS)
    body = query_api(backend, token, REQUEST, input=request_input(car(), purpose="LENDING"))
    payload = body["data"]["decisionRequest"]
    assert payload["decision"] is None
    assert payload["userErrors"][0]["code"] == "CONSENT_PURPOSE_MISMATCH"


@pytest.mark.skipif(not HAS_POSTGRESQL, reason="needs two deployments")
def test_67_token_of_another_deployment_is_rejected(sqlite_sandbox: Sandbox, postgresql_sandbox: Sandbox) -> None:
    with connected_app(sqlite_sandbox) as here, connected_app(postgresql_sandbox) as there:
        token = here.merchant_token().json()["access_token"]
        assert here.call(token, json={"query": "{ viewer { appName } }"}).status_code == 200
        there.dpop_key = here.dpop_key
        response = there.call(token, json={"query": "{ viewer { appName } }"})
        assert response.status_code == 401
        assert 'error="invalid_token"' in response.headers["www-authenticate"]
