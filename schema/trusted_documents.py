"""The trusted documents that this process has prepared: by client and identifier, read from the database when they are
first requested and again after a second.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator

from graphql import GraphQLError, GraphQLSchema

from gateway.domain.identity.trusted_document import normalize_id
from gateway.kit.logging import get_logger
from gateway.services.identity.trusted_documents import TrustedDocumentService
from schema.documents import Documents, PreparedDocument, Refused
from schema.errors import DOCUMENT_NOT_FOUND
from schema.guard import Limits

FRESH = 1.0
"""Seconds for which a document is used without asking the database again: a removed one works no longer than this."""

ENTRIES = 1024
"""The largest number of documents that one process keeps."""

NOT_FOUND = "Your client has no registered document with this documentId."
_log = get_logger(__name__)


class TrustedDocuments:
    """The trusted documents of all clients, from the services of `documents`. At most `entries` are kept, and the least
    recently used ones are read again. `clock` returns seconds. Safe to use from any thread."""

    def __init__(
        self,
        schema: GraphQLSchema,
        limits: Limits,
        documents: TrustedDocumentService,
        *,
        entries: int = ENTRIES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._prepared = Documents(schema, limits, entries=entries, size=1 << 20, are_trusted=True)
        self._documents, self._entries, self._clock = documents, entries, clock
        self._texts: OrderedDict[tuple[str, str], tuple[str, float]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._texts)

    def prepare(self, client_id: str, document_id: str) -> PreparedDocument:
        """Returns the executable document that is registered for the client. Raises Refused for an unknown one, also
        if it is registered for another client only, and for one that does not fit the schema or the limits any more.
        Raises DatabaseUnavailable and DeadlineExceeded."""
        key = client_id, normalize_id(document_id)
        kept, now = self._texts.get(key), self._clock()
        if kept is not None and now - kept[1] < FRESH:
            return self._prepared.prepare(kept[0])
        text = self._documents.load_text(*key) if key[1].isprintable() else None  # PostgreSQL rejects a NUL in a query
        if text is None:
            with self._lock:
                self._texts.pop(key, None)
            raise Refused(DOCUMENT_NOT_FOUND, [GraphQLError(NOT_FOUND)])
        self._keep(key, text, now)
        return self._prepared.prepare(text)

    def load_all(self) -> Iterator[PreparedDocument]:
        """Yields the newest documents of all enabled clients, at most as many as are kept. Logs a warning for each that
        does not fit the schema or the limits any more. Raises DatabaseUnavailable."""
        now = self._clock()
        for row in reversed(self._documents.list_newest(self._entries)):
            self._keep((row.client_id, row.id), row.text, now)
            try:
                yield self._prepared.prepare(row.text)
            except Refused as refused:
                _log.warning("trusted_document_refused", client=row.client_id, document_id=row.id, code=refused.code)

    def _keep(self, key: tuple[str, str], text: str, read_at: float) -> None:
        with self._lock:
            self._texts[key] = text, read_at
            self._texts.move_to_end(key)
            while len(self._texts) > self._entries:
                self._texts.popitem(last=False)
