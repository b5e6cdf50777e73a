"""What a client gets if its call has an injected fault, over HTTP."""

import time
from collections.abc import Iterator

import httpx2
import pytest

from tests.support.backend import connected_app
from tests.support.fapi import FapiApp, ath
from tests.support.merchant_client import REQUEST, TIER, order, request_input
from tests.support.sandbox_partner import INJECT, SandboxPartner
from tests.support.server import Sandbox

FIND = "query ($reference: String!) { decision(by: {merchantReference: $reference}) { status } }"


@pytest.fixture(scope="module")
def token(shared_partner: SandboxPartner) -> str:
    return shared_partner.token()


def tier(partner: SandboxPartner, token: str) -> str:
    return str(partner.data(TIER, token)["scoreTier"]["tier"])


def test_latency_delays_the_response(shared_partner: SandboxPartner, token: str) -> None:
    shared_partner.inject(latency="PT0.3S")
    begun = time.monotonic()
    assert tier(shared_partner, token) == "EXCELLENT"
    assert time.monotonic() - begun >= 0.3


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_http_status_is_that_of_a_proxy(shared_partner: SandboxPartner, token: str, status: int) -> None:
    shared_partner.inject(httpStatus=status)
    response = shared_partner.post(TIER, token)
    assert response.status_code == status
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert ("retry-after" in response.headers) == (status in {429, 503})
    assert tier(shared_partner, token) == "EXCELLENT"


@pytest.mark.parametrize(
    ("code", "status"), [("UNAVAILABLE", 503), ("INTERNAL_SERVER_ERROR", 500), ("GRAPHQL_VALIDATION_FAILED", 200)]
)
def test_error_code_has_its_status(shared_partner: SandboxPartner, token: str, code: str, status: int) -> None:
    shared_partner.inject(graphqlErrorCode=code)
    response = shared_partner.post(TIER, token)
    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (status, code)
    assert "data" not in response.json()
    assert tier(shared_partner, token) == "EXCELLENT"


def test_score_service_is_down(shared_partner: SandboxPartner, token: str) -> None:
    shared_partner.inject(count=2, scoreServiceDown=True)
    response = shared_partner.post(TIER, token).json()
    assert (response["errors"][0]["extensions"]["code"], response["data"]["consentedUser"]["scoreTier"]) == (
        "SCORE_UNAVAILABLE",
        None,
    )
    payload = shared_partner.data(REQUEST, token, input=request_input(order()))
    assert payload["decision"] is None
    assert [each["code"] for each in payload["userErrors"]] == ["SCORE_UNAVAILABLE"]
    assert tier(shared_partner, token) == "EXCELLENT"


def test_throttled_call_is_not_executed(shared_partner: SandboxPartner, token: str) -> None:
    shared_partner.inject(throttle=True)
    command = request_input(order())
    response = shared_partner.post(REQUEST, token, input=command)
    error = response.json()["errors"][0]["extensions"]
    assert (response.status_code, error["code"], response.headers["retry-after"]) == (429, "THROTTLED", "1")
    assert response.json()["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"] == 0
    assert shared_partner.data(FIND, reference=command["merchantReference"]) is None


def test_dropped_response_is_lost_after_the_commit(shared_partner: SandboxPartner, token: str) -> None:
    shared_partner.inject(dropResponse=True)
    command = request_input(order("1.00"))
    with pytest.raises(httpx2.RemoteProtocolError):
        shared_partner.post(REQUEST, token, input=command)
    assert shared_partner.data(FIND, reference=command["merchantReference"]) == {"status": "APPROVED"}
    repeated = shared_partner.data(REQUEST, token, input=command)
    assert (repeated["replayed"], repeated["decision"]["status"]) == (True, "APPROVED")


def test_idempotency_key_is_in_progress(shared_partner: SandboxPartner, token: str) -> None:
    shared_partner.inject(idempotencyInProgress=True)
    command = request_input(order("1.00"))
    first, second = (shared_partner.data(REQUEST, token, input=command) for _ in range(2))
    assert first["decision"] is None
    assert [(each["code"], each["field"]) for each in first["userErrors"]] == [
        ("IDEMPOTENCY_IN_PROGRESS", ["input", "idempotencyKey"])
    ]
    assert (second["replayed"], second["decision"]["status"]) == (False, "APPROVED")


@pytest.fixture
def app(shared_partner: SandboxPartner) -> Iterator[FapiApp]:
    with connected_app(shared_partner) as app:
        yield app


def send_once(app: FapiApp, token: str) -> httpx2.Response:
    """Sends one request, with the nonce that the app has, and keeps the nonce of the response."""
    headers = {"Authorization": f"DPoP {token}", "DPoP": app.proof("/graphql", ath=ath(token))}
    return app.http.post("/graphql", json={"query": "{ viewer { appName } }"}, headers=headers)


def test_new_nonce_is_demanded_of_a_bound_token(app: FapiApp) -> None:
    token = app.merchant_token().json()["access_token"]
    variables = {"fault": {"dpopNonce": True}, "count": 1}
    injected = app.call(token, json={"query": INJECT, "variables": variables}).json()["data"]["sandboxFaultInject"]
    assert injected == {"remaining": 1, "userErrors": []}
    refused = [send_once(app, token) for _ in range(2)]
    for each in refused:
        assert each.status_code == 401, "also the second time, because the app has not used the new nonce"
        assert 'error="use_dpop_nonce"' in each.headers["www-authenticate"]
    (nonce,) = {each.headers["dpop-nonce"] for each in refused}
    assert nonce != app.nonce
    app.nonce = nonce
    assert send_once(app, token).status_code == 200
    assert send_once(app, token).status_code == 200


def test_call_that_injects_is_not_hit(shared_partner: SandboxPartner) -> None:
    shared_partner.inject(count=3, httpStatus=500)
    assert shared_partner.data("{ sandboxClock { offset } }") == {"offset": "PT0S"}
    shared_partner.inject(count=1, httpStatus=502)
    both = shared_partner.post("{ sandboxClock { offset } viewer { appName } }")
    assert both.status_code == 502, "a document with another field is hit"
    assert shared_partner.post("{ viewer { appName } }").status_code == 200


def test_invalid_document_is_hit(shared_partner: SandboxPartner) -> None:
    shared_partner.inject(httpStatus=500)
    assert shared_partner.post("{ sandboxNone }").status_code == 500
    assert shared_partner.post("{ sandboxNone }").status_code == 200


def test_other_partner_is_not_hit(shared_partner: SandboxPartner, sqlite_sandbox: Sandbox) -> None:
    shared_partner.inject(httpStatus=500)
    demo = sqlite_sandbox.credentials["merchants"][0]["merchant_token"]
    assert shared_partner.post("{ viewer { appName } }", demo).status_code == 200
    assert shared_partner.post("{ viewer { appName } }").status_code == 500


def test_fault_cannot_be_injected_without_the_scope(shared_partner: SandboxPartner, token: str) -> None:
    response = shared_partner.post(INJECT, token, fault={"throttle": True})
    assert response.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
