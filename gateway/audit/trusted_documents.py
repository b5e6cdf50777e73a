"""Compares the trusted documents of each client with their digest, which the record log covers."""

from collections.abc import Iterator

from sqlalchemy import select

from gateway.audit.batches import read_batches
from gateway.domain.identity.trusted_document import TrustedDocument, digest_documents
from gateway.store.identity.clients import CLIENTS
from gateway.store.identity.trusted_documents import DOCUMENT_SETS
from gateway.store.unit import UnitOfWork

_DIGESTS = select(CLIENTS.c.id, DOCUMENT_SETS.c.digest).outerjoin(DOCUMENT_SETS, DOCUMENT_SETS.c.id == CLIENTS.c.id)
_NONE = digest_documents([])


def find_mismatches(unit: UnitOfWork, batch: int) -> Iterator[str]:
    """Yields a sentence for each client whose documents were inserted, changed or removed by hand."""
    for rows in read_batches(unit.connection, _DIGESTS, (CLIENTS.c.id,), batch):
        for row in rows:
            documents = [TrustedDocument(each.id, each.text) for each in unit.documents.list_of_client(row.id)]
            if digest_documents(documents) != (row.digest or _NONE):
                yield f"Client {row.id}: its trusted documents do not match their digest."
