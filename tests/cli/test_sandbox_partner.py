"""`gateway sandbox partner new`: a partner of its own for each run of a test suite."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.operators import Gateway
from tests.support.server import Sandbox

GRANT = 'mutation { sandboxConsentGrant(persona: "excellent") { accessToken userErrors { message } } }'
CLOCK = "{ sandboxClock { offset } }"
MOVE = 'mutation { sandboxClockMove(move: {advanceBy: "P1D"}) { clock { offset } } }'
TIER = "{ consentedUser { scoreTier { tier } } }"


def query(credentials: dict[str, Any], token: str, document: str) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    response = httpx2.post(credentials["graphql"], json={"query": document}, headers=headers, timeout=20)
    assert response.status_code == 200, response.text
    return response.json()["data"]


def new_partner(gateway: Gateway, *name: str) -> dict[str, Any]:
    credentials: dict[str, Any] = json.loads(gateway.output("sandbox", "partner", "new", *name, "--json"))
    return credentials


def test_new_partner_works_at_once_with_data_and_time_of_its_own(own_sandbox: Sandbox) -> None:
    gateway = Gateway(
        own_sandbox.database_url, own_sandbox.folder, GATEWAY_ISSUER=str(own_sandbox.credentials["issuer"])
    )
    one, other = new_partner(gateway), new_partner(gateway, "ci-17")
    assert other["partner"] == "ci-17"
    assert one["partner"].startswith("test-")
    for credentials in (one, other):
        assert credentials.keys() - {"partner"} == own_sandbox.credentials.keys()
        assert len(credentials["personas"]) == len(own_sandbox.credentials["personas"])
    assert {each["username"] for each in other["personas"]} >= {"excellent@ci-17"}

    tokens = [str(each["merchants"][0]["merchant_token"]) for each in (one, other)]
    user_token = query(one, tokens[0], GRANT)["sandboxConsentGrant"]["accessToken"]
    assert query(one, user_token, TIER)["consentedUser"]["scoreTier"]["tier"] == "EXCELLENT"
    assert query(one, tokens[0], MOVE)["sandboxClockMove"]["clock"]["offset"] == "P1D"
    assert query(other, tokens[1], CLOCK)["sandboxClock"]["offset"] == "PT0S"


def test_clients_are_listed_for_people_without_secrets(own_sandbox: Sandbox, tmp_path: Path) -> None:
    gateway = Gateway(own_sandbox.database_url, own_sandbox.folder, GATEWAY_ISSUER="http://127.0.0.1:8000")
    output = gateway.output("sandbox", "partner", "new", "ci-18")
    assert output.startswith("Partner ci-18 at http://127.0.0.1:8000\n")
    assert "Demo Car Rental ci-18" in output
    assert [word for word in output.split() if "sgw_test_" in word and "/partners/sign-in?" not in word] == []


def test_printed_links_sign_browsers_in(own_sandbox: Sandbox) -> None:
    gateway = Gateway(
        own_sandbox.database_url, own_sandbox.folder, GATEWAY_ISSUER=str(own_sandbox.credentials["issuer"])
    )
    named = json.loads(gateway.output("sandbox", "partner", "link", "--json"))
    assert (named["partner"], named["sign_in_link_expires_in"]) == ("demo", 12 * 3600)
    printed = gateway.output("sandbox", "partner", "link").split()
    of_new = new_partner(gateway, "ci-19")
    links = [*(each["sign_in_link"] for each in (named, own_sandbox.credentials, of_new)), printed[-1]]
    for link, partner in zip(links, ("demo", "demo", "ci-19", "demo"), strict=True):
        with httpx2.Client(timeout=20) as browser:
            assert f"<strong>{partner}</strong>" in browser.get(link, follow_redirects=True).text


@pytest.mark.parametrize("command", ["new", "link"])
def test_live_deployment_has_no_such_partners(tmp_path: Path, command: str) -> None:
    live = {"GATEWAY_ENVIRONMENT": "live", "GATEWAY_ISSUER": "https://a.example", "GATEWAY_ADAPTERS": "car_rental"}
    done = Gateway(f"sqlite:///{tmp_path}/none.db", tmp_path, **live, GATEWAY_SECRET_KEY="k" * 64)(
        "sandbox", "partner", command
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stdout == ""
