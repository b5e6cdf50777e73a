"""Invalid requests get a documented typed error and the right HTTP status, and write nothing."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.domain.error_catalogue import ERRORS
from tests.support.merchant_client import CANCEL, REQUEST, MerchantClient, car, order, request_input, yuan
from tests.support.transitions import TRANSITIONS, transition_input

LOG_SIZE = "{ merchant { decisions { totalCount } } }"
PAST = {"start": "2020-01-01T00:00:00Z", "end": "2020-01-03T00:00:00Z"}
REVERSED = {"start": "2027-01-03T00:00:00Z", "end": "2027-01-01T00:00:00Z"}

INVALID_ASKS: list[Any] = [
    pytest.param(car("-1.00"), "INVALID_AMOUNT", "deposit", id="negative amount"),
    pytest.param(car("0.00"), "INVALID_AMOUNT", "deposit", id="zero amount"),
    pytest.param(car("99999999999999999999.00"), "INVALID_AMOUNT", "deposit", id="huge amount"),
    pytest.param(car("3000.001"), "INVALID_AMOUNT", "deposit", id="too many decimals"),
    pytest.param(
        car(deposit="1.00", vehicleValue={"amount": "9.00", "currency": "EUR"}),
        "UNSUPPORTED_CURRENCY",
        "vehicleValue",
        id="wrong currency",
    ),
    pytest.param(
        car(vehicleValue={"amount": "9.00", "currency": "XXQ"}),
        "UNSUPPORTED_CURRENCY",
        "vehicleValue",
        id="unknown currency",
    ),
    pytest.param(car(rental=REVERSED), "INVALID_PERIOD", "rental", id="dates reversed"),
    pytest.param(car(rental=PAST), "INVALID_PERIOD", "rental", id="dates past"),
    pytest.param(car("4000.00"), "CONSENT_AMOUNT_EXCEEDED", None, id="more than consented"),
    pytest.param(order(), "PRODUCT_NOT_ENABLED", "onlineOrder", id="product of another merchant"),
]
SMALL = [
    {"type": "score", "level": "tier"},
    {"type": "decision", "products": ["DEPOSIT_WAIVER"], "maximum_amount": yuan("3500.00")},
]


@pytest.fixture
def unchanged(cars: MerchantClient) -> Callable[[], bool]:
    """A function that returns whether the merchant's log is unchanged."""
    before = cars.graphql(cars.merchant_token, LOG_SIZE).data
    return lambda: cars.graphql(cars.merchant_token, LOG_SIZE).data == before


@pytest.mark.parametrize(("ask", "code", "field"), INVALID_ASKS)
def test_invalid_ask_is_a_typed_user_error(
    cars: MerchantClient, unchanged: Callable[[], bool], ask: dict[str, Any], code: str, field: str | None
) -> None:
    token = cars.token(scope=None, authorization_details=SMALL)

    payload = cars.request(token, ask)

    assert payload["decision"] is None
    assert payload["replayed"] is False
    (error,) = payload["userErrors"]
    assert error["code"] == code
    assert error["field"][:2] == ["input", "ask"]
    assert field is None or field in error["field"]
    assert code in ERRORS
    assert error["documentation"].endswith(f"/docs/errors/{code}")
    assert unchanged()


def test_other_purpose_fails_with_the_covered_details(cars: MerchantClient, unchanged: Callable[[], bool]) -> None:
    token = cars.token(scope=None, authorization_details=SMALL)

    (error,) = cars.request(token, car(), purpose="LENDING")["userErrors"]

    assert (error["code"], error["__typename"]) == ("CONSENT_PURPOSE_MISMATCH", "ConsentError")
    assert {"type": "decision", "purpose": "CAR_RENTAL"}.items() <= error["covered"][1].items()
    assert cars.request(token, car(), purpose="GOLF")["userErrors"][0]["code"] == "INVALID"
    assert unchanged()


