"""`Decision.inclusionProof`: null before the first checkpoint, then a proof that verifies."""

from base64 import urlsafe_b64decode
from typing import Any

import pytest

from gateway.domain.error_examples import EXAMPLES
from gateway.kit.checkpoints import parse_checkpoints
from gateway.kit.merkle import verify_inclusion
from tests.support.examples import matches
from tests.support.graphql_world import GraphQLWorld
from tests.support.logs import Forger, without_triggers
from tests.support.receipts import claims_of

PROOF = """query ($id: ID!) { decision(by: {id: $id}) { receipt
  inclusionProof { leafIndex treeSize hashes checkpoint } } }"""


def decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.fixture
def decisions(world: GraphQLWorld) -> list[str]:
    return [str(world.request(f"key-{number}", f"order-{number}")["decision"]["id"]) for number in range(5)]


def prove(world: GraphQLWorld, decision: str) -> Any:
    return world.data(PROOF, {"id": decision}, by=world.merchant())["decision"]


def test_proof_is_null_while_no_checkpoint_covers_the_entry(world: GraphQLWorld, decisions: list[str]) -> None:
    assert prove(world, decisions[0])["inclusionProof"] is None
    world.container.checkpoints.sign()
    later = str(world.request("later", "later")["decision"]["id"])
    assert prove(world, later)["inclusionProof"] is None
    assert prove(world, decisions[-1])["inclusionProof"] is not None


def test_proof_verifies_with_the_leaf_hash_of_the_receipt(world: GraphQLWorld, decisions: list[str]) -> None:
    world.container.checkpoints.sign()
    for number, decision in enumerate(decisions):
        read = prove(world, decision)
        proof, log = read["inclusionProof"], claims_of(read["receipt"])["log"]
        (signed,) = parse_checkpoints(proof["checkpoint"])
        assert (proof["leafIndex"], proof["treeSize"]) == (log["leaf_index"], signed.checkpoint.size) == (number, 5)
        assert signed.checkpoint.origin == "gateway.example/decision-log"
        hashes = [decode(each) for each in proof["hashes"]]
        assert verify_inclusion(decode(log["leaf_hash"]), number, 5, hashes, signed.checkpoint.root)
        assert signed.is_signed_by(world.database.read(lambda unit: unit.keys.list_own_public_keys()))


def test_log_that_does_not_match_its_checkpoint_has_no_proof(world: GraphQLWorld, decisions: list[str]) -> None:
    world.container.checkpoints.sign()
    with without_triggers(world.database, "decision_log") as connection:
        forger = Forger(connection, "decision_log")
        forger.edit_public(1, at="other")
        forger.rehash(1)
        forger.rebuild()
    executed = world.run(PROOF, {"id": decisions[0]}, by=world.merchant())
    assert executed.body["data"]["decision"]["inclusionProof"] is None
    (expected,) = EXAMPLES["RECORD_MISMATCH"]["errors"]
    (error,) = (each for each in executed.body["errors"] if each["path"] == ["decision", "inclusionProof"])
    assert matches(expected, error)
