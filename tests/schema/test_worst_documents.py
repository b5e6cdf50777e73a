"""The dearest documents that are allowed: each costs just under the maximum."""

import pytest

from tests.support.graphql_world import GraphQLWorld
from tests.support.worst_documents import WORST_DOCUMENTS, WorstDocument


@pytest.mark.parametrize("document", WORST_DOCUMENTS, ids=lambda each: f"A1-{each.name}")
def test_worst_document_costs_just_under_the_maximum(world: GraphQLWorld, document: WorstDocument) -> None:
    executed = world.run(document.text, dict(document.variables), by=world.merchant())
    assert executed.ran, executed.body
    assert "errors" not in executed.body
    assert executed.body["extensions"]["cost"]["requestedQueryCost"] in range(850, 1001)
