"""gql, a GraphQL client for Python, against a live sandbox: it reads the schema, and executes what fits it."""

from typing import Any

import pytest

from tests.support.sandbox_partner import SandboxPartner
from tests.support.server import Sandbox

gql: Any = pytest.importorskip("gql", reason="tests/fuzz/requirements.lock is not installed")
pytestmark = pytest.mark.slow

REQUEST = """mutation Request($input: DecisionRequestInput!) { decisionRequest(input: $input) {
  decision { id status } userErrors { code } } }"""
ORDER = {"onlineOrder": {"amount": {"amount": "40.00", "currency": "CNY"}, "payWithin": "P7D"}}


def test_gql_reads_the_schema_and_requests_a_decision(sqlite_sandbox: Sandbox) -> None:
    requests: Any = pytest.importorskip("gql.transport.requests")
    graphql, partner = sqlite_sandbox.credentials["graphql"], SandboxPartner(sqlite_sandbox)
    transport = requests.RequestsHTTPTransport(graphql, headers={"Authorization": f"Bearer {partner.token()}"})
    with gql.Client(transport=transport, fetch_schema_from_transport=True) as session:
        call = {"idempotencyKey": "gql", "merchantReference": "gql", "ask": ORDER}
        result = session.execute(gql.GraphQLRequest(REQUEST, variable_values={"input": call}))
        assert result["decisionRequest"]["decision"]["status"] == "APPROVED"
        with pytest.raises(Exception, match="Cannot query field 'nothing'"):
            session.execute(gql.gql("{ viewer { nothing } }"))
    partner.close()
