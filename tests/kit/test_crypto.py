"""Keys and digests, with the test vectors of their RFCs."""

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.kit import crypto
from gateway.kit.crypto import SealBroken, SigningKey, derive, seal, thumbprint, unseal, verifies

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))

# RFC 8032 section 7.1 test 1, which is the key of RFC 8037 appendix A too.
PRIVATE = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
SIGNATURE = bytes.fromhex(
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
    "d25bf5f0595bbe24655141438e7a100b"
)


@given(st.binary(max_size=64), st.binary(max_size=16))
def test_a_sealed_value_opens_with_its_key_and_context(plain: bytes, context: bytes) -> None:
    assert unseal(KEY, seal(KEY, plain, context), context) == plain


@given(st.data())
def test_a_sealed_value_does_not_open_when_any_bit_is_changed(data: st.DataObject) -> None:
    sealed = bytearray(seal(KEY, b"a tier", b"context"))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SealBroken):
        unseal(KEY, bytes(sealed), b"context")


@pytest.mark.parametrize(
    ("key", "context", "cut"),
    [
        pytest.param(OTHER, b"context", None, id="another-key"),
        pytest.param(b"short", b"context", None, id="key-of-wrong-length"),
        pytest.param(KEY, b"other", None, id="another-context"),
        pytest.param(KEY, b"", None, id="no-context"),
        pytest.param(KEY, b"context", 0, id="nothing"),
        pytest.param(KEY, b"context", 5, id="less-than-a-nonce"),
        pytest.param(KEY, b"context", 12, id="only-a-nonce"),
        pytest.param(KEY, b"context", -1, id="last-byte-missing"),
    ],
)
def test_sealed_value_does_not_open_with_another_key_or_context(key: bytes, context: bytes, cut: int | None) -> None:
    sealed = seal(KEY, b"a tier", b"context")
    with pytest.raises(SealBroken) as broken:
        unseal(key, sealed[:cut], context)
    assert "tier" not in str(broken.value)


def test_sealing_is_randomized_and_hides_the_plain_bytes() -> None:
    one, other = seal(KEY, b"EXCELLENT", b""), seal(KEY, b"EXCELLENT", b"")
    assert one != other
    assert b"EXCELLENT" not in one


def test_signatures_are_those_of_rfc_8032() -> None:
    key = SigningKey(PRIVATE)
    assert (key.public, key.private) == (PUBLIC, PRIVATE)
    assert key.sign(b"") == SIGNATURE
    assert verifies(PUBLIC, b"", SIGNATURE)


@given(st.binary(max_size=32), st.integers(0, 511))
def test_a_signature_does_not_verify_when_a_bit_is_changed(message: bytes, bit: int) -> None:
    key = SigningKey(PRIVATE)
    signature = bytearray(key.sign(message))
    assert verifies(key.public, message, bytes(signature))
    signature[bit // 8] ^= 1 << bit % 8
    assert not verifies(key.public, message, bytes(signature))


@pytest.mark.parametrize(
    ("public", "message", "signature"),
    [
        pytest.param(PUBLIC, b"other", SIGNATURE, id="another-message"),
        pytest.param(SigningKey().public, b"", SIGNATURE, id="another-key"),
        pytest.param(PUBLIC, b"", b"", id="no-signature"),
        pytest.param(PUBLIC[:31], b"", SIGNATURE, id="key-of-wrong-length"),
        pytest.param(b"\xff" * 32, b"", SIGNATURE, id="no-point-of-the-curve"),
    ],
)
def test_wrong_signatures_do_not_verify(public: bytes, message: bytes, signature: bytes) -> None:
    assert verifies(public, message, signature) is False


def test_the_thumbprint_is_that_of_rfc_8037_appendix_a_3() -> None:
    assert thumbprint(PUBLIC) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert SigningKey(PRIVATE).kid == thumbprint(PUBLIC)


def test_new_signing_keys_are_random() -> None:
    one, other = SigningKey(), SigningKey()
    assert one.kid != other.kid
    assert SigningKey(one.private).kid == one.kid


def test_derive_is_hmac_sha_256() -> None:
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"  # RFC 4231 test case 2
    assert derive(b"Jefe", "what do ya want for nothing?").hex() == expected
    assert derive(b"Jefe", "what do ya want for nothing?", 16).hex() == expected[:32]
    assert derive(KEY, "one") != derive(KEY, "other") != derive(OTHER, "other")


def test_a_digest_is_sha_256_in_hex() -> None:
    assert crypto.digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_random_token_has_256_bits_after_its_prefix() -> None:
    tokens = {crypto.random_token("sgw_test_") for _ in range(100)}
    assert len(tokens) == 100
    assert all(re.fullmatch(r"sgw_test_[A-Za-z0-9_-]{43}", token) for token in tokens)


@given(st.binary(max_size=40))
def test_base64url_round_trips_without_padding(data: bytes) -> None:
    text = crypto.base64url(data)
    assert re.fullmatch(r"[A-Za-z0-9_-]*", text)
    assert base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) == data
