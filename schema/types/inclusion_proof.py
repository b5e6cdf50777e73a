"""The proof that a log entry is in the log."""

import strawberry

from gateway.kit.crypto import base64url
from gateway.services import log_proofs
from schema.context import Info
from schema.directives import listed

INCLUSION_PROOF = (
    "RFC 9162 proof that the log entry behind the receipt is in the decision log; null while no checkpoint covers it"
    " yet. Null, with error RECORD_MISMATCH, if the log does not match its newest checkpoint."
)
"""The description of the field with a proof."""


@strawberry.type(
    description="Hashes in base64url, leaf to root; checkpoint in C2SP form, signed with a key of the issuer's"
    " jwks_uri."
)
class InclusionProof:
    leaf_index: int = strawberry.field(description="Position of the entry in the log, counted from 0.")
    tree_size: int = strawberry.field(description="Number of entries that the checkpoint covers.")
    hashes: list[str] = listed("The inclusion proof of RFC 9162 section 2.1.3.", 40)
    checkpoint: str = strawberry.field(description="The signed size and root of the log: a C2SP tlog-checkpoint.")

    @classmethod
    def of(cls, proof: log_proofs.InclusionProof) -> "InclusionProof":
        return cls(
            leaf_index=proof.leaf_index,
            tree_size=proof.tree_size,
            hashes=[base64url(each) for each in proof.hashes],
            checkpoint=proof.checkpoint,
        )


def find_proof(info: Info, decision_id: str) -> InclusionProof | None:
    """The proof for the newest entry of a decision that the token may read. Raises RecordMismatch."""
    container, query = info.context.container, info.context.query
    decision = container.decisions.find(query, decision_id)
    proof = container.receipts.prove(query, decision) if decision else None
    return InclusionProof.of(proof) if proof else None
