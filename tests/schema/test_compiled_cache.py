"""When operations are compiled, how many are kept, and the counts of executions."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from graphql import build_schema, parse

from gateway.settings import Settings
from schema.compiled.cache import CompiledOperations
from schema.compiled.compiler import CompiledOperation
from schema.compiled.reasons import Reason, Unsupported
from schema.documents import PreparedDocument
from tests.support.clock import MovableClock
from tests.support.executions import compiled
from tests.support.graphql_world import REQUEST, GraphQLWorld, request_variables
from tests.support.race import race

SCHEMA = build_schema("type Query { a: Query b: String }")
VIEWER = "{ viewer { appName } }"


def document(text: str = "{ b }") -> PreparedDocument:
    return PreparedDocument(parse(text))


def compiling(text: str = "{ b }") -> Callable[[], CompiledOperation]:
    return lambda: compiled(SCHEMA, parse(text))


def use(cache: CompiledOperations, key: Any, compile_operation: Callable[[], CompiledOperation]) -> str:
    """Returns "compiled", or why the operation is not compiled."""
    try:
        cache.get(key, compile_operation)
    except Unsupported as unsupported:
        return unsupported.reason
    return "compiled"


@pytest.fixture
def late_world(settings: Settings, sqlite_url: str, clock: MovableClock) -> Iterator[GraphQLWorld]:
    """A world that compiles at the second use, as deployments do."""
    changed = {"database_url": sqlite_url, "query_compilation": True}
    with closing(GraphQLWorld(settings.model_copy(update=changed), clock)) as world:
        world.engine.executor.operations.at_first_use = False
        yield world


@pytest.fixture
def world_without(settings: Settings, sqlite_url: str, clock: MovableClock) -> Iterator[GraphQLWorld]:
    """A world that does not compile."""
    changed = {"database_url": sqlite_url, "query_compilation": False}
    with closing(GraphQLWorld(settings.model_copy(update=changed), clock)) as world:
        yield world


def test_operation_is_compiled_at_its_second_use_once() -> None:
    cache, key, calls = CompiledOperations(), (document(), None), []

    def compile_operation() -> CompiledOperation:
        calls.append(1)
        return compiling()()

    assert [use(cache, key, compile_operation) for _ in range(4)] == [Reason.FIRST_USE, *["compiled"] * 3]
    assert calls == [1]


def test_operations_of_one_document_are_separate() -> None:
    cache, both = CompiledOperations(), document("query A { b } query B { b }")
    assert [use(cache, (both, name), compiling()) for name in ("A", "B", "A")] == [
        Reason.FIRST_USE,
        Reason.FIRST_USE,
        "compiled",
    ]


def test_equal_documents_are_separate() -> None:
    cache = CompiledOperations()
    assert {use(cache, (document(), None), compiling()) for _ in range(3)} == {Reason.FIRST_USE}


def test_unsupported_operation_is_tried_once() -> None:
    cache, key, calls = CompiledOperations(), (document(), None), []

    def fail() -> CompiledOperation:
        calls.append(1)
        raise Unsupported(Reason.INTROSPECTION)

    uses = [use(cache, key, fail) for _ in range(4)]
    assert uses == [Reason.FIRST_USE, *[Reason.INTROSPECTION] * 3]
    assert calls == [1]


def test_entries_are_bounded_and_the_oldest_leaves() -> None:
    cache = CompiledOperations(entries=3)
    keys = [(document(), None) for _ in range(4)]
    for key in keys[:3] * 2:
        use(cache, key, compiling())
    use(cache, keys[0], compiling())
    use(cache, keys[3], compiling())
    assert len(cache) == 3
    assert use(cache, keys[0], compiling()) == "compiled"
    assert use(cache, keys[1], compiling()) == Reason.FIRST_USE


def test_bytes_are_bounded() -> None:
    large = "{ " + " ".join(f"a{n}: b" for n in range(50)) + " }"
    cache = CompiledOperations(size=500_000)
    sizes = []
    for _ in range(20):
        key = (document(large), None)
        use(cache, key, compiling(large))
        assert use(cache, key, compiling(large)) == "compiled"
        sizes.append(cache.size)
    assert max(sizes) <= 500_000
    assert 1 <= len(cache) < 20


def test_first_uses_count_too() -> None:
    cache = CompiledOperations(size=20_000)
    for _ in range(100):
        use(cache, (document(), None), compiling())
    assert 1 <= len(cache) <= 40
    assert cache.size <= 20_000


def test_one_thread_compiles_and_the_others_do_not_wait() -> None:
    cache, key = CompiledOperations(), (document(), None)
    use(cache, key, compiling())
    begun, end = threading.Event(), threading.Event()

    def slow() -> CompiledOperation:
        begun.set()
        assert end.wait(10)
        return compiling()()

    results: list[str] = []
    thread = threading.Thread(target=lambda: results.append(use(cache, key, slow)))
    thread.start()
    assert begun.wait(10)
    assert use(cache, key, slow) == Reason.COMPILING
    end.set()
    thread.join()
    assert results == ["compiled"]
    assert use(cache, key, slow) == "compiled"


def test_compiling_that_fails_unexpectedly_is_tried_again() -> None:
    cache, key = CompiledOperations(), (document(), None)
    use(cache, key, compiling())

    def fail() -> CompiledOperation:
        raise MemoryError

    with pytest.raises(MemoryError):
        use(cache, key, fail)
    assert use(cache, key, compiling()) == "compiled"


def test_counts_of_an_engine(late_world: GraphQLWorld) -> None:
    for _ in range(3):
        late_world.data(VIEWER)
        late_world.data("{ __schema { queryType { name } } }")
    counts = late_world.engine.executor.counts
    assert counts.compiled == 2
    assert counts.interpreted == {Reason.FIRST_USE: 2, Reason.INTROSPECTION: 2}


def test_setting_switches_compilation_off(world_without: GraphQLWorld) -> None:
    assert [world_without.data(VIEWER) for _ in range(3)]
    counts = world_without.engine.executor.counts
    assert counts.interpreted == {Reason.SWITCHED_OFF: 3}
    assert counts.compiled == 0


def test_threads_share_compiled_operations(late_world: GraphQLWorld) -> None:
    expected = late_world.data(VIEWER)
    assert race(lambda _: late_world.data(VIEWER)) == [expected] * 8
    assert late_world.engine.executor.counts.compiled >= 1


def test_mutation_is_compiled(late_world: GraphQLWorld) -> None:
    for number in range(3):
        late_world.data(REQUEST, request_variables(f"key-{number}", f"order-{number}"))
    assert late_world.engine.executor.counts.compiled == 2
