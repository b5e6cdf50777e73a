"""`gateway sdl check`: which operations a schema breaks."""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.console import DatabaseUrl, console, container_for, fail, note, settings_for
from gateway.cli.output import AsJson, print_json
from gateway.domain.errors import InvalidInput
from gateway.services.identity.document_files import LARGEST_FILE, read_documents
from gateway.services.sandbox.request_log import is_cut
from gateway.settings import EnvironmentName
from merchants.registry import discover

if TYPE_CHECKING:  # they take half a second, which the other commands do not need
    from graphql import GraphQLSchema

    from schema.upgrade_check import Finding, OperationText

_MOST_DOCUMENTS = 1_000
"""The largest number of different documents of the request log that are checked."""

_HASH, _SHORT = re.compile(r"(sha256:[0-9a-f]{12})[0-9a-f]{52}"), r"\1..."
_INDENT = " " * 9
_WIDEST = 100


def check(
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="OPERATIONS", help="GraphQL files, or JSON manifests of trusted documents."),
    ] = None,
    operations: Annotated[
        list[str] | None, typer.Option("--operations", metavar="FILE", help="The same. Repeat it.")
    ] = None,
    schema: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="The new schema: SDL, or the result of an introspection query as JSON."),
    ] = None,
    environment: Annotated[
        EnvironmentName | None,
        typer.Option(help="Whose present schema is meant. The default: that of the settings."),
    ] = None,
    from_request_log: Annotated[
        bool, typer.Option("--from-request-log", help="Check the operations in the request log of this sandbox.")
    ] = False,
    partner: Annotated[str | None, typer.Option(metavar="NAME", help="Only those of this partner.")] = None,
    merchant: Annotated[str | None, typer.Option(metavar="ID", help="Only those of this merchant.")] = None,
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """List the operations that a schema breaks. Without --schema: the present schema of this gateway.

    With --schema, changes between the present schema and the new one count too that make no operation invalid: types
    of responses, and what a variable may have in it.

    Exit code 1 if anything breaks. Deprecated uses are warnings.

    With --json: an object with operations (a number), breaks and warnings (arrays of objects with source, line, column,
    operation and message)."""
    from graphql import build_schema

    from schema.export import sdl
    from schema.upgrade_check import check_operations

    named = [*(files or ()), *(operations or ())]
    if not named and not from_request_log:
        fail("Name files with operations, or use --from-request-log.")
    if (partner is not None or merchant is not None) and not from_request_log:
        fail("--partner and --merchant need --from-request-log.")
    settings = settings_for(database_url)
    sandbox = (environment or settings.environment) is EnvironmentName.SANDBOX
    present = build_schema(sdl(discover(settings.adapters), sandbox=sandbox))
    new = present if schema is None else _read_schema(schema)
    texts = [text for file in named for text in _read_operations(file)]
    if from_request_log:
        texts += _read_log(database_url, partner, merchant)
    report = check_operations(texts, new, None if schema is None else present)
    if as_json:
        print_json(asdict(report))
    else:
        _print("breaks", report.breaks)
        _print("warning", report.warnings)
        console.print(
            f"Operations: {report.operations}, breaks: {len(report.breaks)}, warnings: {len(report.warnings)}."
        )
    raise typer.Exit(1 if report.breaks else 0)


def _print(kind: str, findings: "Sequence[Finding]") -> None:
    for each in findings:
        place = f"{_HASH.sub(_SHORT, each.source)}:{each.line}" + (f" {each.operation}" if each.operation else "")
        console.print(f"{kind:<9}{place}")
        width = min(console.width, _WIDEST) - len(_INDENT) if console.is_terminal else 1_000_000
        for line in textwrap.wrap(each.message, width, break_long_words=False, break_on_hyphens=False):
            console.print(_INDENT + line)


def _read_schema(file: str) -> "GraphQLSchema":
    from schema.upgrade_check import read_schema

    try:
        return read_schema(_read(file).decode())
    except UnicodeDecodeError:
        fail(f"{file} is not text in UTF-8.")
    except InvalidInput as error:
        fail(f"{file} is not a schema: {error.message}")


def _read_operations(file: str) -> "list[OperationText]":
    """The texts of a file. The source of a document of a manifest is the file with the document's identifier."""
    from schema.upgrade_check import OperationText

    is_json = file.lower().endswith(".json")
    try:
        documents = read_documents(_read(file), is_json=is_json)
    except InvalidInput as error:
        fail(f"{file}: {error.message}")
    if not is_json and len(documents) == 1:
        return [OperationText(file, documents[0].text)]
    return [OperationText(f"{file} {each.id}", each.text) for each in documents]


def _read_log(database_url: str | None, partner: str | None, merchant: str | None) -> "list[OperationText]":
    """The documents of the request log that were executed. The source is the newest entry of each."""
    from schema.upgrade_check import OperationText

    with container_for(database_url) as container:
        owner = None if partner is None else container.database.read(lambda unit: unit.partners.load_by_name(partner))
        if partner is not None and owner is None:
            fail(f"There is no partner {partner}.")
        if merchant is not None and container.database.read(lambda unit: unit.merchants.load(merchant)) is None:
            fail(f"There is no merchant {merchant}.")
        partner_id = None if owner is None else owner.id
        documents = container.database.read(
            lambda unit: unit.request_log.list_documents(partner_id, merchant, _MOST_DOCUMENTS)
        )
    whole = [each for each in documents if not is_cut(each.text)]
    if len(whole) < len(documents):
        note(f"{len(documents) - len(whole)} documents are too long for the log, and were not checked.")
    if not whole:
        note("The request log has no operations that were executed.")
    return [OperationText(each.entry_id, each.text) for each in whole]


def _read(file: str) -> bytes:
    try:
        with Path(file).open("rb") as stream:
            return stream.read(LARGEST_FILE + 1)
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}.")
    except ValueError:
        fail("The name of a file must not have a NUL.")