def test_product_outside_the_consent_is_forbidden(cars: MerchantClient, unchanged: Callable[[], bool]) -> None:
    token = cars.token(scope=None, authorization_details=[{"type": "score", "level": "tier"}])

    response = cars.graphql(token, REQUEST, input=request_input(car()))

    assert response.status == 200
    assert response.code == "FORBIDDEN"
    assert response.body["errors"][0]["extensions"]["requiredScopes"] == [["decisions:request"]]
    assert unchanged()


def test_unknown_product_fails_in_ask_and_authorization_request(
    cars: MerchantClient, unchanged: Callable[[], bool]
) -> None:
    asked = cars.graphql(cars.token(), REQUEST, input=request_input({"zeppelinRide": {"deposit": yuan("1.00")}}))
    assert (asked.status, asked.code) == (400, "BAD_USER_INPUT")

    pushed = cars.app.push(authorization_details=[{"type": "decision", "products": ["ZEPPELIN_RIDE"]}])
    assert (pushed.status_code, pushed.json()["error"]) == (400, "invalid_authorization_details")
    assert unchanged()


def test_same_key_with_another_input_fails(cars: MerchantClient) -> None:
    token, ask = cars.token(), car()
    first = request_input(ask)
    decision = cars.graphql(token, REQUEST, input=first).data["decisionRequest"]["decision"]

    other = {**first, "ask": car("2000.00"), "merchantReference": "another"}
    payload = cars.graphql(token, REQUEST, input=other).data["decisionRequest"]

    (error,) = payload["userErrors"]
    assert error["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert ["input", "merchantReference"] in error["differingFields"]
    again = cars.graphql(token, REQUEST, input=first).data["decisionRequest"]
    assert again["replayed"] is True
    assert again["decision"]["id"] == decision["id"]


def test_same_key_under_another_consent_fails(cars: MerchantClient) -> None:
    changes = request_input(car())
    cars.graphql(cars.token("good"), REQUEST, input=changes)

    payload = cars.graphql(cars.token("excellent"), REQUEST, input=changes).data["decisionRequest"]

    assert payload["userErrors"][0]["code"] == "IDEMPOTENCY_KEY_REUSED"


def test_duplicate_reference_fails(cars: MerchantClient) -> None:
    token = cars.token()
    reference = cars.request(token, car())["decision"]["merchantReference"]

    payload = cars.request(token, car(), merchantReference=reference)

    assert payload["userErrors"][0]["code"] == "DUPLICATE_REFERENCE"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"idempotencyKey": ""}, id="empty key"),
        pytest.param({"idempotencyKey": "k" * 256}, id="long key"),
        pytest.param({"merchantReference": "a\x00b"}, id="null byte in the reference"),
        pytest.param({"merchantReference": "r" * 256}, id="long reference"),
        pytest.param({"purpose": ""}, id="empty purpose is not the default one"),
    ],
)
def test_invalid_text_is_a_typed_user_error(
    cars: MerchantClient, unchanged: Callable[[], bool], changes: dict[str, str]
) -> None:
    payload = cars.request(cars.token(), car(), **changes)

    assert payload["userErrors"][0]["code"] == "INVALID"
    assert payload["userErrors"][0]["field"] == ["input", next(iter(changes))]
    assert unchanged()


def test_maximum_amount_counts_all_open_decisions_together(cars: MerchantClient) -> None:
    details = [{"type": "decision", "products": ["DEPOSIT_WAIVER"], "maximum_amount": yuan("5000.00")}]
    token = cars.token(scope=None, authorization_details=details)
    first = cars.request(token, car("3000.00"))["decision"]

    assert cars.request(token, car("3000.00"))["userErrors"][0]["code"] == "CONSENT_AMOUNT_EXCEEDED"

    cancel = {"decisionId": first["id"], "idempotencyKey": first["id"]}
    assert cars.graphql(cars.merchant_token, CANCEL, input=cancel).data["decisionCancel"]["decision"]
    assert cars.request(token, car("3000.00"))["decision"]["status"] == "APPROVED"


