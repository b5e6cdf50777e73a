"""Reads files with trusted documents: GraphQL, and the manifests that GraphQL clients' tools write."""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.domain.errors import InvalidInput
from gateway.domain.identity.trusted_document import TrustedDocument, compute_id, normalize_id
from gateway.kit import json

LARGEST_FILE = 8 * 1024 * 1024
"""Bytes."""

APOLLO = "apollo-persisted-query-manifest"
"""The `format` of the manifest that Apollo's tools write."""


def read_documents(content: bytes, *, is_json: bool) -> list[TrustedDocument]:
    """Returns the documents of a file, in its order. Raises InvalidInput.

    A GraphQL file is one document, also with several operations: its identifier is the SHA-256 of the file. A JSON file
    is an object of texts by identifier (Relay, GraphQL Code Generator), or Apollo's manifest. `is_json` is whether the
    file must be JSON; otherwise it is GraphQL unless it is a JSON object, which no GraphQL document is."""
    if len(content) > LARGEST_FILE:
        raise _invalid(f"A file with documents may have at most {LARGEST_FILE} bytes.")
    try:
        manifest = json.decode_unique(json.without_mark(content))
    except ValueError:
        if is_json:
            raise _invalid("The file is not JSON, or has a member twice.") from None
        manifest = None
    if not is_json and not isinstance(manifest, dict):
        try:
            text = content.decode()
        except UnicodeDecodeError:
            raise _invalid("The file is not text in UTF-8.") from None
        return [TrustedDocument(compute_id(text), text)]
    if not isinstance(manifest, dict):
        raise _invalid("The file must be a JSON object.")
    documents: dict[str, TrustedDocument] = {}
    for document in _read_manifest(manifest):
        if documents.setdefault(document.id, document) != document:
            raise _invalid(f"The file has {document.id} twice, with different texts.")
    if not documents:
        raise _invalid("The file has no documents.")
    return list(documents.values())


def _read_manifest(manifest: Mapping[str, Any]) -> Iterator[TrustedDocument]:
    if manifest.get("format") == APOLLO:
        yield from _read_apollo(manifest)
        return
    for document_id, text in manifest.items():
        if not isinstance(text, str):
            raise _invalid(f"The text of {document_id[:100]} must be a string.")
        yield TrustedDocument(normalize_id(document_id), text)


def _read_apollo(manifest: Mapping[str, Any]) -> Iterator[TrustedDocument]:
    operations = manifest.get("operations")
    if manifest.get("version") != 1 or not isinstance(operations, list):
        raise _invalid("Apollo's manifest must have version 1 and a list of operations.")
    for number, operation in enumerate(operations, 1):
        match operation:
            case {"id": str(document_id), "body": str(text)}:
                yield TrustedDocument(normalize_id(document_id), text)
            case _:
                raise _invalid(f"Operation {number} of the manifest must have an id and a body, which are strings.")


def _invalid(message: str) -> InvalidInput:
    return InvalidInput("INVALID", message)
