"""The first decision of a merchant at a live deployment: a key pair, a person's consent, the tier, and a decision.

    python first_decision.py new-key merchant.jwk > merchant-keys.json
    python first_decision.py https://gateway.example cli_... merchant.jwk http://127.0.0.1:8090/callback

The first command writes a private key, unless the file has one, and prints the public one. The second prints a link,
waits at the redirect URI for the person's decision, and then asks to waive the deposit for a rental car. It needs
fapi2_client.py in the same folder.
"""

import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any

from fapi2_client import FapiClient, ask_for_consent
from joserfc.jwk import ECKey

DETAILS: list[dict[str, Any]] = [
    {"type": "score", "level": "tier", "purpose": "CAR_RENTAL"},
    {
        "type": "decision",
        "products": ["DEPOSIT_WAIVER"],
        "purpose": "CAR_RENTAL",
        "maximum_amount": {"amount": "3000.00", "currency": "CNY"},
    },
]
TIER_QUERY = "{ consentedUser { scoreTier { tier } } }"
REQUEST = """mutation Request($input: DecisionRequestInput!) {
  decisionRequest(input: $input) {
    decision {
      id status
      outcome {
        ... on Approval { terms { ... on DepositTerms { waivedAmount { amount currency } depositDue { amount } } } }
        ... on Decline { reasons { code message } }
      }
    }
    userErrors { code message }
  }
}"""


def make_key(file: str) -> None:
    """Writes a new private key to the file, or keeps the one that it has, and prints the public key as a JWK Set."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        key = ECKey.import_key(json.loads(Path(file).read_text()))
    else:
        key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"})
        key.ensure_kid()
        with os.fdopen(descriptor, "w") as stream:
            json.dump(key.as_dict(private=True), stream)
    print(json.dumps({"keys": [key.as_dict(private=False)]}))


def ask_about_deposit() -> dict[str, Any]:
    """Returns what the merchant wants a decision about: a deposit of 3000 yuan for a car, rented tomorrow for three
    days."""
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    rental = {"start": start.isoformat(), "end": (start + timedelta(days=3)).isoformat()}
    return {
        "carRental": {
            "deposit": {"amount": "3000.00", "currency": "CNY"},
            "vehicleValue": {"amount": "180000.00", "currency": "CNY"},
            "rental": rental,
            "acceptReduction": True,
        }
    }


def main(issuer: str, client_id: str, key_file: str, redirect_uri: str) -> None:
    client = FapiClient(issuer, client_id, json.loads(Path(key_file).read_text()))
    tokens = ask_for_consent(client, DETAILS, redirect_uri)
    print("Granted:", tokens["scope"])

    def execute(query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        response = client.query(f"{issuer}/graphql", tokens["access_token"], query, variables).json()
        if "errors" in response:
            sys.exit(f"The request failed: {response['errors'][0]['message']}")
        data: dict[str, Any] = response["data"]
        return data

    print("Tier:", execute(TIER_QUERY)["consentedUser"]["scoreTier"]["tier"])

    # The key makes a repeated request return the same decision. The reference is the merchant's own number.
    order = f"order-{token_hex(4)}"
    keys = {"idempotencyKey": f"{order}-request", "merchantReference": order}
    result = execute(REQUEST, {"input": {**keys, "ask": ask_about_deposit()}})["decisionRequest"]
    if result["userErrors"]:
        sys.exit(f"The request was refused: {result['userErrors'][0]['message']}")
    decision = result["decision"]
    print("Decision:", decision["id"], decision["status"])
    if decision["status"] == "APPROVED":
        terms = decision["outcome"]["terms"]
        print("Waived:", terms["waivedAmount"]["amount"], "Still due:", terms["depositDue"]["amount"])
    for reason in decision["outcome"].get("reasons", ()):
        print(f"Reason: {reason['code']} {reason['message']}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["new-key", key_file]:
            make_key(key_file)
        case [issuer, client_id, key_file, redirect_uri]:
            main(issuer, client_id, key_file, redirect_uri)
        case _:
            sys.exit("Use: first_decision.py new-key FILE, or: first_decision.py ISSUER CLIENT_ID FILE REDIRECT_URI")
