"""Junk at every endpoint never gets a 5xx response. It is the same in each run, so that failures can be reproduced."""

import json
import random
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.junk import BAD, RAW, REQUESTS, any_text, new_dice
from tests.support.merchant_client import MerchantClient, car
from tests.support.transitions import PREVIEW, RESPOND, TRANSITIONS, transition_input

NAMES = [
    "grant_type",
    "code",
    "redirect_uri",
    "code_verifier",
    "client_id",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "authorization_details",
    "response_type",
    "refresh_token",
    "token",
    "request_uri",
    "username",
    "password",
    "csrf_token",
    "decision",
    "device_code",
    "user_code",
]
FORMS = (
    "/oauth/par",
    "/oauth/token",
    "/oauth/revoke",
    "/oauth/authorize",
    "/oauth/device_authorization",
    "/device",
    "/login",
    "/logout",
    "/account/consents/x/revoke",
)
PAGES = (
    "/oauth/authorize",
    "/device",
    "/login",
    "/account",
    "/",
    "/docs/errors",
    "/static/x",
    "/schema.graphql",
    "/graphql",
)


@pytest.fixture
def dice() -> random.Random:
    return new_dice()


@pytest.mark.slow
def test_forms_with_junk(cars: MerchantClient, dice: random.Random) -> None:
    for _ in range(REQUESTS):
        path = dice.choice(FORMS)
        form = urlencode({dice.choice(NAMES): any_text(dice) for _ in range(dice.randrange(8))}).encode()
        content = form if dice.random() < 0.85 else dice.randbytes(dice.randrange(200))
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            **(cars.app.auth if dice.random() < 0.8 else {}),
        }
        response = cars.http.post(path, content=content, headers=headers)
        assert response.status_code < 500, (path, content)


def test_pages_with_junk(cars: MerchantClient, dice: random.Random) -> None:
    for _ in range(REQUESTS):
        path = dice.choice(PAGES)
        headers = {
            "Accept-Language": dice.choice(["zh", "*", "", "en;q=x"]),
            "Cookie": f"sesame_session={dice.choice(['x', 'y' * 500, '%00'])}",
        }
        response = cars.http.get(path, params={dice.choice(NAMES): any_text(dice) for _ in range(3)}, headers=headers)
        assert response.status_code < 500, path


def test_graphql_with_junk(cars: MerchantClient, dice: random.Random) -> None:
    headers = {"Authorization": f"Bearer {cars.merchant_token}", "Content-Type": "application/json"}
    for _ in range(REQUESTS):
        content = json.dumps(_body(dice)).encode() if dice.random() < 0.9 else dice.randbytes(50)
        response = cars.http.post("/graphql", content=content, headers=headers)
        assert response.status_code < 500, content
        assert "INTERNAL_SERVER_ERROR" not in response.text, content


def test_mutations_and_previews_with_junk(cars: MerchantClient, dice: random.Random) -> None:
    """Sends junk as JSON text, which has more forms than the decoded variables in tests/schema."""
    token = cars.token()
    decision = cars.request(token, car("1.00"))["decision"]
    read = "query ($id: ID!) { decision(by: {id: $id}) { status updatedAt timeline { nodes { id } } } }"
    before = cars.graphql(cars.merchant_token, read, id=decision["id"]).data
    for _ in range(REQUESTS):
        name = dice.choice([*TRANSITIONS, "respond", "preview"])
        document = RESPOND if name == "respond" else PREVIEW if name == "preview" else TRANSITIONS[name].document
        bearer = token if name == "preview" else cars.merchant_token
        content = _junk(dice, name, str(decision["id"]))
        body = b'{"query": %s, "variables": {"input": %s}}' % (json.dumps(document).encode(), content)
        headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
        response = cars.http.post("/graphql", content=body, headers=headers)
        assert response.status_code < 500, body
        assert "INTERNAL" not in response.text, body
    assert cars.graphql(cars.merchant_token, read, id=decision["id"]).data == before
    cars.release(decision)


def _junk(dice: random.Random, name: str, decision: str) -> bytes:
    """Returns a valid input with at least one junk member: the id or the idempotency key."""
    if name == "preview":
        return dice.choice([b'{"ask": %s}', b'{"ask": {"carRental": %s}}', b"%s"]) % dice.choice(RAW)
    response_input = {"disputeId": decision, "accept": True, "statement": "x"} if name == "respond" else {}
    valid = {**transition_input(name, decision, amount={"amount": "1.00", "currency": "CNY"}), **response_input}
    if name == "respond":
        valid.pop("decisionId")
    raw = {member: json.dumps(value).encode() for member, value in valid.items()}
    raw[dice.choice([member for member in ("decisionId", "disputeId", "idempotencyKey") if member in raw])] = (
        dice.choice(BAD)
    )
    for member in dice.sample([*raw, "surprise", "reason", "note", "evidence", "settledAt", "handedOverAt"], 2):
        raw.setdefault(member, dice.choice(RAW))
    return b"{%s}" % b", ".join(b'"%s": %s' % (member.encode(), value) for member, value in raw.items())


def _body(dice: random.Random) -> Any:
    first = dice.choice(["1", "-1", "999999999999", "null", "1.5"])
    after = json.dumps(any_text(dice))
    return dice.choice(
        [
            {"query": "query($i: ID!) { node(id: $i) { id } }", "variables": {"i": any_text(dice)}},
            {"query": f"{{ merchant {{ decisions(first: {first}, after: {after}) {{ nodes {{ id }} }} }} }}"},
            {
                "query": "query($f: DecisionFilter) { merchant { decisions(filter: $f) { totalCount } } }",
                "variables": {"f": {"createdAfter": any_text(dice)}},
            },
            {
                "query": "query($b: DecisionLookup!) { decision(by: $b) { id } }",
                "variables": {"b": {dice.choice(["id", "merchantReference"]): any_text(dice)}},
            },
            {"query": "{ viewer { appName } }", "variables": any_text(dice)},
            {"query": any_text(dice)},
            any_text(dice),
        ]
    )
