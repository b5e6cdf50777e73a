"""Verifies the receipt of a decision offline, from a key set that was kept beside it, and prints what it says.

    curl -s https://gateway.example/oauth/jwks > jwks.json
    python docs/examples/verify_receipt.py receipt.txt jwks.json https://gateway.example

The receipt is `Decision.receipt` of the API: a compact JWS (RFC 7515) over the newest entry of the decision log. Keep
it, and the key set, as long as you may have to show them. It needs joserfc and nothing from the network. Exit code 1,
and one line that says why, for a receipt that does not hold.
"""

import json
import sys
from pathlib import Path
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet


class _Registry(jws.JWSRegistry):
    def get_alg(self, name: str) -> Any:
        if name != "EdDSA":
            raise JoseError("another algorithm")
        return self.algorithms[name]


def verified(receipt: str, key_set: Any, issuer: str) -> dict[str, Any]:
    """The claims of a receipt that a key of the set has signed. Raises ValueError with a sentence for any other."""
    # joserfc takes it for granted that this is right, and says so with whatever error comes first.
    if not isinstance(key_set, dict) or not isinstance(key_set.get("keys"), list):
        raise ValueError("The file of keys holds no JSON Web Key Set.")
    try:
        keys = KeySet.import_key_set(key_set)
        found = jws.deserialize_compact(receipt.strip(), keys, registry=_Registry(algorithms=["EdDSA"]))
        claims = json.loads(found.payload)
    except (JoseError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ValueError("No key of the set has signed this receipt.") from None
    ours = found.headers().get("typ") == "decision-receipt+jwt" and isinstance(claims, dict)
    if not ours or claims.get("iss") != issuer:
        raise ValueError("It is signed, but it is no receipt of this gateway.")
    return claims


def told(claims: dict[str, Any]) -> str:
    """What the receipt says, in a few lines. Raises ValueError where something is missing."""
    try:
        decision, log = claims["decision"], claims["log"]
        policy, left = decision["policy"], decision["settlement"]  # the latter null where nothing was approved
        lines = [
            f"{decision['id']} ({decision['merchant_reference']}) is {decision['status']} since {decision['at']}.",
            f"Policy {policy['adapter']} {policy['version']}, {policy['hash']}.",
            f"Log entry {claims['jti']}, {log['sequence']} of its chain, hash {log['hash']}.",
        ]
        if left is not None:
            due = left["outstanding"]
            lines.insert(1, f"Outstanding: {due['amount']} {due['currency']}, by {left['due_at']}.")
        return "\n".join(lines)
    except (KeyError, TypeError):
        raise ValueError("It is signed, but it does not say what a receipt says.") from None


def read(file: str) -> str:
    """The text in a file. Raises ValueError."""
    try:
        return Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ValueError(f"{file} is not text in UTF-8.") from None


def parsed(text: str) -> Any:
    """The JSON in a text. Raises ValueError."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("The file of keys holds no JSON.") from None


def main(receipt: str, key_set: str, issuer: str) -> None:
    """Prints the decision."""
    try:
        print(told(verified(read(receipt), parsed(read(key_set)), issuer)))
    except ValueError as error:
        sys.exit(f"Not verified: {error}")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("Usage: verify_receipt.py RECEIPT_FILE KEY_SET_FILE ISSUER")
    main(*sys.argv[1:])
