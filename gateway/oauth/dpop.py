"""Demonstrating proof of possession (RFC 9449): the key that a token is bound to signs each request."""

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from authlib.oauth2.rfc6749.errors import OAuth2Error

from gateway.kit import jose
from gateway.kit.clock import CLOCK_ALLOWANCE, WallTime
from gateway.kit.crypto import Secrets, base64url, derive, digest
from gateway.kit.jose import ALGORITHMS, JoseRefused
from gateway.kit.url_normalization import normalize_without_query

HEADER, NONCE_HEADER, TYPE = "DPoP", "DPoP-Nonce", "dpop+jwt"
PROOF_LIFE = timedelta(seconds=60)
"""The greatest age of a proof, and so the time for which a used proof is remembered. Its nonce limits the age too."""

AHEAD = CLOCK_ALLOWANCE
"""How far a client's clock may be ahead of ours, or behind it for `exp` (FAPI 2.0 section 5.3.2.1 item 13: at least 10
seconds ahead, at most 60; RFC 7519 section 4.1.4 allows the same for `exp`)."""

REMEMBERED = PROOF_LIFE + AHEAD
NONCE_STEP, NONCE_LIFE = 60, 300
_LONGEST_JTI = 256
_MOST_MACS, _MOST_URLS = 32, 256
_IN_A_PATH = "/:@!$&'()*+,;="
"""The characters that a path may have unencoded, besides unreserved ones (RFC 3986 section 3.3)."""


class InvalidDpopProofError(OAuth2Error):  # type: ignore[misc]  # Authlib has no types
    """RFC 9449 section 5."""

    error = "invalid_dpop_proof"


class UseDpopNonceError(OAuth2Error):  # type: ignore[misc]  # Authlib has no types
    """RFC 9449 section 8. The response has the nonce to use."""

    error = "use_dpop_nonce"
    description = "The DPoP proof needs the nonce in the DPoP-Nonce header of this response."


@dataclass(frozen=True, slots=True)
class Proof:
    """A valid proof. `jkt` is the RFC 7638 thumbprint of its key; `replay_key` identifies this proof; `made_at` is its
    `iat`, and `nonce` its nonce."""

    jkt: str
    replay_key: str
    made_at: WallTime
    nonce: str | None


