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


def verified(receipt: str, key_set: dict[str, Any], issuer: str) -> dict[str, Any]:
    """The claims of a receipt that a key of the set has signed. Raises ValueError with a sentence for any other."""
    try:
        found = jws.deserialize_compact(
            receipt.strip(), KeySet.import_key_set(key_set), registry=_Registry(algorithms=["EdDSA"])
        )
        claims: dict[str, Any] = json.loads(found.payload)
    except (JoseError, ValueError, KeyError):
        raise ValueError("No key of the set has signed this receipt.") from None
    if found.headers().get("typ") != "decision-receipt+jwt" or claims.get("iss") != issuer:
        raise ValueError("It is signed, but it is no receipt of this gateway.")
    return claims


def main(receipt: str, key_set: str, issuer: str) -> None:
    """Prints the decision."""
    try:
        claims = verified(Path(receipt).read_text(), json.loads(Path(key_set).read_text()), issuer)
    except (ValueError, OSError) as error:
        sys.exit(f"Not verified: {error}")
    decision = claims["decision"]
    print(f"{decision['id']} ({decision['merchant_reference']}) is {decision['status']} since {decision['at']}.")
    if left := decision["settlement"]:
        print(f"Outstanding: {left['outstanding']['amount']} {left['outstanding']['currency']}, by {left['due_at']}.")
    print(f"Policy {decision['policy']['adapter']} {decision['policy']['version']}, {decision['policy']['hash']}.")
    print(f"Log entry {claims['jti']}, {claims['log']['sequence']} of its chain, hash {claims['log']['hash']}.")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("Usage: verify_receipt.py RECEIPT_FILE KEY_SET_FILE ISSUER")
    main(*sys.argv[1:])
