"""`gateway clients documents`: the trusted documents of a client."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.console import DatabaseUrl, console, container_for, fail, note
from gateway.cli.output import AsJson, Record, print_json, print_list
from gateway.domain.identity.trusted_document import TrustedDocument
from gateway.services.container import Container
from gateway.services.identity.document_files import LARGEST_FILE, read_documents
from gateway.services.identity.trusted_documents import Registration
from gateway.store.identity.trusted_documents import TrustedDocumentRow

_MOST_LINES = 50
"""The largest number of faults that are printed, each in a line. With --json all are."""


def documents(
    client_id: Annotated[str, typer.Argument(metavar="CLIENT", help="The client's id, cli_...")],
    file: Annotated[
        str | None,
        typer.Argument(
            help="A GraphQL file, or a JSON manifest of Relay, GraphQL Code Generator or Apollo; - for standard input."
        ),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Remove all documents that are not in FILE.")] = False,
    remove: Annotated[list[str] | None, typer.Option(metavar="ID", help="Remove a document. Repeat it.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the registered documents. The default.")] = False,
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Register, list or remove the documents that a client may name by documentId.

    All documents of FILE are registered, or none if one of them has a fault. Running servers use the change within a
    second.

    With --json, for a list: an array of objects with document_id, operations, characters and created_at. For FILE: an
    object with added, unchanged, removed (arrays of ids) and faults (objects with document_id, code, message, line and
    column). For --remove: an object with removed."""
    if sum((file is not None, bool(remove), listed)) > 1:
        fail("Use only one of FILE, --remove and --list.")
    if replace and file is None:
        fail("--replace needs a FILE.")
    with container_for(database_url) as container:
        if file is not None:
            _register(container, client_id, file, replace=replace, as_json=as_json)
        elif remove:
            _remove(container, client_id, remove, as_json=as_json)
        else:
            _list(container, client_id, as_json=as_json)


def _register(container: Container, client_id: str, file: str, *, replace: bool, as_json: bool) -> None:
    from schema.build import build_schema  # takes half a second, which the other commands of the group do not need
    from schema.document_check import DocumentCheck

    client, settings = container.documents.load_client(client_id), container.settings
    content = read_documents(_read(file), is_json=file.lower().endswith(".json"))
    check = DocumentCheck(build_schema(container.registry, sandbox=settings.sandbox), settings)
    faults = [asdict(fault) for fault in check.find_faults(content, client)]
    if faults:
        if as_json:
            print_json(_describe_registration(Registration(), faults))
        for fault in [] if as_json else faults[:_MOST_LINES]:
            note(_sentence(fault, content))
        more = f" Shown are the first {_MOST_LINES}; --json has all." if len(faults) > _MOST_LINES else ""
        fail(f"Nothing was registered, because of {len(faults)} fault(s).{more}")
    registration = container.documents.register(client_id, content, replace=replace)
    if as_json:
        print_json(_describe_registration(registration, []))
        return
    for word in ("added", "unchanged", "removed"):
        for document_id in getattr(registration, word):
            console.print(f"{word:<9}  {document_id}")


def _remove(container: Container, client_id: str, document_ids: Sequence[str], *, as_json: bool) -> None:
    container.documents.remove(client_id, document_ids)
    if as_json:
        print_json({"removed": list(document_ids)})
    else:
        console.print(f"Removed {len(document_ids)} document(s) of {client_id}.")


def _list(container: Container, client_id: str, *, as_json: bool) -> None:
    rows = container.documents.list_of_client(client_id)
    print_list(
        [_describe(row) for row in rows],
        {"document": "document_id", "operations": "operations", "characters": "characters", "registered": "created_at"},
        folded=("operations",),
        empty=f"{client_id} has no documents. Register some: gateway clients documents {client_id} FILE",
        as_json=as_json,
    )


def _describe(row: TrustedDocumentRow) -> Record:
    from graphql import GraphQLError, OperationDefinitionNode, parse

    try:
        definitions = parse(row.text).definitions
    except GraphQLError:  # changed by hand
        definitions = ()
    names = [each.name.value for each in definitions if isinstance(each, OperationDefinitionNode) and each.name]
    return {
        "document_id": row.id,
        "operations": names,
        "characters": len(row.text),
        "created_at": row.created_at,
    }


def _describe_registration(registration: Registration, faults: Sequence[Record]) -> Record:
    return {**asdict(registration), "faults": faults}


def _sentence(fault: Record, content: Sequence[TrustedDocument]) -> str:
    """A fault in one line: the place of the document in the file, its identifier, the position in its text."""
    place = next(number for number, each in enumerate(content, 1) if each.id == fault["document_id"])
    name = f" {fault['document_id']}" if fault["document_id"].isprintable() else ""
    position = "" if fault["line"] is None else f", line {fault['line']}, column {fault['column']}"
    return f"document {place}{name[:100]}{position}: {fault['message']} ({fault['code']})"


def _read(file: str) -> bytes:
    """The content of the file, or of standard input if the file is "-"; one byte more than the maximum if it is too
    long. Ends the command if it cannot be read."""
    try:
        with sys.stdin.buffer if file == "-" else Path(file).open("rb") as stream:
            return stream.read(LARGEST_FILE + 1)
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}.")
