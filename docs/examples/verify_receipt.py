"""Verifies the receipt of a decision offline, with a saved key set, and prints its content.

    curl -s https://gateway.example/oauth/jwks > jwks.json
    python docs/examples/verify_receipt.py receipt.txt jwks.json https://gateway.example

The receipt is `Decision.receipt` of the API: a compact JWS (RFC 7515) over the newest entry of the decision log. Keep
the receipt and the key set as long as you may need them as evidence. The program needs joserfc, and no network. For an
invalid receipt it prints one line with the reason and exits with 1.
"""

import json
import sys
from pathlib import Path
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet


class _EdDSAOnly(jws.JWSRegistry):
    """Accepts the algorithm EdDSA only."""

    def get_alg(self, name: str) -> Any:
        if name != "EdDSA":
            raise JoseError("another algorithm")
        return self.algorithms[name]


def verify(receipt: str, key_set: Any, issuer: str) -> dict[str, Any]:
    """Returns the claims of a receipt that a key of the set has signed. Raises ValueError with the reason otherwise."""
    # joserfc does not check this, and would raise some other exception.
    if not isinstance(key_set, dict) or not isinstance(key_set.get("keys"), list):
        raise ValueError("The key file does not contain a JSON Web Key Set.")
    try:
        keys = KeySet.import_key_set(key_set)
        signed = jws.deserialize_compact(receipt.strip(), keys, registry=_EdDSAOnly(algorithms=["EdDSA"]))
        claims = json.loads(signed.payload)
    except (JoseError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ValueError("No key of the set has signed this receipt.") from None
    is_receipt = signed.headers().get("typ") == "decision-receipt+jwt" and isinstance(claims, dict)
    if not is_receipt or claims.get("iss") != issuer:
        raise ValueError("The signature is valid, but this is not a receipt of this gateway.")
    return claims


def describe(claims: dict[str, Any]) -> str:
    """Returns the content of the receipt in a few lines. Raises ValueError if a member is missing."""
    try:
        decision, log = claims["decision"], claims["log"]
        policy, settlement = decision["policy"], decision["settlement"]  # null if the request was not approved
        lines = [
            f"{decision['id']} ({decision['merchant_reference']}) is {decision['status']} since {decision['at']}.",
            f"Policy {policy['adapter']} {policy['version']}, {policy['hash']}.",
            f"Log entry {claims['jti']}, index {log['leaf_index']}, leaf hash {log['leaf_hash']}.",
        ]
        if settlement is not None:
            money = settlement["outstanding"]
            lines.insert(1, f"Outstanding: {money['amount']} {money['currency']}, due at {settlement['due_at']}.")
        return "\n".join(lines)
    except (KeyError, TypeError):
        raise ValueError("The signature is valid, but members of the receipt are missing.") from None


def read_text(file: str) -> str:
    """Returns the text of a file. Raises ValueError if it cannot be read."""
    try:
        return Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ValueError(f"{file} is not text in UTF-8.") from None


def parse_json(text: str) -> Any:
    """Returns the value of a JSON text. Raises ValueError if it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("The key file does not contain JSON.") from None


def main(receipt: str, key_set: str, issuer: str) -> None:
    """Verifies the receipt and prints its content."""
    try:
        print(describe(verify(read_text(receipt), parse_json(read_text(key_set)), issuer)))
    except ValueError as error:
        sys.exit(f"Not verified: {error}")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("Usage: verify_receipt.py RECEIPT_FILE KEY_SET_FILE ISSUER")
    main(*sys.argv[1:])
