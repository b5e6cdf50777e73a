"""Receipts: anybody can verify a decision later without this server, and a receipt contains no personal data."""

import json
import subprocess
import sys
from base64 import urlsafe_b64encode
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.checkout import ROOT
from tests.support.merchant_client import MerchantClient, car, order
from tests.support.receipts import RECEIPT, claims_of
from tests.support.server import Sandbox
from tests.support.transitions import TRANSITIONS, transition_input

ACTIVATE = """mutation A($input: DecisionActivateInput!) { decisionActivate(input: $input) {
  decision { status receipt } userErrors { code } } }"""


def receipt_of(partner: MerchantClient, token: str, decision: dict[str, Any]) -> str:
    found = partner.graphql(token, RECEIPT, id=decision["id"]).data["decision"]
    assert found["receipt"] is not None
    return str(found["receipt"])


def encoded(document: Any) -> str:
    return urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def verify(receipt: str, keys: Any, issuer: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Runs the verifier of the documentation with two files and without network."""
    (folder / "receipt.txt").write_text(receipt)
    (folder / "jwks.json").write_text(json.dumps(keys))
    command = [sys.executable, str(ROOT / "docs/examples/verify_receipt.py")]
    files = [str(folder / "receipt.txt"), str(folder / "jwks.json"), issuer]
    return subprocess.run([*command, *files], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def partner(sandbox: Sandbox) -> Any:
    made = MerchantClient(sandbox)
    yield made
    made.close()


def test_receipt_is_verified_offline(partner: MerchantClient, tmp_path: Path) -> None:
    decision = partner.request(partner.token(), car())["decision"]
    receipt = receipt_of(partner, partner.merchant_token, decision)
    keys, issuer = partner.http.get("/oauth/jwks").json(), partner.credentials["issuer"]
    done = verify(receipt, keys, issuer, tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"{decision['id']} ({decision['merchantReference']}) is APPROVED since" in done.stdout
    claims = claims_of(receipt)
    assert claims["decision"]["outcome"]["terms"]["waived_amount"] == {"amount": "3000.00", "currency": "CNY"}
    assert claims["sub"] == decision["subject"]

    head, body, signature = receipt.split(".")
    claims["decision"]["status"] = "FULFILLED"
    forged = f"{head}.{encoded(claims)}.{signature}"
    none = f"{encoded({'alg': 'none'})}.{body}."
    for bad, reason in (
        (forged, "No key of the set has signed"),
        (none, "No key of the set has signed"),
        ("junk", "No key of the set has signed"),
    ):
        done = verify(bad, keys, issuer, tmp_path)
        assert (done.returncode, done.stdout) == (1, "")
        assert reason in done.stderr
    assert verify(receipt, {"keys": []}, issuer, tmp_path).returncode == 1
    assert "not a receipt of this gateway" in verify(receipt, keys, "https://other.example", tmp_path).stderr


def test_each_transition_has_its_receipt(partner: MerchantClient) -> None:
    decision = partner.request(partner.token(), car())["decision"]
    first = claims_of(receipt_of(partner, partner.merchant_token, decision))
    given = {"decisionId": decision["id"], "idempotencyKey": f"a-{decision['id']}"}
    payload = partner.graphql(partner.merchant_token, ACTIVATE, input=given).data["decisionActivate"]
    second = claims_of(payload["decision"]["receipt"])
    assert (first["decision"]["event"], second["decision"]["event"]) == ("DECISION_APPROVED", "DECISION_ACTIVATED")
    assert second["decision"]["status"] == payload["decision"]["status"] == "ACTIVE"
    assert second["log"]["leaf_index"] > first["log"]["leaf_index"]
    assert first["jti"] != second["jti"]


def test_receipt_has_the_outstanding_amount_and_due_date(partner: MerchantClient) -> None:
    decision = partner.request(partner.token(), car("500.00"))["decision"]
    steps = []
    for move, amount in (("activate", None), ("extend", None), ("part", {"amount": "120.00", "currency": "CNY"})):
        given = transition_input(move, decision["id"], amount=amount)
        (payload,) = partner.graphql(partner.merchant_token, TRANSITIONS[move].document, input=given).data.values()
        assert payload["userErrors"] == []
        receipt = claims_of(receipt_of(partner, partner.merchant_token, decision))["decision"]["settlement"]
        shown = payload["decision"]["settlement"]
        assert datetime.fromisoformat(receipt["due_at"]) == datetime.fromisoformat(shown["dueAt"])
        amounts = [receipt[name]["amount"] for name in ("due", "settled", "outstanding")]
        assert amounts == [shown[name]["amount"] for name in ("due", "settled", "outstanding")]
        steps.append((amounts, receipt["due_at"]))
    (agreed, first), (_, extended), (rest, _) = steps
    assert (agreed, rest) == (["500.00", "0.00", "500.00"], ["500.00", "120.00", "380.00"])
    assert first < extended


def test_receipts_of_two_merchants_cannot_be_linked(partner: MerchantClient, sandbox: Sandbox) -> None:
    shop = MerchantClient(sandbox, "online_shop")
    try:
        receipts = [
            claims_of(receipt_of(one, one.merchant_token, one.request(one.token("good"), ask)["decision"]))
            for one, ask in ((partner, car()), (shop, order("20.00")))
        ]
    finally:
        shop.close()
    texts = [{str(value) for value in _values(each)} for each in receipts]
    shared = texts[0] & texts[1]
    assert receipts[0]["sub"] != receipts[1]["sub"]
    assert not [text for text in shared if text.startswith(("sub_", "usr_", "con_"))]


def _values(document: Any) -> list[Any]:
    if isinstance(document, dict):
        return [leaf for value in document.values() for leaf in _values(value)]
    return [leaf for value in document for leaf in _values(value)] if isinstance(document, list) else [document]
