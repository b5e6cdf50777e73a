"""A partner's fresh start at a live sandbox: what ends, what stays, and what other partners notice.

The sandbox is that of this file, because other tests write events into the shared one that no log has."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.support.at_once import at_once
from tests.support.http_server import wait_until
from tests.support.merchant_client import CANCEL, REQUEST, TIER, order, request_input
from tests.support.operators import Gateway
from tests.support.sandbox_partner import Order, SandboxPartner
from tests.support.server import Sandbox

RESET = """mutation ($confirm: Boolean!) { sandboxReset(confirm: $confirm) {
  retiredCount userErrors { code field } } }"""
OVERVIEW = """{ viewer { appName merchant { id name products
  decisions { totalCount } consents { nodes { id } } events { nodes { id } } webhookEndpoints { nodes { id } } } }
  sandboxPersonas { id handle score } sandboxClock { offset } }"""
CREATE = (
    """mutation { sandboxPersonaCreate(input: {handle: "own", tier: GOOD}) { persona { id } userErrors { code } } }"""
)
MOVE = 'mutation { sandboxClockMove(move: {advanceBy: "PT2H"}) { clock { offset } } }'
HOOK = """mutation { webhookEndpointCreate(input: {url: "https://shop.example/hooks", topics: [DECISION_APPROVED]}) {
  webhookEndpoint { id } userErrors { code } } }"""
READ = "query ($id: ID!) { decision(by: {id: $id}) { id } }"


@pytest.fixture
def gateway(moving_sandbox: Sandbox) -> Gateway:
    return Gateway(
        moving_sandbox.database_url, moving_sandbox.folder, GATEWAY_ISSUER=str(moving_sandbox.credentials["issuer"])
    )


@pytest.fixture
def partner(moving_sandbox: Sandbox) -> Iterator[SandboxPartner]:
    opened = SandboxPartner(moving_sandbox)
    yield opened
    opened.close()


def overview(partner: SandboxPartner) -> Any:
    response = partner.post(OVERVIEW).json()
    assert "errors" not in response, response
    return response["data"]


def overview_with_events(partner: SandboxPartner, number: int) -> Any:
    """The overview, when the feed shows so many events: they are placed in it after their requests."""
    wait_until(lambda: len(overview(partner)["viewer"]["merchant"]["events"]["nodes"]) == number)
    return overview(partner)


def requested(partner: SandboxPartner, token: str, key: str = "same") -> Any:
    command = {**request_input(order()), "idempotencyKey": key, "merchantReference": key}
    payload = partner.data(REQUEST, token, input=command)
    assert payload["userErrors"] == []
    return payload


def use(partner: SandboxPartner) -> tuple[str, str]:
    """Makes one of everything. Returns a user token and the id of a decision."""
    token = partner.token()
    decision = requested(partner, token)["decision"]
    assert partner.data(CREATE)["userErrors"] == []
    assert partner.data(HOOK)["userErrors"] == []
    assert partner.data(MOVE)["clock"] == {"offset": "PT2H"}
    partner.inject(count=5, httpStatus=500)
    return token, str(decision["id"])


def reset(partner: SandboxPartner) -> int:
    payload = partner.data(RESET, confirm=True)
    assert payload["userErrors"] == []
    return int(payload["retiredCount"])


def test_reset_partner_is_as_on_its_first_day(partner: SandboxPartner, gateway: Gateway) -> None:
    fresh = overview(partner)
    token, decision = use(partner)
    assert reset(partner) == 9
    after = overview(partner)
    changed = [fresh["viewer"]["merchant"].pop("id"), after["viewer"]["merchant"].pop("id")]
    assert changed[0] != changed[1], "the merchant has a new id"
    ids = [[each.pop("id") for each in seen["sandboxPersonas"]] for seen in (fresh, after)]
    assert not set(ids[0]) & set(ids[1])
    assert after == fresh
    assert after["viewer"]["merchant"]["decisions"]["totalCount"] == 0

    assert partner.post(TIER, token).status_code == 401, "the consents have ended"
    assert partner.data(READ, id=decision) is None
    again = requested(partner, partner.token())
    assert (again["replayed"], again["decision"]["status"]) == (False, "APPROVED"), "keys and references are free"
    assert gateway("log", "verify").returncode == 0
    assert gateway("database", "check", "--deep").returncode == 0


def test_personas_sign_in_with_the_same_names_and_passwords(partner: SandboxPartner, gateway: Gateway) -> None:
    reset(partner)
    reset(partner)
    name = partner.credentials["partner"]
    printed = gateway.output("sandbox", "personas", name, "--json")
    for each in partner.credentials["personas"]:
        assert each["password"] in printed


LISTS = {
    "merchants": ("merchants", "list"),
    "decisions": ("decisions", "list", "--limit", "10000"),
    "disputes": ("disputes", "list"),
}


def listed(gateway: Gateway, *options: str) -> dict[str, set[str]]:
    """The ids in each list of the operator."""
    return {
        name: {each["id"] for each in json.loads(gateway.output(*command, *options, "--json"))}
        for name, command in LISTS.items()
    }


def test_operator_lists_what_was_replaced_only_if_asked(partner: SandboxPartner, gateway: Gateway) -> None:
    order = Order(partner)
    order.transit("activate")
    order.transit("breach", kind="OTHER")
    order.simulate("USER_DISPUTES")
    (dispute,) = order.read()["disputes"]["nodes"]
    merchant = overview(partner)["viewer"]["merchant"]["id"]
    old = {"merchants": merchant, "decisions": order.decision["id"], "disputes": dispute["id"]}
    assert {name for name, ids in listed(gateway).items() if old[name] in ids} == set(LISTS)
    reset(partner)
    assert {name for name, ids in listed(gateway).items() if old[name] in ids} == set()
    assert {name for name, ids in listed(gateway, "--all").items() if old[name] in ids} == set(LISTS)
    named = json.loads(gateway.output("decisions", "list", "--merchant", merchant, "--json"))
    assert [each["id"] for each in named] == [old["decisions"]]


def test_replaced_merchants_are_marked(partner: SandboxPartner, gateway: Gateway) -> None:
    old = overview(partner)["viewer"]["merchant"]["id"]
    reset(partner)
    new = overview(partner)["viewer"]["merchant"]["id"]
    merchants = {each["id"]: each for each in json.loads(gateway.output("merchants", "list", "--all", "--json"))}
    assert (merchants[old]["is_replaced"], merchants[new]["is_replaced"]) == (True, False)
    shown = json.loads(gateway.output("merchants", "show", old, "--json"))
    assert (shown["is_replaced"], shown["clients"]) == (True, []), "the clients have moved"
    clients = json.loads(gateway.output("clients", "list", "--json"))
    assert {each["merchant_id"] for each in clients} & {old, new} == {new}


def test_replaced_partner_has_no_sign_in_link(partner: SandboxPartner, gateway: Gateway) -> None:
    reset(partner)
    merchants = json.loads(gateway.output("merchants", "list", "--all", "--json"))
    name = partner.credentials["partner"]
    replaced = next(each["partner"]["name"] for each in merchants if each["partner"]["name"].startswith(f"{name} ("))
    assert "There is no partner" in gateway("sandbox", "partner", "link", replaced).stderr
    assert "There is no partner" in gateway("sandbox", "personas", replaced).stderr


def test_other_partner_keeps_everything(partner: SandboxPartner, moving_sandbox: Sandbox) -> None:
    with closing(SandboxPartner(moving_sandbox)) as other:
        token, decision = use(other)
        other.inject(count=0, httpStatus=500)
        before = overview_with_events(other, 3)
        use(partner)
        reset(partner)
        assert overview(other) == before
        assert other.data(TIER, token)["scoreTier"]["tier"] == "EXCELLENT"
        cancelled = other.data(CANCEL, input={"decisionId": decision, "idempotencyKey": "c", "reason": None})
        assert cancelled["userErrors"] == []


def test_reset_must_be_confirmed(partner: SandboxPartner) -> None:
    before = overview(partner)
    payload = partner.data(RESET, confirm=False)
    assert payload == {"retiredCount": 0, "userErrors": [{"code": "INVALID", "field": ["confirm"]}]}
    assert overview(partner) == before


def test_resets_at_the_same_moment_make_one_partner(partner: SandboxPartner, gateway: Gateway) -> None:
    payloads = at_once([lambda: partner.data(RESET, confirm=True)] * 4)
    assert all(not isinstance(each, Exception) for each in payloads)
    assert len(overview(partner)["sandboxPersonas"]) == 8
    assert gateway("database", "check", "--deep").returncode == 0
