"""The trusted documents of clients, and for each client that has or had some a digest of them for the record log."""

from collections.abc import Iterable

from sqlalchemy import Connection, Integer, bindparam, select
from sqlmodel import Field

from gateway.domain.identity.trusted_document import TrustedDocument, digest_documents
from gateway.kit.clock import WallTime
from gateway.store.base import Record, moment_column, table_of
from gateway.store.identity.clients import CLIENTS
from gateway.store.logs.record_log import RecordLog
from gateway.store.repository import Repository, insert_into


class TrustedDocumentRow(Record):
    """A document that the operator has registered for a client. `id` is the documentId of requests."""

    client_id: str = Field(foreign_key="oauth_clients.id", primary_key=True)
    id: str = Field(primary_key=True)
    text: str
    created_at: WallTime = moment_column()


class TrustedDocumentTable(TrustedDocumentRow, table=True):
    __tablename__ = "trusted_documents"


class DocumentSetRow(Record):
    """All documents of the client `id`: their digest, and when it was last changed. The record log has a digest of this
    row, so that it covers documents that are inserted, changed or removed by hand."""

    id: str = Field(foreign_key="oauth_clients.id", primary_key=True)
    digest: str
    changed_at: WallTime = moment_column()


class DocumentSetTable(DocumentSetRow, table=True):
    __tablename__ = "trusted_document_sets"


DOCUMENTS, DOCUMENT_SETS = table_of(TrustedDocumentTable), table_of(DocumentSetTable)
_OF_CLIENT = select(DOCUMENTS).where(DOCUMENTS.c.client_id == bindparam("of_client"))
_LIST = _OF_CLIENT.order_by(DOCUMENTS.c.created_at, DOCUMENTS.c.id)
_TEXT = select(DOCUMENTS.c.text).where(
    DOCUMENTS.c.client_id == bindparam("of_client"), DOCUMENTS.c.id == bindparam("of_id")
)
_NEWEST = (
    select(DOCUMENTS)
    .join(CLIENTS, CLIENTS.c.id == DOCUMENTS.c.client_id)
    .where(CLIENTS.c.disabled_at.is_(None))
    .order_by(DOCUMENTS.c.created_at.desc(), DOCUMENTS.c.client_id, DOCUMENTS.c.id)
    .limit(bindparam("most", type_=Integer))
)
_DELETE = DOCUMENTS.delete().where(
    DOCUMENTS.c.client_id == bindparam("of_client"), DOCUMENTS.c.id.in_(bindparam("ids", expanding=True))
)
_WRITE_SET = insert_into(DOCUMENT_SETS)
_WRITE_SET = _WRITE_SET.on_conflict_do_update(
    index_elements=["id"], set_={name: _WRITE_SET.excluded[name] for name in ("digest", "changed_at")}
)


class TrustedDocumentRepository(Repository):
    """Reads and writes documents. Each change is noted for the record log. The client must be locked."""

    def __init__(self, connection: Connection, wall: WallTime, records: RecordLog) -> None:
        super().__init__(connection)
        self._wall, self._records = wall, records

    def load_text(self, client_id: str, document_id: str) -> str | None:
        """Returns the text of a client's document, None for an unknown one."""
        text: str | None = self._value(_TEXT, of_client=client_id, of_id=document_id)
        return text

    def list_of_client(self, client_id: str) -> list[TrustedDocumentRow]:
        """Returns the documents of a client, oldest first."""
        return self._all(TrustedDocumentRow, _LIST, of_client=client_id)

    def list_newest(self, most: int) -> list[TrustedDocumentRow]:
        """Returns at most `most` documents of all enabled clients, newest first."""
        return self._all(TrustedDocumentRow, _NEWEST, most=most)

    def change(self, client_id: str, inserted: Iterable[TrustedDocument], removed: Iterable[str]) -> None:
        """Deletes the documents with the identifiers `removed`, then writes the new documents `inserted`."""
        self._execute(_DELETE, of_client=client_id, ids=list(removed))
        for each in inserted:
            row = TrustedDocumentRow(client_id=client_id, id=each.id, text=each.text, created_at=self._wall)
            self._insert(DOCUMENTS, row)
        rows = self.list_of_client(client_id)
        digest = digest_documents([TrustedDocument(row.id, row.text) for row in rows])
        self._execute(_WRITE_SET, **DocumentSetRow(id=client_id, digest=digest, changed_at=self._wall).model_dump())
        self._records.note(DOCUMENT_SETS, client_id)
