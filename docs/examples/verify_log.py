"""Verifies offline that an entry is in the decision log, and that a log has only grown, with a saved key set.

    curl -s https://gateway.example/oauth/jwks > jwks.json
    python docs/examples/verify_log.py inclusion jwks.json receipt.txt proof.json
    python docs/examples/verify_log.py consistency jwks.json older.txt newer.txt proofs.json

`receipt.txt` is `Decision.receipt` of the API and `proof.json` its `inclusionProof`, read in one document. `older.txt`
and `newer.txt` are copies of the operator's file of checkpoints, and `proofs.json` is the output of
`gateway log consistency older.txt newer.txt`. The program needs the package cryptography, and no network. If something
is not proven, it prints one line with the reason and exits with 1.
"""

import hashlib
import json
import sys
from base64 import b64decode, urlsafe_b64decode
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def is_signed(key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def read_keys(key_set: Any) -> list[bytes]:
    """Returns the Ed25519 keys of a JSON Web Key Set (RFC 7517, RFC 8037)."""
    return [decode(key["x"]) for key in key_set["keys"] if key.get("crv") == "Ed25519"]


def read_receipt(receipt: str, keys: list[bytes]) -> Any:
    """Returns the claims of a receipt: a compact JWS (RFC 7515). Raises ValueError unless a key has signed it."""
    head, body, signature = receipt.strip().split(".")
    header, message = json.loads(decode(head)), f"{head}.{body}".encode()
    right = header["alg"] == "EdDSA" and header["typ"] == "decision-receipt+jwt"
    if not right or not any(is_signed(key, decode(signature), message) for key in keys):
        raise ValueError("No key of the set has signed this receipt.")
    return json.loads(decode(body))


def read_checkpoints(text: str, keys: list[bytes]) -> dict[str, tuple[int, bytes]]:
    """Returns size and root by origin of the checkpoints in a text, each a signed note (https://c2sp.org/signed-note).
    Raises ValueError unless a key has signed each."""
    lines, found = [line for line in text.split("\n") if line], {}
    while lines:
        (origin, size, root), lines = lines[:3], lines[3:]
        signatures = []
        while lines and lines[0].startswith("\N{EM DASH} "):
            signatures.append(lines.pop(0).split(" "))
        message = f"{origin}\n{size}\n{root}\n".encode()
        if not any(
            name == origin
            and b64decode(line)[:4] == hashlib.sha256(name.encode() + b"\n\x01" + key).digest()[:4]
            and is_signed(key, b64decode(line)[4:], message)
            for _, name, line in signatures
            for key in keys
        ):
            raise ValueError(f"No key of the set has signed the checkpoint of {origin}.")
        found[origin] = int(size), b64decode(root)
    return found


def is_included(leaf: bytes, index: int, size: int, hashes: list[bytes], root: bytes) -> bool:
    """RFC 9162 section 2.1.3.2."""
    last = size - 1
    for each in hashes:
        if last == 0:
            return False
        if index % 2 or index == last:
            leaf = node(each, leaf)
            while index % 2 == 0 and index:
                index, last = index >> 1, last >> 1
        else:
            leaf = node(leaf, each)
        index, last = index >> 1, last >> 1
    return last == 0 and leaf == root


def is_consistent(first: int, second: int, old_root: bytes, new_root: bytes, hashes: list[bytes]) -> bool:
    """RFC 9162 section 2.1.4.2."""
    if first == second or not hashes:
        return first == second and not hashes and old_root == new_root
    path = [old_root, *hashes] if first & (first - 1) == 0 else hashes
    index, last = first - 1, second - 1
    while index % 2:
        index, last = index >> 1, last >> 1
    old = new = path[0]
    for each in path[1:]:
        if last == 0:
            return False
        if index % 2 or index == last:
            old, new = node(each, old), node(each, new)
            while index % 2 == 0 and index:
                index, last = index >> 1, last >> 1
        else:
            new = node(new, each)
        index, last = index >> 1, last >> 1
    return last == 0 and old == old_root and new == new_root


def verify_inclusion(keys: list[bytes], receipt: str, proof: Any) -> str:
    """Returns a sentence. Raises ValueError unless the log has the entry of the receipt."""
    log = read_receipt(receipt, keys)["log"]
    ((origin, (size, root)),) = read_checkpoints(proof["checkpoint"], keys).items()
    hashes, index, leaf = [decode(each) for each in proof["hashes"]], log["leaf_index"], decode(log["leaf_hash"])
    if (index, size) != (proof["leafIndex"], proof["treeSize"]) or not 0 <= index < size:
        raise ValueError("The proof is about another entry or tree. Read it together with the receipt.")
    if not is_included(leaf, index, size, hashes, root):
        raise ValueError("The log of the checkpoint does not have the entry of the receipt.")
    return f"{origin}: entry {index} of {size} is in the log."


def verify_consistency(keys: list[bytes], older: str, newer: str, proofs: dict[str, list[str]]) -> str:
    """Returns a sentence for each log. Raises ValueError unless each has only grown."""
    first, second, sentences = read_checkpoints(older, keys), read_checkpoints(newer, keys), []
    for origin, (size, root) in first.items():
        now, now_root = second.get(origin, (0, b""))
        hashes = [decode(each) for each in proofs.get(origin, ())]
        if now < size or (size > 0 and not is_consistent(size, now, root, now_root, hashes)):
            raise ValueError(f"{origin}: nothing proves that its first {size} entries are unchanged.")
        sentences.append(f"{origin}: grown from {size} to {now} entries, the first {size} unchanged.")
    return "\n".join(sentences)


def main(command: str, key_file: str, *files: str) -> None:
    """Verifies and prints the result."""
    try:
        keys, texts = read_keys(json.loads(Path(key_file).read_text())), [Path(file).read_text() for file in files]
        verify = {"inclusion": verify_inclusion, "consistency": verify_consistency}[command]
        print(verify(keys, *texts[:-1], json.loads(texts[-1])))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        sys.exit(f"Not verified: {error or 'a file has another form'}")


if __name__ == "__main__":
    if sys.argv[1:2] not in (["inclusion"], ["consistency"]) or len(sys.argv) != (
        5 if sys.argv[1] == "inclusion" else 6
    ):
        sys.exit("Usage: verify_log.py inclusion JWKS RECEIPT PROOF | consistency JWKS OLDER NEWER PROOFS")
    main(*sys.argv[1:])
