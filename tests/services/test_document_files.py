"""Files with trusted documents: GraphQL, and the manifests of Relay, GraphQL Code Generator and Apollo."""

import hashlib
import json
from typing import Any

import pytest

from gateway.domain.errors import InvalidInput
from gateway.domain.identity.trusted_document import TrustedDocument, compute_id
from gateway.services.identity.document_files import APOLLO, LARGEST_FILE, read_documents

NAME, TIER = "query Name { viewer { appName } }", "query Tier { user { scoreTier } }"


def read(content: Any, *, is_json: bool = True) -> list[TrustedDocument]:
    return read_documents(content if isinstance(content, bytes) else json.dumps(content).encode(), is_json=is_json)


def test_graphql_file_is_one_document_with_the_hash_of_the_file() -> None:
    content = f"# Ours\r\n{NAME}\r\n{TIER}\r\n".encode()
    expected = f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert read(content, is_json=False) == [TrustedDocument(expected, content.decode())]


def test_graphql_file_that_begins_with_a_brace_is_no_json() -> None:
    assert read(b"{ viewer { appName } }", is_json=False)[0].text == "{ viewer { appName } }"


def test_object_of_texts_by_identifier() -> None:
    """Relay writes MD5, GraphQL Code Generator SHA-1 or SHA-256, both without a prefix."""
    sha1 = hashlib.sha1(TIER.encode(), usedforsecurity=False).hexdigest()
    found = read({compute_id(NAME).removeprefix("sha256:"): NAME, sha1: TIER})
    assert found == [TrustedDocument(compute_id(NAME), NAME), TrustedDocument(sha1, TIER)]


def test_apollo_manifest() -> None:
    operations = [
        {"id": compute_id(text).removeprefix("sha256:"), "name": name, "type": "query", "body": text}
        for name, text in (("Name", NAME), ("Tier", TIER))
    ]
    found = read({"format": APOLLO, "version": 1, "operations": operations})
    assert found == [TrustedDocument(compute_id(text), text) for text in (NAME, TIER)]


def test_json_is_recognised_without_the_name_of_a_file_and_after_a_mark() -> None:
    assert read({"name": NAME}, is_json=False) == read(b"\xef\xbb\xbf" + json.dumps({"name": NAME}).encode())


def test_document_that_is_there_twice_is_read_once() -> None:
    operation = {"id": "name", "body": NAME}
    assert len(read({"format": APOLLO, "version": 1, "operations": [operation, operation]})) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"{", "not JSON", id="not JSON"),
        pytest.param(b'{"a": "{b}", "a": "{c}"}', "twice", id="member twice"),
        pytest.param([NAME], "JSON object", id="array"),
        pytest.param({}, "no documents", id="empty"),
        pytest.param({"a": 1}, "text of a must be a string", id="number"),
        pytest.param({"format": APOLLO, "version": 2, "operations": []}, "version 1", id="newer manifest"),
        pytest.param({"format": APOLLO, "version": 1, "operations": {}}, "list of operations", id="no list"),
        pytest.param({"format": APOLLO, "version": 1, "operations": []}, "no documents", id="no operations"),
        pytest.param({"format": APOLLO, "version": 1, "operations": [{"id": "a"}]}, "Operation 1", id="no body"),
        pytest.param({"format": APOLLO, "version": 1, "operations": [NAME]}, "Operation 1", id="no object"),
        pytest.param(b" " * (LARGEST_FILE + 1), "at most", id="large"),
    ],
)
def test_file_that_is_no_manifest_is_refused(content: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read(content)


def test_identifier_with_two_texts_is_refused() -> None:
    operations = [{"id": "same", "body": text} for text in (NAME, TIER)]
    with pytest.raises(InvalidInput, match="same twice"):
        read({"format": APOLLO, "version": 1, "operations": operations})


def test_file_that_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidInput, match="UTF-8"):
        read(b"query \xff", is_json=False)
