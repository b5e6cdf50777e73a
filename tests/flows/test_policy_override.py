"""A merchant's policy override at a live server: it decides the next request, and its version is in the provenance."""

from datetime import UTC, datetime
from pathlib import Path

from tests.support.merchant_client import MerchantClient, car
from tests.support.operators import Gateway
from tests.support.server import Sandbox

PROVENANCE = "query ($id: ID!) { node(id: $id) { ... on Decision { provenance { policyVersion policyHash ruleId } } } }"
HEADER = 'policy = "car_rental"\ncurrency = "CNY"\n'


def test_override_decides_the_next_request(seeded_state: tuple[str, Path], tmp_path: Path) -> None:
    bounds, north = tmp_path / "bounds.toml", tmp_path / "north.toml"
    bounds.write_text(f"{HEADER}[rule.very-good]\nshare = {{ at_least = 60, at_most = 90 }}\n", encoding="utf-8")
    today = datetime.now(UTC).date()
    north.write_text(
        f'{HEADER}version = "north-1"\neffective = {today}\n[rule.very-good]\nshare = 90\n', encoding="utf-8"
    )
    operator = Gateway(*seeded_state)

    with Sandbox(*seeded_state) as sandbox:
        partner = MerchantClient(sandbox)
        try:
            merchant = partner.graphql(partner.merchant_token, "{ merchant { id } }").body["data"]["merchant"]["id"]
            token = partner.token("just-below")
            before = partner.request(token, car())["decision"]
            operator.output("policy", "bounds", merchant, "car_rental", str(bounds))
            operator.output("policy", "override", merchant, "car_rental", str(north))
            after = partner.request(token, car())["decision"]
            provenances = [
                partner.graphql(
                    partner.merchant_token,
                    PROVENANCE,
                    id=decision["id"],
                ).body["data"]["node"]["provenance"]
                for decision in (before, after)
            ]
        finally:
            partner.close()
        explained = operator.output("policy", "explain", after["id"])
        deep = operator.output("database", "check", "--deep")

    assert [each["outcome"]["terms"]["waivedAmount"]["amount"] for each in (before, after)] == ["2100.00", "2700.00"]
    assert [each["policyVersion"] for each in provenances] == ["2026-11-29", "2026-11-29+north-1"]
    assert provenances[0]["policyHash"] != provenances[1]["policyHash"]
    assert provenances[0]["ruleId"] == provenances[1]["ruleId"]
    assert f"policy: car_rental 2026-11-29+north-1, {provenances[1]['policyHash']}" in explained
    assert "  very-good: matched" in explained
    assert deep