def test_other_merchant_cannot_cancel(cars: MerchantClient, shop: MerchantClient) -> None:
    decision = cars.request(cars.token(), car())["decision"]
    cancel = {"decisionId": decision["id"], "idempotencyKey": "theirs"}

    payload = shop.graphql(shop.merchant_token, CANCEL, input=cancel).data["decisionCancel"]

    assert payload["userErrors"][0]["code"] == "NOT_FOUND"
    assert payload["userErrors"][0]["field"] == ["input", "decisionId"]


def test_fields_without_their_scope_are_null_and_forbidden(cars: MerchantClient) -> None:
    token = cars.token("good", scope="score:threshold")
    query = """{ consentedUser { id meetsTier(minimum: EXCELLENT) scoreTier { tier } score }
        merchant { name decisions { totalCount } } }"""

    response = cars.graphql(token, query)

    assert response.status == 200
    user = response.body["data"]["consentedUser"]
    assert (user["meetsTier"], user["scoreTier"], user["score"]) == ("NO", None, None)
    assert response.body["data"]["merchant"] == {"name": "Demo Car Rental", "decisions": None}
    assert {error["extensions"]["code"] for error in response.body["errors"]} == {"FORBIDDEN"}
    assert len(response.body["errors"]) == 3


def test_merchant_token_cannot_read_a_user(cars: MerchantClient) -> None:
    response = cars.graphql(cars.merchant_token, "{ consentedUser { id } viewer { scopes } }")
    assert response.data["consentedUser"] is None

    requested = cars.graphql(cars.merchant_token, REQUEST, input=request_input(car()))
    assert (requested.status, requested.code) == (200, "FORBIDDEN")


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        pytest.param(b'{"query": ', 400, "BAD_REQUEST", id="malformed JSON"),
        pytest.param(b'{"query": "{ viewer { nope } }"}', 400, "GRAPHQL_VALIDATION_FAILED", id="unknown field"),
        pytest.param(b'{"query": "{ viewer {"}', 400, "GRAPHQL_PARSE_FAILED", id="not GraphQL"),
        pytest.param(b'{"query": "{' + b" " * 1_000_000 + b'}"}', 413, "BAD_REQUEST", id="1 MB body"),
        pytest.param(
            b'{"query": "{ ...f } fragment f on Query { ...g } fragment g on Query { ...f }"}',
            400,
            "GRAPHQL_VALIDATION_FAILED",
            id="fragments in a circle",
        ),
    ],
)
def test_request_error_has_its_status(cars: MerchantClient, content: bytes, status: int, code: str) -> None:
    headers = {
        "Authorization": f"Bearer {cars.merchant_token}",
        "Content-Type": "application/json",
        "Accept": "application/graphql-response+json",
    }
    response = cars.http.post("/graphql", content=content, headers=headers)

    assert response.status_code == status
    assert response.json()["errors"][0]["extensions"]["code"] == code
    assert "data" not in response.json()


def test_nested_fragments_are_rejected_quickly(cars: MerchantClient) -> None:
    fragments = " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(45))
    document = f"{{ ...f0 }} {fragments} fragment f45 on Query {{ viewer {{ appName }} }}"

    began = datetime.now(UTC)
    response = cars.graphql(cars.merchant_token, document)

    assert (response.status, response.code) == (400, "GRAPHQL_VALIDATION_FAILED")
    assert datetime.now(UTC) - began < timedelta(seconds=2)


@pytest.mark.parametrize("name", sorted(TRANSITIONS))
def test_user_token_cannot_change_a_decision(cars: MerchantClient, name: str) -> None:
    token = cars.token()
    decision = cars.request(token, car())["decision"]
    command = transition_input(name, decision["id"], amount=yuan("1.00"))
    response = cars.graphql(token, TRANSITIONS[name].document, input=command)
    assert response.status == 200
    assert response.code == "FORBIDDEN"
    cars.release(decision)
