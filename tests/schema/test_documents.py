"""The cache of documents: limits of number and size, no invalid documents, thread safety."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from schema.documents import Documents, Refused
from tests.support.graphql_world import built

SCHEMA = built().schema


def document(number: int, padding: int = 0) -> str:
    return f"query Q{number} {{ __typename }}{' ' * padding}"


def test_same_text_is_prepared_once() -> None:
    documents = Documents(SCHEMA)
    assert documents.prepare(document(1)) is documents.prepare(document(1))
    assert len(documents) == 1


def test_least_recently_used_document_is_evicted() -> None:
    documents = Documents(SCHEMA, entries=2)
    first = documents.prepare(document(1))
    documents.prepare(document(2))
    assert documents.prepare(document(1)) is first
    second = documents.prepare(document(3))
    assert len(documents) == 2
    assert documents.prepare(document(1)) is first
    assert documents.prepare(document(3)) is second


def test_size_is_limited() -> None:
    documents = Documents(SCHEMA, size=1000)
    for number in range(50):
        documents.prepare(document(number, padding=100))
    assert documents.text_size <= 1000
    assert 1 < len(documents) < 10
    documents.prepare(document(99, padding=5000))
    assert documents.text_size == 0


def test_invalid_documents_are_not_kept() -> None:
    documents = Documents(SCHEMA)
    for text, code in (
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nope }", "GRAPHQL_VALIDATION_FAILED"),
        ("", "GRAPHQL_PARSE_FAILED"),
    ):
        with pytest.raises(Refused) as caught:
            documents.prepare(text)
        assert caught.value.code == code
    assert len(documents) == 0


def test_many_threads_share_the_cache() -> None:
    documents = Documents(SCHEMA, entries=8)
    with ThreadPoolExecutor(8) as pool:
        prepared = list(pool.map(lambda number: documents.prepare(document(number % 16)), range(2000)))
    assert len(prepared) == 2000
    assert len(documents) == 8
    assert documents.text_size == sum(len(text) for text in documents._documents)
