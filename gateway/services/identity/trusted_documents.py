"""Registers, lists and removes the trusted documents of clients."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from gateway.domain.errors import InvalidInput, NotFound
from gateway.domain.identity.trusted_document import MOST_DOCUMENTS, TrustedDocument, normalize_id
from gateway.store.database import Database
from gateway.store.identity.clients import ClientRow
from gateway.store.identity.trusted_documents import TrustedDocumentRow
from gateway.store.unit import UnitOfWork


@dataclass(frozen=True, slots=True)
class Registration:
    """What a registration did, by identifiers: new documents, those that were registered already, and removed ones."""

    added: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class TrustedDocumentService:
    """The trusted documents of one deployment. Safe to use from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load_client(self, client_id: str) -> ClientRow:
        """Returns the client. Raises NotFound for an unknown or disabled one."""
        return _require(self._database.read(lambda unit: unit.clients.load(client_id)), client_id)

    def register(self, client_id: str, documents: Sequence[TrustedDocument], *, replace: bool = False) -> Registration:
        """Registers documents that the schema has accepted. Repeating it changes nothing. With `replace` the client's
        other documents are removed. Raises NotFound for an unknown or disabled client, and InvalidInput for too many
        documents, and, without `replace`, for an identifier that has another text."""

        def write(unit: UnitOfWork) -> Registration:
            _require(unit.clients.lock(client_id), client_id)
            wanted = {each.id: each for each in documents}
            registered = {row.id: row.text for row in unit.documents.list_of_client(client_id)}
            unchanged = {each for each in wanted if registered.get(each) == wanted[each].text}
            changed = (wanted.keys() & registered.keys()) - unchanged
            if changed and not replace:
                raise InvalidInput(
                    "INVALID", f"{min(changed)} is registered with another text. Remove it first, or use --replace."
                )
            removed = registered.keys() - wanted.keys() if replace else set[str]()
            added = wanted.keys() - unchanged
            if len(registered.keys() | wanted.keys()) - len(removed) > MOST_DOCUMENTS:
                raise InvalidInput("INVALID", f"A client can have at most {MOST_DOCUMENTS} documents.")
            if added or removed:
                unit.documents.change(client_id, [wanted[each] for each in sorted(added)], removed | changed)
            return Registration(*(tuple(sorted(each)) for each in (added, unchanged, removed)))

        return self._database.write(write)

    def remove(self, client_id: str, document_ids: Collection[str]) -> None:
        """Removes documents of a client. Raises NotFound for an unknown client and for an unknown identifier, and then
        removes none."""
        wanted = {normalize_id(each) for each in document_ids}

        def write(unit: UnitOfWork) -> None:
            _require(unit.clients.lock(client_id), client_id)
            unknown = wanted - {row.id for row in unit.documents.list_of_client(client_id)}
            if unknown:
                raise NotFound(f"{client_id} has no document {min(unknown)}.")
            unit.documents.change(client_id, [], wanted)

        self._database.write(write)

    def list_of_client(self, client_id: str) -> list[TrustedDocumentRow]:
        """Returns the documents of a client, oldest first. Raises NotFound for an unknown or disabled client."""

        def read(unit: UnitOfWork) -> list[TrustedDocumentRow]:
            _require(unit.clients.load(client_id), client_id)
            return unit.documents.list_of_client(client_id)

        return self._database.read(read)

    def load_text(self, client_id: str, document_id: str) -> str | None:
        """Returns the text of a document, None if the client has no document with this identifier. Raises
        DatabaseUnavailable and DeadlineExceeded."""
        return self._database.read(lambda unit: unit.documents.load_text(client_id, document_id))

    def list_newest(self, most: int) -> list[TrustedDocumentRow]:
        """Returns at most `most` documents of all enabled clients, newest first."""
        return self._database.read(lambda unit: unit.documents.list_newest(most))


def _require(client: ClientRow | None, client_id: str) -> ClientRow:
    if client is None:
        raise NotFound(f"There is no client {client_id}, or it is disabled.")
    return client
