"""A shadow policy at a live server: the partner gets the result of the live policy, the operator sees both."""

from pathlib import Path

from tests.support.checkout import ROOT
from tests.support.merchant_client import MerchantClient, car
from tests.support.operators import Gateway
from tests.support.server import Sandbox


def test_partner_gets_no_result_of_the_shadow_policy(seeded_state: tuple[str, Path], tmp_path: Path) -> None:
    text = (ROOT / "merchants" / "car_rental" / "policy.toml").read_text(encoding="utf-8")
    strict = text.replace('version = "2026-11-29"', 'version = "strict"').replace("share = 70", "share = 60")
    file = tmp_path / "next.toml"
    file.write_text(strict, encoding="utf-8")
    operator = Gateway(*seeded_state)

    with Sandbox(*seeded_state, shadow_policies=f"car_rental={file}") as sandbox:
        partner = MerchantClient(sandbox)
        try:
            decision = partner.request(partner.token("just-below"), car())["decision"]
            timeline = partner.graphql(
                partner.merchant_token,
                "query ($id: ID!) { node(id: $id) { ... on Decision { provenance { policyVersion policyHash }"
                " timeline { nodes { topic } } } } }",
                id=decision["id"],
            ).body
        finally:
            partner.close()
        comparison = operator.output("policy", "shadow", "car_rental").splitlines()
        explained = operator.output("policy", "explain", decision["id"])

    assert decision["outcome"]["terms"]["waivedAmount"]["amount"] == "2100.00"
    assert "strict" not in repr((decision, timeline))
    assert "2026-11-29" in repr(timeline)
    assert comparison[1].split() == ["VERY_GOOD", "APPROVED", "APPROVED", "1", "2100.00", "CNY", "1800.00", "CNY"]
    assert comparison[2].startswith("car_rental strict (")
    assert comparison[2].endswith("1 of 1 differs.")
    assert "policy: car_rental 2026-11-29, " in explained
    assert "  very-good: matched" in explained
