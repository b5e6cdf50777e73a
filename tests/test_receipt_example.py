"""The documentation's verifier of receipts, given files that are none: a sentence and exit code 1, no stack trace."""

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
PRIVATE = Ed25519PrivateKey.from_private_bytes(b"a key of tests, always the same!")  # as are the names of the tests
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
    whole = {"alg": "EdDSA", "kid": "k1", "typ": "decision-receipt+jwt", **header}
    text = f"{base64url(json.dumps(whole).encode())}.{base64url(payload)}"
    return f"{text}.{base64url(JWSRegistry.algorithms['EdDSA'].sign(text.encode(), KEY))}"


WHOLE: dict[str, Any] = {
    "iss": ISSUER,
    "jti": "evt_1",
    "log": {"sequence": 1, "hash": "h"},
    "decision": {
        "id": "dec_1",
        "merchant_reference": "order-1",
        "status": "APPROVED",
        "at": "2026-11-02T09:00:00Z",
        "settlement": None,
        "policy": {"adapter": "car_rental", "version": "1", "hash": "h"},
    },
}
RECEIPT = signed(json.dumps(WHOLE).encode())
ODD: list[Any] = [{}, [], 5, None]
HEAD, BODY, SIGNATURE = RECEIPT.split(".")


@pytest.fixture
def verify(tmp_path: Path) -> Callable[[bytes, bytes], Any]:
    """What the program ends with, None where it verified."""
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


def refused(said: Any) -> None:
    """A text given to sys.exit is printed on standard error, and the exit code is 1."""
    assert isinstance(said, str)
    assert said.startswith("Not verified: ")
    assert said.endswith(".")


def test_a_good_one(verify: Callable[[bytes, bytes], Any]) -> None:
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
def test_no_key_set(verify: Callable[[bytes, bytes], Any], keys: bytes) -> None:
    refused(verify(RECEIPT.encode(), keys))


@pytest.mark.parametrize(
    "receipt",
    [
        *("", ".", "..", "...", HEAD, f"{HEAD}.", f"{HEAD}.{BODY}", f"{HEAD}.{BODY}.", RECEIPT[:-1], RECEIPT[:-40]),
        *(f"{HEAD[:-3]}.{BODY}.{SIGNATURE}", f"{HEAD}.{BODY[:-3]}.{SIGNATURE}", RECEIPT[1:], f"{RECEIPT}.x", "é", "\0"),
        *(signed(b"[]"), signed(b"7"), signed(b"\xff"), signed(b"{}"), signed(b"[" * 100_000)),
        *(signed(json.dumps({"iss": ISSUER, "decision": bad}).encode()) for bad in ODD),
        *(signed(json.dumps({**WHOLE, "log": bad}).encode()) for bad in ODD),
        *("W10.W10.W10", "e30.e30.e30", "NQ.NQ.NQ", signed(json.dumps(WHOLE).encode(), kid="k2")),
    ],
    ids=lambda receipt: repr(receipt[-12:]),
)
def test_no_receipt(verify: Callable[[bytes, bytes], Any], receipt: str) -> None:
    refused(verify(receipt.encode(), json.dumps(KEYS).encode()))


def test_no_files(verify: Callable[[bytes, bytes], Any], tmp_path: Path) -> None:
    main = runpy.run_path(str(ROOT / "docs/examples/verify_receipt.py"))["main"]
    verify(b"", b"")
    with pytest.raises(SystemExit, match="Not verified") as missing:
        main(str(tmp_path / "nothing"), str(tmp_path / "jwks.json"), ISSUER)
    with pytest.raises(SystemExit, match="Not verified") as folder:
        main(str(tmp_path), str(tmp_path / "jwks.json"), ISSUER)
    for end in (missing, folder):
        refused(end.value.code)
