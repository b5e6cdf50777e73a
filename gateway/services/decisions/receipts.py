"""Receipts: signed documents of decisions that anybody can verify without this server (JWS, RFC 7515)."""

from typing import Any

from joserfc.jwk import OKPKey

from gateway.domain.decisions.outcome import Approval, Decline
from gateway.domain.decisions.reason import seen_by_merchant
from gateway.domain.decisions.state import DecisionState
from gateway.domain.errors import RecordMismatch
from gateway.domain.period import format_moment, parse_moment
from gateway.kit import jose, json
from gateway.kit.clock import BusinessTime
from gateway.kit.crypto import SealBroken, SigningKey, base64url
from gateway.services.log_proofs import InclusionProof, is_authentic, prove_entry
from gateway.services.query_unit import QueryUnit
from gateway.store.decisions import digests
from gateway.store.logs.decision_log import EventWindow, read_public
from gateway.store.unit import UnitOfWork

TYPE = "decision-receipt+jwt"
_ALGORITHM = "EdDSA"  # the `alg` of these keys in the published key set


class ReceiptService:
    """Signs receipts with the current signing key. A receipt holds only what the merchant may see; it does
    not hold the log subject, which is the same for all merchants."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer

    def sign(self, query: QueryUnit, decision: DecisionState) -> str | None:
        """A compact JWS over the newest log entry of a decision that the token may read. None if the decision has no
        log entry, or no signing key exists. Raises RecordMismatch if the entry is not authentic, the stored decision
        differs from the digest in it or cannot be read, or no signing key in force opens."""
        return query.read(lambda unit: self._sign(unit, decision.id))

    def prove(self, query: QueryUnit, decision: DecisionState) -> InclusionProof | None:
        """The proof that the log has the entry of the receipt. None while no checkpoint covers it. Raises
        RecordMismatch if the log does not match the checkpoint."""

        def prove(unit: UnitOfWork) -> InclusionProof | None:
            entries = unit.decision_log.list_page(decision.id, EventWindow(1, backward=True, internal=True))
            return prove_entry(unit, unit.decision_log, entries[-1]) if entries else None

        return query.read(prove)

    def _sign(self, unit: UnitOfWork, decision_id: str) -> str | None:
        entries = unit.decision_log.list_page(decision_id, EventWindow(1, backward=True, internal=True))
        try:
            key, stored = unit.keys.load_signing_key(), unit.decisions.load_stored(decision_id)
        except SealBroken:
            raise RecordMismatch("No signing key in force can be opened. Tell the operator.") from None
        except (KeyError, TypeError, ValueError):
            raise RecordMismatch("The stored decision cannot be read. Tell the operator.") from None
        if not entries or key is None or stored is None:
            return None
        entry, decision = entries[-1], stored.state
        public = read_public(entry)
        if public.get(digests.DECISION) != stored.digest or not is_authentic(unit, unit.decision_log, entry):
            raise RecordMismatch("The stored decision differs from its log entry. Tell the operator.")
        provenance = decision.provenance
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
                "settlement": _settlement(decision, BusinessTime(parse_moment(public["business_at"]))),
                "policy": {
                    "adapter": provenance.adapter,
                    "version": provenance.policy_version,
                    "hash": provenance.policy_hash,
                },
            },
            "log": {"leaf_index": entry.leaf_index, "leaf_hash": base64url(entry.leaf_hash)},
        }
        return _signed(claims, key)


def _outcome(decision: DecisionState) -> dict[str, Any] | None:
    outcome = decision.outcome
    if not isinstance(outcome, Approval | Decline):
        return None
    return {**outcome.document(), "reasons": list(seen_by_merchant(outcome.reasons))}


def _settlement(written: DecisionState, at: BusinessTime) -> dict[str, Any] | None:
    """The settlement after the entry. It can differ from the terms, by an extension or a partial settlement."""
    settlement = written.as_of(at).settlement
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
    return jose.sign(header, json.canonical(claims), OKPKey.import_key(jwk))
