"""Keys and signatures of other parties: JWK, JWK Set and compact JWS (RFC 7515, 7517, 7518, 8037), asymmetric only."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode

from gateway.kit import json
from gateway.kit.jws_signatures import PublicKey, is_signed_by
from gateway.kit.key_strength import WeakKey, require_strong_numbers

ALGORITHMS = ("ES256", "PS256", "Ed25519", "EdDSA")
"""The accepted algorithms (FAPI 2.0 section 5.4.1). EdDSA is the older name of Ed25519 (RFC 9864), which most clients
send."""

LONGEST_TOKEN = 16 * 1024
MOST_KEYS = 10
MOST_ENTRIES = 100
"""The number of entries of a foreign key set that are read. The size of the response is limited as well."""

_CURVES = {"EC": "P-256", "OKP": "Ed25519"}
_BY_TYPE = {"EC": ("ES256",), "RSA": ("PS256",), "OKP": ("Ed25519", "EdDSA")}
_PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
_KEPT = ("kty", "crv", "x", "y", "n", "e", "kid", "use", "alg")
_LONGEST_KID = 256
_MOST_KEPT, _LONGEST_KEPT = 500, 2 * 1024
"""How many headers and keys are kept, and the bytes of the longest of them. Most clients send the same header each
time, with one key. Anybody can send others, so the memory is limited: at most 50 KB for each, and usually 3."""

_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*", re.ASCII)
"""A compact JWS (RFC 7515 section 7.1). The decoder of the library skips other characters."""

_INVALID = (JoseError, ValueError, TypeError, KeyError, AttributeError)
"""What the library raises for invalid input."""


class JoseRefused(Exception):
    """A key or a signature is not accepted. The message contains nothing of the input."""


class _Registry(JWSRegistry):
    max_header_length = 8 * 1024  # joserfc's 512 bytes are too few for a PS256 proof, whose header has an RSA key

    def get_alg(self, name: str) -> Any:
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError("not an accepted algorithm")
        return self.algorithms[name]  # the method of the base class warns about EdDSA at each call


_REGISTRY = _Registry(algorithms=ALGORITHMS, strict_check_header=False)


@dataclass(frozen=True, slots=True)
class _Header:
    """The header of a compact JWS. Its `members` may be any JSON. `is_valid` is whether the registered ones have valid
    values (RFC 7515 section 4.1)."""

    members: Any
    is_valid: bool


@dataclass(frozen=True, slots=True)
class Unverified:
    """A compact JWS over a JSON object, whose signature has not been verified. `parts` are its three texts."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    parts: Sequence[bytes] = field(repr=False)
    has_valid_header: bool


@dataclass(frozen=True, slots=True)
class Signed:
    """A compact JWS whose signature has been verified."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Key:
    """An accepted public key. `kind` is its `kty`. If it has an `alg`, it is for this algorithm only. `thumbprint` is
    that of RFC 7638."""

    kind: str
    alg: str | None
    public: PublicKey
    thumbprint: str


def public_key(jwk: object) -> Key:
    """Returns the public key in a JWK. Raises JoseRefused for a private or symmetric key, a curve other than P-256 or
    Ed25519, a key that is not for signatures, and a key that is weak (RFC 8725 section 3.4, see `key_strength`)."""
    if not isinstance(jwk, dict) or not all(isinstance(name, str) for name in jwk):
        raise JoseRefused("A key must be a JSON object.")
    try:
        text = json.encode(jwk)
    except TypeError:  # numbers and texts that JSON in UTF-8 cannot have
        return _import(jwk)
    return _kept_key(text) if len(text) <= _LONGEST_KEPT else _import(jwk)


@lru_cache(maxsize=_MOST_KEPT)
def _kept_key(text: bytes) -> Key:
    """Returns the key in the text of a JWK. Raises as `public_key` does."""
    return _import(json.decode(text))


def _import(jwk: dict[str, Any]) -> Key:
    kind = jwk.get("kty")
    if not isinstance(kind, str) or kind not in _BY_TYPE:
        raise JoseRefused("A key must be of type EC, RSA or OKP.")
    if _PRIVATE & set(jwk):
        raise JoseRefused("A key must not contain its private part.")
    if kind in _CURVES and jwk.get("crv") != _CURVES[kind]:
        raise JoseRefused(f"The curve of an {kind} key must be {_CURVES[kind]}.")
    if jwk.get("use", "sig") != "sig" or "verify" not in _list(jwk.get("key_ops", ["verify"])):
        raise JoseRefused("A key must be for signatures.")
    if jwk.get("alg", _BY_TYPE[kind][0]) not in _BY_TYPE[kind]:
        raise JoseRefused(f"The alg of an {kind} key must be {' or '.join(_BY_TYPE[kind])}.")
    kid = jwk.get("kid", "-")
    if not isinstance(kid, str) or not 0 < len(kid) <= _LONGEST_KID or not kid.isprintable():
        raise JoseRefused(f"A kid must have 1 to {_LONGEST_KID} printable characters.")
    try:
        # Checked before joserfc, which would warn about a short key on standard error.
        require_strong_numbers(jwk)
        key = JWKRegistry.import_key({name: jwk[name] for name in _KEPT if name in jwk})
        assert isinstance(key, ECKey | RSAKey | OKPKey)  # one of the three types above
        public = key.get_op_key("verify")
        assert isinstance(public, PublicKey)  # the curves were checked above
        return Key(kind, jwk.get("alg"), public, key.thumbprint())
    except WeakKey as weak:
        raise JoseRefused(str(weak)) from None
    except (*_INVALID, OverflowError):
        raise JoseRefused("A key is not valid.") from None


def public_key_set(value: object) -> dict[str, Any]:
    """Returns the JWK Set to be stored, with the public members of each key only. Raises JoseRefused unless it is an
    object with 1 to 10 `keys`. Several keys must have different kids."""
    keys = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(keys, list) or not 1 <= len(keys) <= MOST_KEYS:
        raise JoseRefused(f'A key set must be an object such as {{"keys": [...]}} with 1 to {MOST_KEYS} keys.')
    for jwk in keys:
        public_key(jwk)
    kids = [jwk.get("kid") for jwk in keys]
    if len(keys) > 1 and (None in kids or len(set(kids)) < len(kids)):
        raise JoseRefused("Several keys must have different kids.")
    return {"keys": [_stored(jwk) for jwk in keys]}


def foreign_key_set(value: object) -> dict[str, Any]:
    """Returns the JWK Set of the first 10 usable keys, with their public members only. Keys that are not understood or
    not accepted are ignored, because the set may also serve other purposes of its owner (RFC 7517 section 5). Raises
    JoseRefused unless it is an object with `keys`, of which one can be used."""
    entries = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(entries, list):
        raise JoseRefused("A key set must be an object with keys.")
    usable: list[dict[str, Any]] = []
    for jwk in entries[:MOST_ENTRIES]:
        if len(usable) < MOST_KEYS and usable_key(jwk) is not None:
            usable.append(_stored(jwk))
    if not usable:
        raise JoseRefused("None of the keys can be used.")
    return {"keys": usable}


def usable_key(jwk: object) -> Key | None:
    """Returns the public key in a JWK, None if `public_key` does not accept it."""
    try:
        return public_key(jwk)
    except JoseRefused:
        return None


def _stored(jwk: Mapping[str, Any]) -> dict[str, Any]:
    return {name: jwk[name] for name in _KEPT if name in jwk}


def allowed_algorithms(jwk: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the algorithms in which this accepted key may sign."""
    return _BY_TYPE[jwk["kty"]]


