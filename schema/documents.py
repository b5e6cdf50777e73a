"""Documents that may run: parsed, guarded, validated, and remembered by their text in one bounded LRU cache.

What fails is not remembered: refusing is cheap, and a flood of bad documents must not push out the good ones.
"""

import threading
from collections import OrderedDict

from graphql import DocumentNode, GraphQLError, GraphQLSchema, parse, validate

from schema import guard
from schema.errors import PARSE_FAILED, VALIDATION_FAILED

TOKENS = 2000
COMMENTS = 200
MOST_ERRORS = 5


class Refused(Exception):
    """A document that cannot run: `errors` say why, `code` is one of the request-level codes."""

    def __init__(self, code: str, errors: list[GraphQLError]) -> None:
        super().__init__(code)
        self.code, self.errors = code, errors


class Documents:
    """At most `entries` documents and `size` characters of text are kept; safe to use from any thread."""

    def __init__(self, schema: GraphQLSchema, *, entries: int = 512, size: int = 1 << 19) -> None:
        self._schema, self._entries, self._size = schema, entries, size
        self._kept: OrderedDict[str, DocumentNode] = OrderedDict()
        self._held = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def held(self) -> int:
        """Characters of text kept."""
        return self._held

    def prepare(self, text: str) -> DocumentNode:
        """The document, ready to run. Raises Refused."""
        with self._lock:
            document = self._kept.get(text)
            if document is not None:
                self._kept.move_to_end(text)
                return document
        document = self._checked(text)
        with self._lock:
            if text not in self._kept:
                self._kept[text] = document
                self._held += len(text)
                while self._kept and (len(self._kept) > self._entries or self._held > self._size):
                    oldest, _ = self._kept.popitem(last=False)
                    self._held -= len(oldest)
        return document

    def _checked(self, text: str) -> DocumentNode:
        try:
            document = parse(text, max_lexical_tokens=TOKENS, max_comments=COMMENTS)
        except GraphQLError as error:
            raise Refused(PARSE_FAILED, [error]) from None
        try:
            guard.check(document)
        except GraphQLError as error:
            raise Refused(VALIDATION_FAILED, [error]) from None
        errors = validate(self._schema, document, max_errors=MOST_ERRORS, hide_suggestions=True)
        if errors:
            raise Refused(VALIDATION_FAILED, errors)
        return document
