"""GraphQL clients, and the audits of graphql-http, against a running sandbox with real tokens."""

from tests.support.node import MARKS, NodeProject
from tests.support.server import Sandbox

pytestmark = MARKS


def test_graphql_request_urql_and_apollo_client_work(npm: NodeProject, sqlite_sandbox: Sandbox) -> None:
    output = npm.run_checks("graphql_clients.mjs", sqlite_sandbox.folder / "credentials.json")
    assert output == ["9 checks, 0 failed"]


def test_no_audit_fails_or_warns_at_a_running_sandbox(npm: NodeProject, sqlite_sandbox: Sandbox) -> None:
    credentials = sqlite_sandbox.credentials
    done = npm.run(
        "graphql_http_audit.mjs", f"{credentials['issuer']}/graphql", credentials["merchants"][0]["merchant_token"]
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