def candidate_keys(key_set: Mapping[str, Any], token: Unverified) -> list[Key]:
    """Returns the keys of a stored set that may have signed this JWS: those with its kid, or all if it has no kid. Keys
    that are no longer accepted are left out."""
    kid = token.header.get("kid")
    named = [jwk for jwk in key_set["keys"] if kid is None or jwk.get("kid") == kid]
    return [key for jwk in named if (key := usable_key(jwk)) is not None]


def read_unverified(token: str, longest: int = LONGEST_TOKEN) -> Unverified:
    """Returns header and claims of a compact JWS without verifying its signature, to find the key to verify it with.
    Raises JoseRefused unless it is a compact JWS over a JSON object, of at most `longest` characters."""
    if len(token) > longest or not _COMPACT.fullmatch(token):
        raise JoseRefused("The JWT is too long or is not three base64url texts with dots between them.")
    parts = token.encode().split(b".")
    head, payload, signature = parts
    try:
        header = _kept_header(head) if len(head) <= _LONGEST_KEPT else _read_header(head)
        _REGISTRY.validate_signature_size(signature)
        claims = json.decode(urlsafe_b64decode(payload))
    except (*_INVALID, RecursionError):
        raise JoseRefused("The JWT is malformed.") from None
    if not isinstance(header.members, dict) or not isinstance(claims, dict):
        raise JoseRefused("The JWT is malformed.")
    if "crit" in header.members:  # no critical extension is supported
        raise JoseRefused("The JWT has a critical header that is not supported.")
    return Unverified(header.members, claims, parts, header.is_valid)


def _read_header(segment: bytes) -> _Header:
    """Returns the header of a compact JWS whose first part is `segment`. Raises the exceptions _INVALID."""
    members = jws.extract_compact(segment + b"..", registry=_REGISTRY).headers()
    try:
        _REGISTRY.check_header(members)
    except _INVALID:
        return _Header(members, is_valid=False)
    return _Header(members, is_valid=True)


_kept_header = lru_cache(maxsize=_MOST_KEPT)(_read_header)
"""The same header for the same segment. It must not be changed."""


def verify(token: Unverified, key: Key) -> Signed:
    """Verifies the signature with this key, in an accepted algorithm that fits the key's type, and returns header and
    claims. Raises JoseRefused."""
    algorithm = token.header.get("alg")
    if algorithm not in _BY_TYPE[key.kind]:
        raise JoseRefused("The JWT's alg is not accepted for this key.")
    if not token.has_valid_header or key.alg not in {None, algorithm} or not _is_signed(token, key):
        raise JoseRefused("The JWT's signature is not valid.")
    return Signed(token.header, token.claims)


def _is_signed(token: Unverified, key: Key) -> bool:
    head, payload, signature = token.parts
    try:
        decoded = urlsafe_b64decode(signature)
    except ValueError:
        return False
    return is_signed_by(key.public, head + b"." + payload, decoded)


def sign(header: Mapping[str, str], content: bytes, key: OKPKey) -> str:
    """Returns a compact JWS over `content`, signed with the key in the algorithm that the header names."""
    return jws.serialize_compact(dict(header), content, key, registry=_REGISTRY)


def read_time_claim(claims: Mapping[str, Any], name: str) -> float | None:
    """Returns a NumericDate claim in seconds since 1970 UTC (RFC 7519 section 2), or None if it is absent. Raises
    JoseRefused unless it is a number."""
    value = claims.get(name)
    if value is None and name not in claims:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12:
        raise JoseRefused(f"The claim {name} must be a number of seconds.")
    return float(value)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
