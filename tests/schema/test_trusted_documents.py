"""Execution of trusted documents: by client and identifier, how long a change takes, and what is compiled when."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.domain.identity.principal import Principal
from gateway.domain.identity.trusted_document import TrustedDocument, compute_id
from gateway.kit.deadline import DeadlineExceeded
from gateway.kit.logging import add_members
from gateway.services.identity.trusted_documents import TrustedDocumentService
from gateway.services.merchants import MerchantService
from gateway.settings import Settings
from schema.compiled.reasons import Reason
from schema.engine import Executed, GraphQLRequest
from schema.guard import DEFAULT_LIMITS
from schema.trusted_documents import FRESH, TrustedDocuments
from tests.support.clock import MovableClock
from tests.support.graphql_world import GraphQLWorld, built
from tests.support.race import race
from tests.support.units import writing

NAME = "query Name { viewer { appName } }"
TWO = "query Name { viewer { appName } } query Merchant { viewer { merchant { name } } }"


@pytest.fixture
def world(settings: Settings, sqlite_url: str, clock: MovableClock) -> Iterator[GraphQLWorld]:
    """A world that compiles operations."""
    changed = {"database_url": sqlite_url, "query_compilation": True}
    with closing(GraphQLWorld(settings.model_copy(update=changed), clock)) as world:
        yield world


def register(world: GraphQLWorld, *texts: str) -> list[str]:
    documents = [TrustedDocument(compute_id(text), text) for text in texts]
    world.container.documents.register(world.client_id, documents)
    return [each.id for each in documents]


def run(world: GraphQLWorld, document_id: str, *, by: Principal | None = None, **more: Any) -> Executed:
    request = GraphQLRequest(None, document_id=document_id, **more)
    return world.engine.execute(request, by or world.user(), "req_test_1")


def code(executed: Executed) -> str:
    assert not executed.ran
    (error,) = executed.body["errors"]
    return str(error["extensions"]["code"])


class Seconds:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def with_clock(world: GraphQLWorld) -> Seconds:
    """Makes the engine take the age of documents from the returned clock."""
    clock = Seconds()
    world.engine.trusted = TrustedDocuments(built().schema, DEFAULT_LIMITS, world.container.documents, clock=clock)
    return clock


def test_document_is_executed_by_its_identifier(world: GraphQLWorld) -> None:
    (document_id,) = register(world, NAME)
    for each in (document_id, document_id.removeprefix("sha256:")):
        assert run(world, each).body["data"] == {"viewer": {"appName": "Green Cars website"}}


def test_operation_and_variables_belong_to_the_request(world: GraphQLWorld) -> None:
    text = f"query One($on: Boolean!) {{ viewer {{ appName @include(if: $on) merchant {{ name }} }} }} {NAME}"
    (document_id,) = register(world, text)
    executed = run(world, document_id, operation_name="One", variables={"on": False})
    assert executed.body["data"] == {"viewer": {"merchant": {"name": "Green Cars"}}}
    assert code(run(world, document_id, operation_name="One")) == "BAD_USER_INPUT"
    assert code(run(world, document_id)) == "BAD_REQUEST"


def test_document_of_another_client_is_not_found(world: GraphQLWorld) -> None:
    (document_id,) = register(world, NAME)
    other = replace(world.user(), client_id=world.foreign_consent.client_id)
    assert run(world, document_id).ran
    foreign, unknown = run(world, document_id, by=other), run(world, f"sha256:{'0' * 64}")
    assert foreign.body == unknown.body
    assert code(foreign) == "DOCUMENT_NOT_FOUND"


@pytest.mark.parametrize("document_id", ["", "\0", "a" * 10_000, "sha256:", "é", "a b"])
def test_identifier_that_cannot_be_registered_is_not_found(world: GraphQLWorld, document_id: str) -> None:
    assert code(run(world, document_id)) == "DOCUMENT_NOT_FOUND"


def test_registered_document_works_at_the_next_request(world: GraphQLWorld) -> None:
    assert code(run(world, compute_id(NAME))) == "DOCUMENT_NOT_FOUND"
    register(world, NAME)
    assert run(world, compute_id(NAME)).ran


def test_removed_document_works_for_no_longer_than_a_second(world: GraphQLWorld) -> None:
    clock = with_clock(world)
    (document_id,) = register(world, NAME)
    assert run(world, document_id).ran
    world.container.documents.remove(world.client_id, [document_id])
    clock.now = FRESH - 0.01
    assert run(world, document_id).ran
    clock.now = FRESH
    assert code(run(world, document_id)) == "DOCUMENT_NOT_FOUND"
    assert len(world.engine.trusted) == 0


def test_replaced_text_is_used_after_a_second(world: GraphQLWorld) -> None:
    clock, documents = with_clock(world), world.container.documents
    documents.register(world.client_id, [TrustedDocument("Custom", NAME)])
    assert run(world, "Custom").body["data"] == {"viewer": {"appName": "Green Cars website"}}
    documents.register(world.client_id, [TrustedDocument("Custom", "{ viewer { merchant { name } } }")], replace=True)
    clock.now = FRESH
    assert run(world, "Custom").body["data"] == {"viewer": {"merchant": {"name": "Green Cars"}}}


def test_document_is_read_once_a_second(world: GraphQLWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = with_clock(world)
    (document_id,) = register(world, NAME)
    reads, service = [], type(world.container.documents)
    load_text = service.load_text

    def counted(self: TrustedDocumentService, *key: str) -> str | None:
        reads.append(key)
        return load_text(self, *key)

    monkeypatch.setattr(service, "load_text", counted)
    for clock.now in (0.0, 0.4, 0.8, 1.2, 1.6):
        assert run(world, document_id).ran
    assert len(reads) == 2


def test_outage_while_a_document_is_read_is_unavailable(world: GraphQLWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def end(*_: Any) -> None:
        raise DeadlineExceeded

    monkeypatch.setattr(type(world.container.documents), "load_text", end)
    executed = run(world, compute_id(NAME))
    assert executed.unavailable
    assert executed.body["errors"][0]["extensions"]["code"] == "DEADLINE_EXCEEDED"


def test_document_that_no_longer_fits_the_schema_is_refused_as_a_text(world: GraphQLWorld) -> None:
    text = "query Old { removedField }"
    (document_id,) = register(world, text)
    assert run(world, document_id).body == world.run(text).body
    world.engine.compile_trusted()  # and the start of a server does not fail
    assert run(world, *register(world, NAME)).ran


def test_cost_is_charged_as_for_a_text(world: GraphQLWorld) -> None:
    (document_id,) = register(world, TWO)
    by_text = world.run(TWO, operation="Merchant")
    assert run(world, document_id, operation_name="Merchant").body["extensions"] == by_text.body["extensions"]


def test_scopes_are_checked_as_for_a_text(world: GraphQLWorld) -> None:
    text = "query Tier { consentedUser { scoreTier { tier } } }"
    (document_id,) = register(world, text)
    executed = run(world, document_id, by=world.user("decisions:request"))
    assert executed.body["data"] == {"consentedUser": {"scoreTier": None}}
    assert executed.body["errors"][0]["extensions"]["code"] == "FORBIDDEN"


def test_all_documents_are_compiled_at_the_start(world: GraphQLWorld) -> None:
    register(world, NAME, TWO)
    world.engine.compile_trusted()
    assert len(world.engine.executor.trusted_operations) == 3
    for document_id, name in ((compute_id(NAME), None), (compute_id(TWO), "Merchant")):
        assert run(world, document_id, operation_name=name).ran
    assert (world.engine.executor.counts.compiled, world.engine.executor.counts.interpreted) == (2, {})


def test_document_that_was_registered_later_is_compiled_at_its_first_request(world: GraphQLWorld) -> None:
    world.engine.executor.operations.at_first_use = False
    world.engine.compile_trusted()
    assert run(world, *register(world, NAME)).ran
    assert world.run(NAME).ran
    counts = world.engine.executor.counts
    assert (counts.compiled, counts.interpreted) == (1, {Reason.FIRST_USE: 1})


def test_documents_of_disabled_clients_are_not_compiled(world: GraphQLWorld) -> None:
    register(world, NAME)
    with writing(world.database) as unit:
        world.container.clients.disable(unit, world.client_id)
    world.engine.compile_trusted()
    assert len(world.engine.executor.trusted_operations) == 0


def test_texts_do_not_evict_trusted_documents(world: GraphQLWorld) -> None:
    (document_id,) = register(world, NAME)
    world.engine.compile_trusted()
    for number in range(600):
        assert world.run(f"{{ viewer {{ appName }} }} # {number}").ran
    assert len(world.engine.executor.operations) == 512
    assert len(world.engine.executor.trusted_operations) == 1
    assert run(world, document_id).ran
    assert world.engine.executor.counts.interpreted == {}


def test_number_of_kept_documents_is_bounded(world: GraphQLWorld) -> None:
    trusted = TrustedDocuments(built().schema, DEFAULT_LIMITS, world.container.documents, entries=3)
    ids = register(world, *(f"query Number{number} {{ viewer {{ appName }} }}" for number in range(5)))
    assert len(list(trusted.load_all())) == 3
    for document_id in ids:
        assert trusted.prepare(world.client_id, document_id).is_trusted
    assert len(trusted) == 3


def test_equal_texts_of_two_clients_are_one_document(world: GraphQLWorld) -> None:
    other = world.foreign_consent.client_id
    world.container.documents.register(other, [TrustedDocument("Custom", NAME)])
    (document_id,) = register(world, NAME)
    trusted = world.engine.trusted
    assert trusted.prepare(world.client_id, document_id) is trusted.prepare(other, "Custom")


def test_concurrent_first_requests_have_equal_responses(world: GraphQLWorld) -> None:
    (document_id,) = register(world, NAME)
    assert all(each.ran for each in race(lambda _: run(world, document_id), 8))
    assert len(world.engine.trusted) == 1


@pytest.fixture
def closed_world(settings: Settings, sqlite_url: str, clock: MovableClock) -> Iterator[GraphQLWorld]:
    """A world that executes trusted documents only."""
    changed = {"database_url": sqlite_url, "trusted_documents_only": True}
    with closing(GraphQLWorld(settings.model_copy(update=changed), clock)) as world:
        yield world


@pytest.mark.parametrize("text", [NAME, "{ __schema { types { name } } }", "{ not GraphQL", "}" * 30_000])
def test_text_is_refused_before_it_is_parsed_where_only_trusted_documents_are_executed(
    closed_world: GraphQLWorld, text: str
) -> None:
    executed = closed_world.run(text)
    assert code(executed) == "DOCUMENT_ID_REQUIRED"
    assert "documentId instead of query" in executed.body["errors"][0]["message"]
    assert len(closed_world.engine.documents) == 0
    assert run(closed_world, *register(closed_world, NAME)).ran


def test_log_names_the_document_and_not_its_text(world: GraphQLWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(MerchantService, "load_own_name", broken)
    text = "query Named { merchant { name } }"
    (document_id,) = register(world, text)
    with capture_logs([add_members]) as logs:
        run(world, document_id)
        run(world, "unknown")
        world.run(text)
    assert [(line["event"], line.get("document_id")) for line in logs] == [
        ("graphql_failed", document_id),
        ("graphql_failed", None),
    ]
    assert "Named" not in repr(logs)