class Nonces:
    """Makes and checks nonces. A nonce consists of two MACs, of a minute and of an epoch. The first is the same in all
    processes with the same master key.

    An epoch (`gateway.kit.replay`) ends when used proofs may have been forgotten, so a nonce of an ended epoch is not
    accepted where proofs are remembered in memory or in Valkey. `epoch` returns the current one."""

    def __init__(self, secrets: Secrets, epoch: Callable[[], str]) -> None:
        self._key, self._epoch = secrets.derive("dpop nonce"), epoch

    def current(self, wall: WallTime) -> str:
        """The nonce to use now. It changes each minute and is accepted for five minutes."""
        minute = self._compute(int(wall.timestamp()) // NONCE_STEP)
        return f"{minute}.{self._mark(self._epoch())}"

    def accepts(self, nonce: str, wall: WallTime) -> bool:
        """Whether the nonce is of the last five minutes, or of the next one: another process's clock may be ahead. This
        does not check the epoch."""
        minute, step = nonce.partition(".")[0].encode(), int(wall.timestamp()) // NONCE_STEP
        steps = range(step + 1, step - NONCE_LIFE // NONCE_STEP - 1, -1)  # most nonces are new
        return any(hmac.compare_digest(minute, self._compute(one).encode()) for one in steps)

    def is_of_epoch(self, nonce: str | None, epoch: str) -> bool:
        """Whether the nonce was made in this epoch."""
        mark = (nonce or "").partition(".")[2]
        return hmac.compare_digest(mark.encode(), self._mark(epoch).encode())

    def _compute(self, step: int) -> str:
        return _mac(self._key, str(step), 24)

    def _mark(self, epoch: str) -> str:
        return _mac(self._key, f"epoch {epoch}", 12)


@lru_cache(maxsize=_MOST_MACS)
def _mac(key: bytes, text: str, length: int) -> str:
    """Returns a part of a nonce. All requests of a minute need the same few."""
    return base64url(derive(key, text, length))


class ProofCheck:
    """Checks proofs for URLs below `issuer`. It needs no database. `epoch` returns the epoch of new nonces."""

    def __init__(self, issuer: str, secrets: Secrets, epoch: Callable[[], str]) -> None:
        self._issuer, self.nonces = issuer, Nonces(secrets, epoch)

    def check(
        self,
        proofs: Sequence[str],
        method: str,
        path: str,
        wall: WallTime,
        *,
        access_token: str | None = None,
        nonce_required: bool = True,
    ) -> Proof:
        """The valid proof of a request with these DPoP headers (RFC 9449 section 4.3). This does not check whether the
        proof is a replay, nor the epoch of its nonce. Raises InvalidDpopProofError, UseDpopNonceError."""
        if len(proofs) != 1:
            raise InvalidDpopProofError("Exactly one DPoP header is required.")
        try:
            return self._verify(proofs[0], method, path, wall, access_token, nonce_required)
        except JoseRefused as refused:
            raise InvalidDpopProofError(str(refused)) from None

    def _verify(
        self, text: str, method: str, path: str, wall: WallTime, access_token: str | None, nonce_required: bool
    ) -> Proof:
        jwt = jose.read_unverified(text)
        header = jwt.header
        if header.get("typ") != TYPE:
            raise JoseRefused(f"The typ of a proof is {TYPE}.")
        if header.get("alg") not in ALGORITHMS:
            raise JoseRefused(f"The alg of a proof is one of {', '.join(ALGORITHMS)}.")
        key = jose.public_key(header.get("jwk"))
        claims = jose.verify(jwt, key).claims
        self._require_same_request(claims, method, path)
        _require_fresh(claims, wall)
        jti = claims.get("jti")
        if not isinstance(jti, str) or not 0 < len(jti) <= _LONGEST_JTI:
            raise JoseRefused(f"The claim jti must have 1 to {_LONGEST_JTI} characters.")
        if access_token is not None and claims.get("ath") != base64url(sha256(access_token.encode()).digest()):
            raise JoseRefused("The claim ath must be the digest of the access token.")
        nonce = claims.get("nonce")
        if (nonce is not None or nonce_required) and not (isinstance(nonce, str) and self.nonces.accepts(nonce, wall)):
            raise UseDpopNonceError
        jkt = key.thumbprint
        made_at = WallTime(datetime.fromtimestamp(float(claims["iat"]), UTC))
        return Proof(jkt, digest(f"proof {jkt} {jti}"), made_at, nonce if isinstance(nonce, str) else None)

    def _require_same_request(self, claims: Mapping[str, Any], method: str, path: str) -> None:
        if claims.get("htm") != method:
            raise JoseRefused("The claim htm must be the method of this request.")
        requested = _normalize(self._issuer + quote(path, safe=_IN_A_PATH))
        if _normalize(str(claims.get("htu"))) != requested:
            raise JoseRefused("The claim htu must be the URL of this request.")


_normalize = lru_cache(maxsize=_MOST_URLS)(normalize_without_query)


def _require_fresh(claims: Mapping[str, Any], wall: WallTime) -> None:
    now, ahead = wall.timestamp(), AHEAD.total_seconds()
    issued = jose.read_time_claim(claims, "iat")
    if issued is None or not now - PROOF_LIFE.total_seconds() <= issued <= now + ahead:
        raise JoseRefused("The claim iat must be the current time.")
    expires, begins = jose.read_time_claim(claims, "exp"), jose.read_time_claim(claims, "nbf")
    if (expires is not None and expires <= now - ahead) or (begins is not None and begins > now + ahead):
        raise JoseRefused("The proof has expired, or is not valid yet.")
