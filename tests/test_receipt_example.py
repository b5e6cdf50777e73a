"""docs/examples/verify_receipt.py with invalid files: a sentence and exit code 1, no stack trace."""

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import OKPKey
from joserfc.jws import JWSRegistry

from gateway.kit.crypto import base64url
from tests.support.checkout import ROOT

ISSUER = "https://gateway.example"
PRIVATE = Ed25519PrivateKey.from_private_bytes(b"a key of tests, always the same!")  # constant, as test names must be
KEY = OKPKey.import_key(
    {
        "kty": "OKP",
        "crv": "Ed25519",
        "kid": "k1",
        "x": base64url(PRIVATE.public_key().public_bytes_raw()),
        "d": base64url(PRIVATE.private_bytes_raw()),
    }
)
KEYS = {"keys": [KEY.as_dict(private=False)]}


def signed(payload: bytes, **header: Any) -> str:
    members = {"alg": "EdDSA", "kid": "k1", "typ": "decision-receipt+jwt", **header}
    text = f"{base64url(json.dumps(members).encode())}.{base64url(payload)}"
    return f"{text}.{base64url(JWSRegistry.algorithms['EdDSA'].sign(text.encode(), KEY))}"


CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "jti": "evt_1",
    "log": {"leaf_index": 1, "leaf_hash": "h"},
    "decision": {
        "id": "dec_1",
        "merchant_reference": "order-1",
        "status": "APPROVED",
        "at": "2026-11-02T09:00:00Z",
        "settlement": None,
        "policy": {"adapter": "car_rental", "version": "1", "hash": "h"},
    },
}
RECEIPT = signed(json.dumps(CLAIMS).encode())
WRONG_VALUES: list[Any] = [{}, [], 5, None]
HEAD, BODY, SIGNATURE = RECEIPT.split(".")


@pytest.fixture
def verify(tmp_path: Path) -> Callable[[bytes, bytes], Any]:
    """Runs the program. Returns its exit message, or None if the receipt is valid."""
    main = runpy.run_path(str(ROOT / "docs/examples/verify_receipt.py"))["main"]

    def run(receipt: bytes, keys: bytes) -> Any:
        (tmp_path / "receipt.txt").write_bytes(receipt)
        (tmp_path / "jwks.json").write_bytes(keys)
        try:
            main(str(tmp_path / "receipt.txt"), str(tmp_path / "jwks.json"), ISSUER)
        except SystemExit as end:
            return end.code
        return None

    return run


def assert_not_verified(exit_message: Any) -> None:
    """sys.exit prints a text on standard error and sets the exit code 1."""
    assert isinstance(exit_message, str)
    assert exit_message.startswith("Not verified: ")
    assert exit_message.endswith(".")


def test_valid_receipt_is_verified(verify: Callable[[bytes, bytes], Any]) -> None:
    assert verify(RECEIPT.encode(), json.dumps(KEYS).encode()) is None


@pytest.mark.parametrize(
    "keys",
    [
        *(b"[]", b"[1]", b"7", b"null", b'"text"', b"{}", b'{"keys": null}', b'{"keys": 1}', b'{"keys": []}'),
        *(b'{"keys": [1]}', b'{"keys": [[]]}', b'{"keys": [{}]}', b'{"keys": [{"kty": 1}]}', b'{"keys": {"a": 1}}'),
        *(b"", b"{", b"\xff", b"[" * 100_000, b'{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": 5}]}'),
        b'{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AA"}]}',
    ],
    ids=lambda keys: repr(keys[:24]),
)
def test_invalid_key_set_is_reported(verify: Callable[[bytes, bytes], Any], keys: bytes) -> None:
    assert_not_verified(verify(RECEIPT.encode(), keys))


@pytest.mark.parametrize(
    "receipt",
    [
        *("", ".", "..", "...", HEAD, f"{HEAD}.", f"{HEAD}.{BODY}", f"{HEAD}.{BODY}.", RECEIPT[:-1], RECEIPT[:-40]),
        *(f"{HEAD[:-3]}.{BODY}.{SIGNATURE}", f"{HEAD}.{BODY[:-3]}.{SIGNATURE}", RECEIPT[1:], f"{RECEIPT}.x", "é", "\0"),
        *(signed(b"[]"), signed(b"7"), signed(b"\xff"), signed(b"{}"), signed(b"[" * 100_000)),
        *(signed(json.dumps({"iss": ISSUER, "decision": value}).encode()) for value in WRONG_VALUES),
        *(signed(json.dumps({**CLAIMS, "log": value}).encode()) for value in WRONG_VALUES),
        *("W10.W10.W10", "e30.e30.e30", "NQ.NQ.NQ", signed(json.dumps(CLAIMS).encode(), kid="k2")),
    ],
    ids=lambda receipt: repr(receipt[-12:]),
)
def test_invalid_receipt_is_reported(verify: Callable[[bytes, bytes], Any], receipt: str) -> None:
    assert_not_verified(verify(receipt.encode(), json.dumps(KEYS).encode()))


def test_missing_file_and_folder_are_reported(verify: Callable[[bytes, bytes], Any], tmp_path: Path) -> None:
    main = runpy.run_path(str(ROOT / "docs/examples/verify_receipt.py"))["main"]
    verify(b"", b"")
    with pytest.raises(SystemExit, match="Not verified") as missing:
        main(str(tmp_path / "missing"), str(tmp_path / "jwks.json"), ISSUER)
    with pytest.raises(SystemExit, match="Not verified") as folder:
        main(str(tmp_path), str(tmp_path / "jwks.json"), ISSUER)
    for end in (missing, folder):
        assert_not_verified(end.value.code)
