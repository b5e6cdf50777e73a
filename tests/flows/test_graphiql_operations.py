"""The operations that the GraphiQL page has ready, over HTTP: each returns data without errors at each merchant."""

import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.support.graphiql import GraphiqlPage
from tests.support.operators import Gateway
from tests.support.plain_http import plain_client
from tests.support.server import Sandbox

ADAPTERS = (
    *("bike_share", "car_rental", "harbour_bikes", "hotel", "housing", "lender", "lotus_hotels"),
    *("online_shop", "retail_store"),
)


@pytest.fixture(scope="module")
def http(sqlite_sandbox: Sandbox) -> Iterator[httpx2.Client]:
    """A client with a session of the demo partner."""
    issuer = str(sqlite_sandbox.credentials["issuer"])
    gateway = Gateway(sqlite_sandbox.database_url, sqlite_sandbox.folder, GATEWAY_ISSUER=issuer)
    link = re.search(r"http\S+token=\S+", gateway.output("sandbox", "partner", "link"))
    assert link is not None
    with plain_client(issuer) as client:
        assert client.get(link[0]).status_code == 303
        yield client


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_each_operation_returns_data_without_errors(http: httpx2.Client, sqlite_sandbox: Sandbox, adapter: str) -> None:
    merchant = next(each for each in sqlite_sandbox.credentials["merchants"] if each["adapter"] == adapter)
    page = GraphiqlPage(http, merchant["id"])
    tokens = {kind: page.token(kind)["accessToken"] for kind in ("consent", "merchant")}

    def run(name: str, **variables: Any) -> Any:
        operation = page.operations[name]
        body = {"query": operation["document"], "variables": {**operation["variables"], **variables}}
        authorization = {"Authorization": f"Bearer {tokens[operation['token']]}"}
        response = http.post("/graphql", json=body, headers=authorization)
        assert response.status_code == 200, response.text
        assert "errors" not in response.json(), response.text
        return response.json()["data"]

    assert run("Tier")["consentedUser"]["meetsTier"] == "YES"
    assert run("Preview")["decisionPreview"]["likelyOutcome"]["__typename"] == "Approval"
    requested = run("Request")["decisionRequest"]
    assert (requested["userErrors"], requested["decision"]["status"]) == ([], "APPROVED")
    assert len(requested["decision"]["outcome"]["terms"]) > 1
    steps = page.operations["Lifecycle"]["variables"]
    identified = {step: {**values, "decisionId": requested["decision"]["id"]} for step, values in steps.items()}
    followed = run("Lifecycle", **identified)
    assert [followed[name]["userErrors"] for name in ("decisionActivate", "decisionFulfill")] == [[], []]
    assert followed["decisionFulfill"]["decision"]["status"] == "FULFILLED"
    log = run("Log")["merchant"]
    assert requested["decision"]["id"] in {node["id"] for node in log["decisions"]["nodes"]}


def test_each_page_has_new_keys(http: httpx2.Client) -> None:
    def keys(page: GraphiqlPage) -> set[str]:
        request = page.operations["Request"]["variables"]["input"]
        steps = page.operations["Lifecycle"]["variables"].values()
        return {request["idempotencyKey"], request["merchantReference"], *(each["idempotencyKey"] for each in steps)}

    first, second = keys(GraphiqlPage(http)), keys(GraphiqlPage(http))
    assert len(first | second) == 8
