"""Every case that a partner fears can be forced in a sandbox over HTTP: one test for each row of the table at the top
of docs/sandbox.md. CASES maps each row to its tests. Those in other files are named with their file."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.support.checkout import ROOT
from tests.support.merchant_client import REQUEST, TIER, MerchantClient, order, request_input
from tests.support.partner_time import until
from tests.support.point_of_sale import authorize_device, error, poll
from tests.support.sandbox_partner import Order, SandboxPartner
from tests.support.server import Sandbox
from tests.support.webhook_world import Received, Receiver, status

DECISIONS = "tests/flows/test_sandbox_decision_cases.py"
FAULTS = "tests/flows/test_injected_faults.py"
CASES = {
    "approved in full or in part, declined, without a score, overdue elsewhere": (
        f"{DECISIONS}::test_personas_have_their_outcomes",
    ),
    "any outcome for a person of your own": (f"{DECISIONS}::test_outcome_is_fixed_for_a_person_of_your_own",),
    "pending, then approved or declined": (f"{DECISIONS}::test_pending_decision_is_decided",),
    "the credit limit is full": (f"{DECISIONS}::test_limit_is_full",),
    "an approval expires": (f"{DECISIONS}::test_approval_expires",),
    "due, overdue, flag expired, written off": (
        f"{DECISIONS}::test_overdue_flag_comes_and_goes",
        f"{DECISIONS}::test_breach_is_written_off",
    ),
    "late, breached, cured": (f"{DECISIONS}::test_obligation_is_late", f"{DECISIONS}::test_breach_is_cured"),
    "disputed: upheld, rejected, not answered": (f"{DECISIONS}::test_dispute_ends",),
    "consent denied or narrowed": ("test_consent_is_denied_or_narrowed",),
    "consent revoked or expired, also with open obligations": ("test_consent_ends_with_an_open_obligation",),
    "access token expired": ("test_access_token_expires",),
    "refresh token used twice": ("test_refresh_token_is_used_twice",),
    "DPoP nonce demanded": (f"{FAULTS}::test_new_nonce_is_demanded_of_a_bound_token",),
    "score source down, 429, 500, late response": (
        f"{FAULTS}::test_score_service_is_down",
        f"{FAULTS}::test_throttled_call_is_not_executed",
        f"{FAULTS}::test_http_status_is_that_of_a_proxy",
        f"{FAULTS}::test_error_code_has_its_status",
        f"{FAULTS}::test_latency_delays_the_response",
    ),
    "response lost after the commit": (f"{FAULTS}::test_dropped_response_is_lost_after_the_commit",),
    "idempotency key reused, or in progress": (
        "test_idempotency_key_is_reused",
        f"{FAULTS}::test_idempotency_key_is_in_progress",
    ),
    "webhook twice, late, reordered, badly signed, of an unknown topic": (
        "test_webhook_arrives_in_an_unusual_way",
        "tests/schema/test_sandbox_faults.py::test_attempts_to_deliver_fail_without_being_made",
    ),
    "the top tier reached, or lost": (f"{DECISIONS}::test_top_tier_is_reached", f"{DECISIONS}::test_top_tier_is_lost"),
    "point of sale: approved, denied, expired, polled too fast": ("test_device_grant_ends",),
}
PAGE = ROOT / "docs" / "sandbox.md"

END = """mutation ($id: ID!, $as: ConsentStatus!) { sandboxConsentEnd(consentId: $id, as: $as) {
  consent { status } userErrors { code } } }"""
EXPIRE = "mutation ($id: ID!) { sandboxTokenExpire(consentId: $id) { expiredCount userErrors { code } } }"
DEVICE = """mutation ($code: String!, $event: SandboxDeviceEvent!, $persona: String) {
  sandboxDeviceSimulate(userCode: $code, event: $event, persona: $persona) {
    consent { status } userErrors { code field } } }"""
HOOK = """mutation ($url: String!) { webhookEndpointCreate(input: {url: $url, topics: [TEST]}) {
  webhookEndpoint { id } signingSecret userErrors { code } } }"""
TRIGGER = """mutation ($variant: SandboxWebhookVariant) { sandboxWebhookTrigger(topic: TEST, variant: $variant) {
  event { id } deliveries { status } } }"""


def test_consent_is_denied_or_narrowed(shared_partner: SandboxPartner) -> None:
    denied, narrowed = (shared_partner.grant(answer=answer, scopes=["score:tier"]) for answer in ("DENY", "NARROW"))
    assert ([each["code"] for each in denied["userErrors"]], denied["accessToken"]) == (["CONSENT_DENIED"], None)
    assert narrowed["consent"]["status"] == "ACTIVE"


@pytest.mark.parametrize("ending", ["REVOKED", "EXPIRED"])
def test_consent_ends_with_an_open_obligation(partner: SandboxPartner, ending: str) -> None:
    case = Order(partner)
    case.transit("activate")
    ended = partner.data(END, **{"id": case.grant["consent"]["id"], "as": ending})
    assert ended["consent"]["status"] == ending
    assert partner.post(TIER, case.grant["accessToken"]).status_code == 401
    assert case.read()["status"] == "ACTIVE"


def test_access_token_expires(shared_partner: SandboxPartner) -> None:
    grant = shared_partner.grant()
    assert shared_partner.data(EXPIRE, id=grant["consent"]["id"])["expiredCount"] == 1
    refused = shared_partner.post(TIER, grant["accessToken"])
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]


def test_refresh_token_is_used_twice(shared_partner: SandboxPartner) -> None:
    """All tokens that the first one has led to end."""
    shop = MerchantClient(shared_partner, "online_shop")
    first = shop.tokens()
    second = shop.app.refresh(first["refresh_token"]).json()
    third = shop.app.refresh(second["refresh_token"]).json()
    assert shared_partner.post(TIER, third["access_token"]).status_code == 200
    assert shop.app.refresh(first["refresh_token"]).json()["error"] == "invalid_grant"
    assert shop.app.refresh(third["refresh_token"]).json()["error"] == "invalid_grant"
    statuses = [shared_partner.post(TIER, each["access_token"]).status_code for each in (first, second, third)]
    assert statuses == [401, 401, 401]
    shop.close()


def test_idempotency_key_is_reused(shared_partner: SandboxPartner) -> None:
    token = shared_partner.token()
    command = request_input(order("1.00"))
    shared_partner.data(REQUEST, token, input=command)
    payload = shared_partner.data(REQUEST, token, input={**command, "ask": order("2.00")})
    (problem,) = payload["userErrors"]
    assert (problem["code"], problem["differingFields"]) == (
        "IDEMPOTENCY_KEY_REUSED",
        [["input", "ask", "onlineOrder", "amount", "amount"]],
    )


def verifies(received: Received, secret: str) -> bool:
    try:
        Webhook(secret).verify(received.body, received.headers)
    except Exception:  # noqa: BLE001  # whatever the library raises
        return False
    return True


@pytest.mark.parametrize(
    "variant", ["NORMAL", "DUPLICATE", "REORDERED", "BAD_SIGNATURE", "OLD_TIMESTAMP", "UNKNOWN_TOPIC"]
)
def test_webhook_arrives_in_an_unusual_way(partner: SandboxPartner, variant: str) -> None:
    expected = 2 if variant in {"DUPLICATE", "REORDERED"} else 1
    answer = status(204)
    with Receiver(lambda _: answer) as receiver:
        created = partner.data(HOOK, url=receiver.url())
        assert created["userErrors"] == []
        partner.data(TRIGGER, variant=variant)
        received = until(lambda: list(receiver.received), lambda seen: len(seen) >= expected)
    sequences = [each.document.get("sequence", 0) for each in received]
    valid = [verifies(each, created["signingSecret"]) for each in received]
    unusual = {
        "NORMAL": valid == [True],
        "DUPLICATE": len({each.event_id for each in received}) == 1,
        "REORDERED": sequences == sorted(sequences, reverse=True) and len(set(sequences)) == 2,
        "BAD_SIGNATURE": valid == [False],
        "OLD_TIMESTAMP": valid == [False],
        "UNKNOWN_TOPIC": received[0].document["type"] == "sandbox.unknown",
    }
    assert unusual[variant], [each.document for each in received]


SALE = {
    "type": "decision",
    "products": ["PAY_LATER"],
    "maximum_amount": {"amount": "268.00", "currency": "CNY"},
    "store_id": "Store 17",
    "terminal_id": "T-3",
}


def decide(partner: SandboxPartner, code: str, event: str, persona: str | None = "good") -> Any:
    return partner.data(DEVICE, code=code, event=event, persona=persona)


@pytest.mark.parametrize(
    ("event", "answer"), [("APPROVE", ""), ("DENY", "access_denied"), ("EXPIRE", "expired_token"), (None, "slow_down")]
)
def test_device_grant_ends(shared_partner: SandboxPartner, event: str | None, answer: str) -> None:
    app = shared_partner.app
    device = authorize_device(app, SALE)
    if event is None:
        assert error(poll(app, device["device_code"])) == "authorization_pending"
    else:
        payload = decide(shared_partner, device["user_code"], event, None if event == "EXPIRE" else "good")
        assert payload["userErrors"] == []
        assert payload["consent"] == ({"status": "ACTIVE"} if event == "APPROVE" else None)
    response = poll(app, device["device_code"])
    if event != "APPROVE":
        assert error(response) == answer
        return
    assert response.json()["scope"] == "decisions:request"
    assert shared_partner.data("{ viewer { scopes } }", response.json()["access_token"]) == {
        "scopes": ["decisions:request"]
    }


def test_device_code_is_decided_once_and_by_the_own_partner(partner: SandboxPartner, sqlite_sandbox: Sandbox) -> None:
    code = authorize_device(partner.app, SALE)["user_code"]
    other = SandboxPartner(sqlite_sandbox)
    foreign = decide(other, code, "APPROVE")
    other.close()
    unnamed, unknown = decide(partner, code, "APPROVE", None), decide(partner, code, "APPROVE", "nobody")
    assert decide(partner, code, "DENY")["userErrors"] == []
    again, wrong = decide(partner, code, "APPROVE"), decide(partner, "not a code", "DENY")
    problems = [each["userErrors"][0] for each in (foreign, unnamed, unknown, again, wrong)]
    assert [(each["code"], each["field"]) for each in problems] == [
        ("NOT_FOUND", ["userCode"]),
        ("INVALID", ["persona"]),
        ("NOT_FOUND", ["persona"]),
        ("INVALID", ["userCode"]),
        ("NOT_FOUND", ["userCode"]),
    ]


def test_table_of_the_page_has_these_cases() -> None:
    introduction = PAGE.read_text(encoding="utf-8").partition("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \| .+ \|$", introduction, re.MULTILINE)
    assert rows == ["case", *CASES]


@pytest.mark.parametrize("name", sorted({name for names in CASES.values() for name in names}))
def test_named_test_exists(name: str) -> None:
    file, _, test = name.rpartition("::")
    tree = ast.parse((ROOT / file if file else Path(__file__)).read_text(encoding="utf-8"))
    assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
