"""Executable documents: parsed, checked against the limits, validated, and kept by text in a bounded LRU cache.

Invalid documents are not cached: rejecting them is cheap, and many of them must not evict valid documents.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OverlappingFieldsCanBeMergedRule,
    specified_rules,
    validate,
)

from schema import guard
from schema.errors import PARSE_FAILED, VALIDATION_FAILED
from schema.guard import DEFAULT_LIMITS, Limits
from schema.parsing.quick_parser import parse_document
from schema.validation.one_of_variables import OneOfVariablesRule
from schema.validation.overlapping_fields import FieldsCanMergeRule
from schema.validation.quick_check import QuickCheck

MAX_COMMENTS = 200
MAX_ERRORS = 5
MAX_LINES = 5000
"""Limited because the line of each error is found by counting lines from the start."""
RULES = (
    *(FieldsCanMergeRule if rule is OverlappingFieldsCanBeMergedRule else rule for rule in specified_rules),
    OneOfVariablesRule,
)
"""The rules of graphql-core, with our own for overlapping fields, and one that it lacks."""


class Refused(Exception):
    """A document that cannot be executed: its `errors`, and a request-level `code`."""

    def __init__(self, code: str, errors: list[GraphQLError]) -> None:
        super().__init__(code)
        self.code, self.errors = code, errors


@dataclass(slots=True, eq=False)
class PreparedDocument:
    """An executable document. `prices` are those of its operations by `schema.cost.budget`, which also finds the
    `cost_variables` on which they depend. `is_trusted` is whether it is registered for a client. Documents are equal
    only if they are the same object, so that they can be keys."""

    node: DocumentNode
    is_trusted: bool = False
    cost_variables: tuple[str, ...] | None = None
    prices: dict[tuple[Any, ...], Any] = field(default_factory=dict)


@lru_cache(maxsize=4)
def _check_of(schema: GraphQLSchema) -> QuickCheck:
    """The check of a schema, which all its documents share."""
    return QuickCheck(schema)


class Documents:
    """A cache of at most `entries` documents and `size` characters of text. `are_trusted` is whether they are
    registered for clients. Safe to use from any thread."""

    def __init__(
        self,
        schema: GraphQLSchema,
        limits: Limits = DEFAULT_LIMITS,
        *,
        entries: int = 512,
        size: int = 1 << 19,
        are_trusted: bool = False,
    ) -> None:
        self._are_trusted = are_trusted
        self._schema, self._limits, self._entries, self._size = schema, limits, entries, size
        self._quick_check = _check_of(schema)
        self._documents: OrderedDict[str, PreparedDocument] = OrderedDict()
        self._text_size = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._documents)

    @property
    def text_size(self) -> int:
        """The number of characters of text in the cache."""
        return self._text_size

    def prepare(self, text: str) -> PreparedDocument:
        """Returns the executable document of a text. Raises Refused."""
        with self._lock:
            document = self._documents.get(text)
            if document is not None:
                self._documents.move_to_end(text)
                return document
        document = PreparedDocument(self._parse_and_validate(text), self._are_trusted)
        with self._lock:
            if text not in self._documents:
                self._documents[text] = document
                self._text_size += len(text)
                while self._documents and (len(self._documents) > self._entries or self._text_size > self._size):
                    oldest, _ = self._documents.popitem(last=False)
                    self._text_size -= len(oldest)
        return document

    def _parse_and_validate(self, text: str) -> DocumentNode:
        if text.count("\n") + text.count("\r") >= MAX_LINES:
            error = GraphQLError(f"The document exceeds a limit: at most {MAX_LINES} lines.")
            raise Refused(VALIDATION_FAILED, [error])
        try:
            document = parse_document(text, max_tokens=self._limits.tokens, max_comments=MAX_COMMENTS)
        except GraphQLError as error:
            raise Refused(PARSE_FAILED, [error]) from None
        try:
            guard.check(document, self._limits)
        except GraphQLError as error:
            raise Refused(VALIDATION_FAILED, [error]) from None
        if not self._quick_check.accepts(document):
            errors = validate(self._schema, document, RULES, max_errors=MAX_ERRORS, hide_suggestions=True)
            if errors:
                raise Refused(VALIDATION_FAILED, errors)
        return document
