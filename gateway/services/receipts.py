"""Receipts: what was decided, signed so that anybody can verify it later without asking this server (RFC 7515)."""

from typing import Any

from joserfc import jws
from joserfc.jwk import OKPKey

from gateway.domain.decision import Decision
from gateway.domain.outcome import Approval, Decline
from gateway.domain.period import format_moment, parse_moment
from gateway.domain.reason import seen_by_merchant
from gateway.kit import json
from gateway.kit.crypto import SigningKey, base64url
from gateway.services.reading import Reading
from gateway.store import decision_log, decisions
from gateway.store.keys import Keyring

TYPE = "decision-receipt+jwt"
_ALGORITHM = "EdDSA"  # the name under which the key set publishes these keys


class ReceiptService:
    """Signs with the log's key in force. A receipt holds what its merchant may see anyway, and no more: not the name
    under which the logs know the person, which is the same for all merchants."""

    def __init__(self, keyring: Keyring, issuer: str) -> None:
        self._keyring, self._issuer = keyring, issuer

    def receipt(self, reading: Reading, decision: Decision) -> str | None:
        """A compact JWS over the newest log entry of a decision that the token may see; None where it has none."""
        entries = decision_log.of_decision(reading.session, decision.id)
        key = self._keyring.in_force(reading.session)
        if not entries or key is None:
            return None
        entry = entries[-1]
        public = json.decode(entry.public)
        claims = {
            "iss": self._issuer,
            "sub": decision.subject,
            "jti": entry.id,
            "iat": int(parse_moment(public["at"]).timestamp()),
            "decision": {
                "id": decision.id,
                "merchant": entry.merchant_id,
                "merchant_reference": decision.merchant_reference,
                "product": decision.product,
                "purpose": decision.purpose,
                "event": public["topic"],
                "status": public["to"],
                "at": public["business_at"],
                "outcome": _outcome(decision),
                "settlement": _settlement(reading, decision, public["business_at"]),
                "policy": {
                    "adapter": decision.ruling.adapter,
                    "version": decision.ruling.policy_version,
                    "hash": decision.ruling.policy_hash,
                },
            },
            "log": {"sequence": entry.sequence, "hash": entry.hash},
        }
        return _signed(claims, key)


def _outcome(decision: Decision) -> dict[str, Any] | None:
    outcome = decision.outcome
    if not isinstance(outcome, Approval | Decline):
        return None
    return {**outcome.document(), "reasons": list(seen_by_merchant(outcome.reasons))}


def _settlement(reading: Reading, decision: Decision, at: str) -> dict[str, Any] | None:
    """What the entry left of the promise: an extension or a part that was settled is not in the terms."""
    row = decisions.load(reading.session, decision.id)
    settlement = decisions.standing_of(row).settlement(parse_moment(at)) if row else None
    if settlement is None:
        return None
    amounts = {name: getattr(settlement, name).document() for name in ("due", "settled", "outstanding")}
    return {**amounts, "due_at": settlement.due_at and format_moment(settlement.due_at)}


def _signed(claims: dict[str, Any], key: SigningKey) -> str:
    jwk: dict[str, str | list[str]] = {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": base64url(key.public),
        "d": base64url(key.private),
    }
    header = {"alg": _ALGORITHM, "kid": key.kid, "typ": TYPE}
    registry = jws.JWSRegistry(algorithms=[_ALGORITHM])
    return jws.serialize_compact(header, json.canonical(claims), OKPKey.import_key(jwk), registry=registry)
