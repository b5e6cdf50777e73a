"""`gateway clients documents`: registration from each kind of file, faults, list and removal."""

import hashlib
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.identity.trusted_document import compute_id
from gateway.store.database import Database
from tests.support.factories import make_client, make_merchant, make_partner
from tests.support.operators import Gateway
from tests.support.units import writing

NAME, TWO = "query Name { viewer { appName } }\n", "query A { viewer { appName } } query B { viewer { appName } }"
TIER = "query Tier {\n  consentedUser { scoreTier { tier } }\n}"


@pytest.fixture
def gateway(sqlite_url: str, tmp_path: Path) -> Gateway:
    return Gateway(sqlite_url, tmp_path)


@pytest.fixture
def client(sqlite_url: str) -> str:
    with closing(Database(sqlite_url)) as database, writing(database) as unit:
        return make_client(unit, make_merchant(unit, make_partner(unit)), scopes=["decisions:read"])


def listed(gateway: Gateway, client: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(gateway.output("clients", "documents", client, "--json"))
    return found


def write(folder: Path, name: str, content: Any) -> str:
    file = folder / name
    file.write_bytes((content if isinstance(content, str) else json.dumps(content)).encode())
    return str(file)


def test_graphql_file_is_registered_by_its_hash_once(gateway: Gateway, client: str, tmp_path: Path) -> None:
    file = write(tmp_path, "name.graphql", NAME)
    document_id = f"sha256:{hashlib.sha256(Path(file).read_bytes()).hexdigest()}"
    assert gateway.output("clients", "documents", client, file) == f"added      {document_id}"
    assert gateway.output("clients", "documents", client, "-", stdin=NAME) == f"unchanged  {document_id}"
    (found,) = listed(gateway, client)
    assert found.pop("created_at").endswith("Z")
    assert found == {"document_id": document_id, "operations": ["Name"], "characters": len(NAME)}


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param({compute_id(NAME): NAME, "a" * 40: TWO}, id="Code Generator"),
        pytest.param(
            {
                "format": "apollo-persisted-query-manifest",
                "version": 1,
                "operations": [
                    {"id": compute_id(NAME).removeprefix("sha256:"), "name": "Name", "type": "query", "body": NAME},
                    {"id": "a" * 40, "name": "A", "type": "query", "body": TWO},
                ],
            },
            id="Apollo",
        ),
    ],
)
def test_manifest_is_registered(gateway: Gateway, client: str, tmp_path: Path, manifest: Any) -> None:
    file = write(tmp_path, "manifest.json", manifest)
    result = json.loads(gateway.output("clients", "documents", client, file, "--json"))
    assert result == {"added": ["a" * 40, compute_id(NAME)], "unchanged": [], "removed": [], "faults": []}
    table = gateway.output("clients", "documents", client, "--list")
    assert "A B" in table
    assert compute_id(NAME) in table


def test_faults_name_document_and_position_and_nothing_is_registered(
    gateway: Gateway, client: str, tmp_path: Path
) -> None:
    manifest = {"Name": NAME, "Broken": "query Broken {\n  viewer { a b }\n}", "Tier": TIER, compute_id("other"): TWO}
    file = write(tmp_path, "manifest.json", manifest)
    completed = gateway("clients", "documents", client, file)
    assert (completed.returncode, completed.stdout) == (1, "")
    lines = completed.stderr.splitlines()
    assert [line.partition(": ")[0] for line in lines] == [
        "document 2 Broken, line 2, column 12",
        "document 2 Broken, line 2, column 14",
        "document 3 Tier, line 2, column 19",
        f"document 4 {compute_id('other')}",
        "error",
    ]
    assert lines[0].endswith("Cannot query field 'a' on type 'Viewer'. (GRAPHQL_VALIDATION_FAILED)")
    assert lines[2].endswith("It needs the scope score:tier. (FORBIDDEN)")
    assert lines[-1] == "error: Nothing was registered, because of 4 fault(s)."
    assert listed(gateway, client) == []


def test_faults_as_json(gateway: Gateway, client: str, tmp_path: Path) -> None:
    completed = gateway("clients", "documents", client, write(tmp_path, "m.json", {"Tier": TIER}), "--json")
    assert completed.returncode == 1
    result = json.loads(completed.stdout)
    (fault,) = result.pop("faults")
    assert result == {"added": [], "unchanged": [], "removed": []}
    assert fault.pop("message").startswith("No token of this client can read ConsentedUser.scoreTier.")
    assert fault == {"document_id": "Tier", "code": "FORBIDDEN", "line": 2, "column": 19}


def test_document_over_the_maximum_cost_of_the_deployment_is_refused(
    sqlite_url: str, client: str, tmp_path: Path
) -> None:
    page = "query Page { merchant { decisions(first: 100) { nodes { id timeline { nodes { id } } } } } }"
    gateway = Gateway(sqlite_url, tmp_path, GATEWAY_QUERY_MAXIMUM_COST="100")
    completed = gateway("clients", "documents", client, write(tmp_path, "page.graphql", page))
    assert completed.returncode == 1
    assert "more than the maximum of 100" in completed.stderr


def test_replacement_and_removal(gateway: Gateway, client: str, tmp_path: Path) -> None:
    gateway.output("clients", "documents", client, write(tmp_path, "m.json", {"Name": NAME, "Two": TWO}))
    replaced = gateway.output("clients", "documents", client, "--replace", write(tmp_path, "n.json", {"Two": TWO}))
    assert replaced.splitlines() == ["unchanged  Two", "removed    Name"]
    assert "no document Name" in gateway.error_line("clients", "documents", client, "--remove", "Name")
    assert gateway.output("clients", "documents", client, "--remove", "Two") == f"Removed 1 document(s) of {client}."
    assert listed(gateway, client) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(("a.graphql", "--list"), "only one of", id="file and list"),
        pytest.param(("--remove", "a", "--list"), "only one of", id="remove and list"),
        pytest.param(("--replace",), "needs a FILE", id="replace nothing"),
        pytest.param(("none.graphql",), "cannot be read", id="no such file"),
    ],
)
def test_contradictory_options_are_refused(
    gateway: Gateway, client: str, arguments: tuple[str, ...], message: str
) -> None:
    assert message in gateway.error_line("clients", "documents", client, *arguments)


def test_unknown_client_is_refused(gateway: Gateway, tmp_path: Path) -> None:
    file = write(tmp_path, "name.graphql", NAME)
    assert "cli_none" in gateway.error_line("clients", "documents", "cli_none", file)
    assert "cli_none" in gateway.error_line("clients", "documents", "cli_none")


@pytest.mark.parametrize("content", ["{", '["a"]', '{"a": 1}', '{"a\\u001b[31m": "{"}'])
def test_junk_is_refused_without_a_traceback(gateway: Gateway, client: str, tmp_path: Path, content: str) -> None:
    completed = gateway("clients", "documents", client, write(tmp_path, "m.json", content))
    assert completed.returncode == 1
    assert "Traceback" not in completed.stderr
    assert "\x1b" not in completed.stderr
