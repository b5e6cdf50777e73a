"""The servers that the gateway is compared with have a part of its schema, and do the same work."""

import pytest
from graphql import build_schema, find_breaking_changes, parse, validate

from tests.support.checkout import ROOT
from tools.bench import __main__ as bench
from tools.bench import environment
from tools.bench.dataset import RANKS, Dataset
from tools.bench.registry import PEERS, STATE, chosen
from tools.load import PAGE, REQUEST, TIER

PEER_SCHEMA = build_schema((PEERS / "peer.graphql").read_text())


def test_schema_of_the_peers_is_a_part_of_the_schema() -> None:
    schema = build_schema((ROOT / "schema" / "gateway.graphql").read_text())
    assert find_breaking_changes(PEER_SCHEMA, schema) == []


@pytest.mark.parametrize("document", [TIER, PAGE, REQUEST])
def test_peers_can_answer_the_measured_documents(document: str) -> None:
    assert validate(PEER_SCHEMA, parse(document)) == []


def test_chosen_peers_include_gateway_and_bare_endpoint() -> None:
    assert [peer.name for peer in chosen("ariadne")] == ["gateway", "starlette", "ariadne"]


def test_unknown_peer_is_an_error() -> None:
    with pytest.raises(ValueError, match="ariadn"):
        chosen("ariadn")


def test_data_depend_on_the_seed_only() -> None:
    data = Dataset(users=200, decisions=100)
    assert data.people() == Dataset(users=200, decisions=100).people()
    assert data.stored_decisions() == Dataset(users=200, decisions=100).stored_decisions()
    assert len({user.token for user in data.people()}) == 200
    assert {user.tier for user in data.people()} <= RANKS.keys()


@pytest.mark.slow
def test_bare_endpoint_and_gateway_give_equal_answers(capsys: pytest.CaptureFixture[str]) -> None:
    STATE.mkdir(exist_ok=True)
    environment.install_python()
    options = ["--peers", "starlette", "--scenario", "mixed", "--rounds", "1", "--seconds", "0.5"]
    assert bench.main(options) == 0
    report = capsys.readouterr().out
    assert "| **Sesame Gateway** |" in report
    assert "Differences and errors" not in report
