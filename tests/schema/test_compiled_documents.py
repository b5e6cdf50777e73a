"""All documents of the documentation, the demos and the load tests are compiled. Random documents of the published
schema have equal responses in two equal worlds, of which one does not compile."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from graphql import FragmentDefinitionNode, OperationDefinitionNode, parse, validate
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as rounds
from hypothesis import strategies as st

from gateway.bootstrap import build
from gateway.demo import operations
from gateway.settings import Settings
from schema.compiled.compiler import compile_operation
from schema.compiled.kept import KeptData
from schema.compiled.reasons import Reason
from schema.engine import Engine, Executed, GraphQLRequest
from schema.validation.quick_check import QuickCheck
from tests.support import graphql_world, mixed_load
from tests.support.checkout import ROOT
from tests.support.clock import MovableClock
from tests.support.executions import ordered
from tests.support.generated_documents import DocumentGenerator
from tests.support.graphql_world import GraphQLWorld, built
from tests.support.passwords import FAST_HASH
from tests.support.world import installed_adapters
from tests.support.worst_documents import WORST_DOCUMENTS

SCHEMA = built().schema
LEAVES: dict[str, list[Any]] = {
    "Decimal": ["1.00", "250.50"],
    "CurrencyCode": ["CNY"],
    "DateTime": ["2026-11-24T09:00:00Z", "2026-11-27T09:00:00Z"],
    "Duration": ["P1D", "P30D"],
    "URL": ["https://merchant.example/a"],
}
MINTED = re.compile(r"\b[a-z]+_test_[\w-]+|\bwhsec_[\w+/=]+|\bWyJ[\w-]+")
"""Ids, and cursors with ids, which differ between two worlds if a mutation makes them."""


def documented() -> Iterator[tuple[str, str]]:
    """Yields the documents, each with its place."""
    for module in (operations, mixed_load, graphql_world):
        for name, value in vars(module).items():
            if name.isupper() and isinstance(value, str) and "{" in value:
                yield f"{module.__name__}.{name}", value
    for worst in WORST_DOCUMENTS:
        if "__schema" not in worst.text:
            yield f"worst documents: {worst.name}", worst.text
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        text = page.read_text(encoding="utf-8")
        for number, document in enumerate(re.findall(r"```graphql\n(.*?)```", text, re.DOTALL)):
            yield f"{page.name} {number}", document
    for example in sorted((ROOT / "docs" / "examples").glob("*.*")):
        for document in re.findall(r"""(?i)query = ["'](.*?)["'];?$""", example.read_text(), re.MULTILINE):
            yield example.name, document
    load = (ROOT / "tools" / "load.py").read_text(encoding="utf-8")
    for name, document in re.findall(r'^([A-Z]+) = """?(.*?)"(?:"")?$', load, re.MULTILINE | re.DOTALL):
        if "{" in document:
            yield f"tools/load.py {name}", document


DOCUMENTED = list(documented())


def test_documents_are_found_in_each_place() -> None:
    places = " ".join(place for place, _ in DOCUMENTED)
    for place in (
        "operations.TIER",
        "mixed_load",
        "worst",
        "README.md",
        "quickstart.md",
        "fapi2_client.py",
        "load.py PAGE",
    ):
        assert place in places
    assert len(DOCUMENTED) >= 30


@pytest.mark.parametrize(("place", "text"), [pytest.param(*each, id=each[0]) for each in DOCUMENTED])
def test_documented_document_is_compiled(place: str, text: str) -> None:
    document = parse(text)
    assert validate(SCHEMA, document) == [] or "harbourBoats" in text, "only this adapter is not installed"
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            assert compile_operation(SCHEMA, node, fragments, KeptData()).source_size > 0


@pytest.mark.parametrize(("place", "text"), [pytest.param(*each, id=each[0]) for each in DOCUMENTED])
def test_documented_document_is_accepted_by_the_quick_check(place: str, text: str) -> None:
    assert QuickCheck(SCHEMA).accepts(parse(text)) or "harbourBoats" in text, "only this adapter is not installed"


class EqualWorlds:
    """Two engines over equal databases: the first one compiles operations, the other one does not."""

    def __init__(self, settings: Settings, clock: MovableClock, folder: Path) -> None:
        changed = {"query_maximum_cost": 100_000, "query_compilation": True}
        self.world = GraphQLWorld(settings.model_copy(update=changed), clock)
        self.decisions = [
            self.world.request(f"key-{number}", f"order-{number}")["decision"]["id"] for number in range(3)
        ]
        self.world.container.close()
        shutil.copy(folder / "gateway.db", folder / "copy.db")
        parts: dict[str, Any] = {"clock": clock, "hasher": FAST_HASH, "registry": installed_adapters()}
        self.containers = [
            build(self.world.container.settings.model_copy(update=update), **parts)
            for update in (changed, {"database_url": f"sqlite:///{folder}/copy.db", "query_compilation": False})
        ]
        self.engines = [Engine(built(), container) for container in self.containers]
        self.engines[0].executor.operations.at_first_use = True

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of objects of each kind, and one that does not exist."""
        world = self.world
        return (*self.decisions, world.consent.id, world.merchant_id, world.consent.subject, world.persona_id, "dec_x")

    def compare(self, random: Random) -> None:
        """Sends one random document to both. The responses must be equal."""
        is_mutation = random.random() < 0.3
        generator = DocumentGenerator(
            random, SCHEMA, ids=self.ids, leaves=LEAVES, without={"rateLimit", "receipt", "inclusionProof"}
        )
        request = GraphQLRequest(generator.document(mutation=is_mutation), generator.values)
        by = random.choice([self.world.user(), self.world.merchant(), self.world.merchant("consents:read")])
        compiled, expected = [engine.execute(request, by, "req_test_1") for engine in self.engines]
        assert _described(compiled) == _described(expected), request

    def close(self) -> None:
        for container in self.containers:
            container.close()


def _described(executed: Executed) -> Any:
    body = {**executed.body, "extensions": {**executed.body["extensions"], "cost": None}}
    masked = MINTED.sub("MINTED", json.dumps(ordered(body)))
    return masked, executed.ran, executed.unavailable


@pytest.fixture
def worlds(settings: Settings, sqlite_url: str, clock: MovableClock, tmp_path: Path) -> Iterator[EqualWorlds]:
    with closing(EqualWorlds(settings.model_copy(update={"database_url": sqlite_url}), clock, tmp_path)) as made:
        yield made


def check(worlds: EqualWorlds, examples: int) -> dict[Reason, int]:
    """Compares this many random documents. Returns how many graphql-core executed in the first world, by reason."""

    @rounds(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, 2**63))
    def compare(seed: int) -> None:
        worlds.compare(Random(seed))

    compare()
    return worlds.engines[0].executor.counts.interpreted


def test_random_documents_of_the_published_schema_have_equal_responses(worlds: EqualWorlds) -> None:
    interpreted = check(worlds, 60)
    assert set(interpreted) <= {Reason.MERGED_CONDITIONS, Reason.NULL_CONDITION}
    assert worlds.engines[0].executor.counts.compiled >= 25


@pytest.mark.slow
def test_2000_random_documents_of_the_published_schema_have_equal_responses(worlds: EqualWorlds) -> None:
    check(worlds, 2000)
    assert worlds.engines[0].executor.counts.compiled >= 800
