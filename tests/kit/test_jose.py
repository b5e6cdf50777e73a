"""Compact JWS and JWK of other parties."""

from typing import Any

import pytest

from gateway.kit import jose
from gateway.kit.crypto import base64url
from gateway.kit.jose import JoseRefused
from tests.support.fapi import new_key, public, signed

KEY = new_key()
HEADER = {"alg": "ES256"}


def verified(token: str, jwk: dict[str, Any] | None = None) -> Any:
    return jose.verify(jose.read_unverified(token), jose.public_key(jwk or public(KEY))).claims


def test_claims_of_signed_token_are_returned() -> None:
    assert [verified(signed(HEADER, {"jti": jti}, KEY)) for jti in ("a", "b")] == [{"jti": "a"}, {"jti": "b"}]


def test_signature_of_another_token_with_the_same_header_is_refused() -> None:
    header, _, signature = signed(HEADER, {"jti": "a"}, KEY).split(".")
    token = ".".join((header, base64url(b'{"jti":"b"}'), signature))
    with pytest.raises(JoseRefused, match="signature"):
        verified(token)


def test_signature_of_another_key_is_refused() -> None:
    token = signed(HEADER, {}, KEY)
    assert verified(token) == {}
    with pytest.raises(JoseRefused, match="signature"):
        verified(token, public(new_key()))


@pytest.mark.parametrize("size", [100, 5_000])
def test_header_of_any_accepted_size_is_read(size: int) -> None:
    header = {**HEADER, "note": "a" * size}
    assert jose.read_unverified(signed(header, {}, KEY)).header == header
    assert verified(signed(header, {}, KEY)) == {}


@pytest.mark.parametrize(
    "changed", [{"b64": False}, {"kid": 5}, {"crit": ["b64"]}, {"crit": ["b64"], "b64": False}, {"note": "a" * 9_000}]
)
def test_unacceptable_header_is_refused(changed: dict[str, Any]) -> None:
    for _ in range(2):  # also if the same header was read before
        with pytest.raises(JoseRefused):
            verified(signed({**HEADER, **changed}, {}, KEY))


@pytest.mark.parametrize("extra", ["a", "a" * 5_000, 2**70, "\ud800", {"deep": [1.5]}])
def test_other_members_of_a_key_make_no_difference(extra: object) -> None:
    keys = [jose.public_key(jwk) for jwk in (public(KEY), {**public(KEY), "note": extra})]
    assert keys[0].thumbprint == keys[1].thumbprint == KEY.thumbprint()


def test_changed_key_is_checked_again() -> None:
    jwk = public(KEY)
    first = jose.public_key(jwk)
    jwk["alg"] = "PS256"
    with pytest.raises(JoseRefused):
        jose.public_key(jwk)
    assert jose.public_key(public(KEY)).thumbprint == first.thumbprint
