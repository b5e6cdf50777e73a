"""The servers for Node.js that `make bench` compares the gateway with do the measured work."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.node import MARKS
from tools.bench import environment, peer_data
from tools.bench.dataset import RANKS, Dataset
from tools.bench.equality import masked
from tools.bench.registry import ALL, STATE
from tools.bench.server import running
from tools.bench.token_requests import ASSERTION_TYPE, ClientKeys
from tools.load import PAGE, REQUEST, TIER

pytestmark = [*MARKS, pytest.mark.slow]

PEERS = {peer.name: peer for peer in ALL}
DATA = Dataset(users=40, merchants=3, decisions=180)
CLIENT = "client"
FORMAT = "application/graphql-response+json"


@dataclass(frozen=True, slots=True)
class Running:
    """A running server with its database."""

    url: str
    database: Path
    keys: ClientKeys

    def post(self, token: str, query: str, **variables: Any) -> "httpx2.Response":
        body = {"query": query, "variables": variables}
        headers = {"Authorization": f"Bearer {token}", "Accept": FORMAT}
        return httpx2.post(f"{self.url}/graphql", json=body, headers=headers)

    def data(self, token: str, query: str, **variables: Any) -> Any:
        """Returns the data of a response without errors, with masks for ids and times."""
        response = self.post(token, query, **variables)
        assert response.status_code == 200, response.text
        content = masked(response.content, "")
        assert content.keys() == {"data"}
        return content["data"]

    def refresh(self, refresh_token: str) -> "httpx2.Response":
        now = int(time.time())
        form = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.keys.assertion(CLIENT, self.url, now),
        }
        proof = self.keys.proof(f"{self.url}/token", None, now)
        return httpx2.post(f"{self.url}/token", data=form, headers={"DPoP": proof})

    def count(self, query: str) -> int:
        with closing(sqlite3.connect(self.database)) as database:
            return int(database.execute(query).fetchone()[0])


@pytest.fixture(scope="module", autouse=True)
def installation() -> None:
    """Installs the servers in .bench/node, if they are not up to date."""
    STATE.mkdir(exist_ok=True)
    assert environment.install_node() is None


def run(name: str, folder: Path) -> Iterator[Running]:
    keys, file = ClientKeys(), folder / "peer.db"
    peer_data.write(file, DATA, CLIENT, keys.jwks)
    with running(PEERS[name], file, folder / "peer.log") as process:
        yield Running(f"http://127.0.0.1:{process.port}", file, keys)


@pytest.fixture(scope="module", params=["mercurius-jit", "mercurius", "apollo", "yoga"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One of the GraphQL servers."""
    yield from run(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def authorization_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """node-oidc-provider."""
    yield from run("oidc-provider", tmp_path_factory.mktemp("oidc-provider"))


def decision_input(key: str, deposit: str = "10.00") -> dict[str, Any]:
    """Returns the input of decisionRequest."""
    car = {
        "deposit": {"amount": deposit, "currency": "CNY"},
        "vehicleValue": {"amount": "180000.00", "currency": "CNY"},
        "rental": {"start": "2030-01-01T00:00:00+00:00", "end": "2030-01-04T00:00:00+00:00"},
    }
    return {"idempotencyKey": key, "merchantReference": f"order-{key}", "ask": {"carRental": car}}


def test_tier_is_read_and_the_access_is_stored(server: Running) -> None:
    accesses = server.count("SELECT count(*) FROM accesses WHERE kind = 'TIER'")
    for user in DATA.people()[:2]:  # graphql-jit compiles an operation at its second execution
        tier = {"tier": user.tier, "rank": RANKS[user.tier]}
        assert server.data(user.token, TIER) == {"consentedUser": {"scoreTier": tier}}
    assert server.count("SELECT count(*) FROM accesses WHERE kind = 'TIER'") == accesses + 2


def test_page_has_the_newest_decisions_of_the_merchant(server: Running) -> None:
    newest = [each for each in DATA.stored_decisions() if each.user.merchant == 2][::-1]
    nodes = [
        {
            "id": "<id>",
            "status": "APPROVED" if decision.approved else "DECLINED",
            "merchantReference": decision.reference,
            "createdAt": "<time>",
            "product": "DEPOSIT_WAIVER",
            "outcome": {"__typename": "Approval" if decision.approved else "Decline"},
            "settlement": {"due": {"amount": f"{decision.deposit / 100:.2f}"}} if decision.approved else None,
        }
        for decision in newest[:50]
    ]
    page = {"nodes": nodes, "pageInfo": {"hasNextPage": True, "endCursor": "<endCursor>"}}
    token = DATA.merchant_tokens()[1]
    for _ in range(2):
        assert server.data(token, PAGE) == {"merchant": {"decisions": page}}


def test_decision_is_approved_and_stored(server: Running) -> None:
    user = DATA.people()[0]
    terms = {"waivedAmount": {"amount": "10.00"}, "depositDue": {"amount": "0.00"}}
    outcome = {"__typename": "Approval", "validUntil": "<time>", "terms": terms}
    decision = {"id": "<id>", "status": "APPROVED", "outcome": outcome}
    before = peer_data.count(server.database)
    for key in ("one", "two"):
        data = server.data(user.token, REQUEST, input=decision_input(key))
        assert data == {"decisionRequest": {"decision": decision, "userErrors": []}}
    rows = peer_data.count(server.database)
    added = {kind: rows[kind] - before[kind] for kind in rows}
    assert added == {"tier": 0, "decision": 2, "decisions": 2, "events": 4, "outbox": 2, "idempotency": 2, "token": 0}


def test_deposit_above_the_policy_is_declined(server: Running) -> None:
    data = server.data(DATA.people()[0].token, REQUEST, input=decision_input("high", "2000.01"))
    assert data["decisionRequest"]["decision"]["status"] == "DECLINED"


def test_repeated_key_returns_the_first_decision(server: Running) -> None:
    token = DATA.people()[0].token
    first, second = (server.post(token, REQUEST, input=decision_input("same")).json() for _ in range(2))
    assert first["data"]["decisionRequest"]["decision"] == second["data"]["decisionRequest"]["decision"]


def test_key_with_another_input_is_a_user_error(server: Running) -> None:
    token = DATA.people()[0].token
    server.data(token, REQUEST, input=decision_input("reused"))
    payload = server.data(token, REQUEST, input=decision_input("reused", "20.00"))["decisionRequest"]
    assert payload["decision"] is None
    assert [error["code"] for error in payload["userErrors"]] == ["IDEMPOTENCY_KEY_REUSED"]


@pytest.mark.parametrize(
    ("change", "number"),
    [
        ("UPDATE tokens SET revoked_at = 1 WHERE consent_id = ?", 31),
        ("UPDATE tokens SET expires_at = 1 WHERE consent_id = ?", 32),
        ("UPDATE consents SET withdrawn_at = 1 WHERE id = ?", 34),
        ("UPDATE consents SET expires_at = 1 WHERE id = ?", 35),
        ("UPDATE clients SET active = 0 WHERE id = ?", 3),  # user 3 has a token of client 3
    ],
)
def test_token_that_has_ended_is_refused(server: Running, change: str, number: int) -> None:
    token = DATA.people()[number - 1].token
    assert server.post(token, TIER).status_code == 200
    with closing(sqlite3.connect(server.database)) as database, database:
        database.execute(change, (number,))
    assert server.post(token, TIER).status_code == 401


def test_refresh_returns_a_token_for_dpop_and_stores_it(authorization_server: Running) -> None:
    response = authorization_server.refresh(DATA.refresh_tokens()[0])
    assert response.status_code == 200, response.text
    assert response.json()["token_type"] == "DPoP"
    assert peer_data.count(authorization_server.database)["token"] == 1


def test_unknown_refresh_token_is_refused(authorization_server: Running) -> None:
    response = authorization_server.refresh("unknown")
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
