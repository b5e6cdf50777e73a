"""Describes a request and its response for the request log: what was asked and what it led to, without secrets."""

import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from graphql import GraphQLSchema, GraphQLType, OperationDefinitionNode, get_named_type

from gateway.domain.identity.trusted_document import normalize_id
from gateway.kit import json
from gateway.services.sandbox.request_log import CUT
from gateway.services.sandbox.request_log_writer import Description, Exchange, LoadText
from gateway.store.sandbox.request_log import RequestOwner
from schema.guard import Limits
from schema.redaction.documents import RedactedDocument, fields_of, plan_response, redact_document
from schema.redaction.marks import MARKED
from schema.redaction.patterns import REDACTED, hide_secrets, hide_strings, hide_values
from schema.types.node import parse_reference

LONGEST_NAME, LONGEST_DOCUMENT, LONGEST_VARIABLES, LONGEST_RESPONSE = 200, 8_000, 8_000, 16_000
"""Characters of the texts that are kept."""

MOST_DECISIONS = 10
"""The largest number of decisions of one request that are noted."""

NOT_A_TEST_USER = '"[not kept: the token is for a person who is not a test user]"'
_MOST_DOCUMENTS = 256
_COST = re.compile(rb'"(requested|actual)QueryCost":(\d+)')
_DECISION = re.compile(r"\bdec_(?:test_)?[0-9a-z]{26}\b")
_REFERENCE = "merchantReference"


class Describer:
    """Describes exchanges of one schema. For one thread only: it keeps the documents that it has seen last."""

    def __init__(self, schema: GraphQLSchema, limits: Limits) -> None:
        self._schema, self._limits = schema, limits
        self._documents = OrderedDict[str, RedactedDocument]()

    def describe(self, exchange: Exchange, owner: RequestOwner, load_text: LoadText) -> Description:
        """Returns the description. `load_text` returns the text of a trusted document. Raises Outage."""
        request = _object(exchange.body)
        document_id = _text(request.get("documentId")) or _persisted(request)
        text = _text(request.get("query")) if document_id is None else load_text(normalize_id(document_id))
        document = self._redact(text) if text else RedactedDocument("")
        asked = _text(request.get("operationName")) or None
        operation = document.choose(asked)
        name = asked or (operation.name.value if operation is not None and operation.name else None)
        hidden = set(document.hidden)
        variables = self._variables(document, operation, request.get("variables"), hidden)
        response = _object(exchange.response) if exchange.cut_from is None else {}
        errors = response.get("errors") or ()
        codes = dict.fromkeys([*_codes(errors), *_user_error_codes(document, response.get("data"))])
        if owner.is_test_user:
            shown = self._response(exchange, document, operation, response, hidden)
            variables_text = hide_secrets(json.encode_text(variables))
        else:
            variables_text, shown = "{}", NOT_A_TEST_USER
        decisions = _decisions(exchange, shown)
        return Description(
            request_id=hide_secrets(exchange.request_id),
            operation_name=_cut(hide_secrets(name), LONGEST_NAME) if name else None,
            document=_cut(document.text, LONGEST_DOCUMENT),
            document_id=_cut(hide_secrets(document_id), LONGEST_NAME) if document_id else None,
            variables=_cut(variables_text, LONGEST_VARIABLES),
            response=_cut(shown, LONGEST_RESPONSE),
            error_codes=tuple(codes),
            cost=_cost(exchange.response),
            decision_ids=decisions,
            references=() if decisions else tuple(_references(request.get("variables")))[:MOST_DECISIONS],
        )

    def _redact(self, text: str) -> RedactedDocument:
        document = self._documents.get(text)
        if document is None:
            document = self._documents[text] = redact_document(text, self._schema, self._limits)
            if len(self._documents) > _MOST_DOCUMENTS:
                self._documents.popitem(last=False)
        else:
            self._documents.move_to_end(text)
        return document

    def _variables(
        self, document: RedactedDocument, operation: OperationDefinitionNode | None, sent: Any, hidden: set[str]
    ) -> Any:
        if not isinstance(sent, Mapping):
            return {}
        name = operation.name.value if operation is not None and operation.name else None
        types = document.variables.get(name, {}) if operation is not None else {}
        return {
            each: hide_strings(value, hidden)
            if each in document.secret_variables or types.get(each) is None
            else _hide_members(value, types[each], hidden)
            for each, value in sent.items()
        }

    def _response(
        self,
        exchange: Exchange,
        document: RedactedDocument,
        operation: OperationDefinitionNode | None,
        response: Mapping[str, Any],
        hidden: set[str],
    ) -> str:
        """Returns the text of the response. Only one with secrets is encoded again."""
        if exchange.cut_from is not None:
            return f'"[not kept: {exchange.cut_from} bytes]"'
        changed: dict[str, Any] = {}
        data, errors = response.get("data"), response.get("errors")
        plan = plan_response(document, operation, self._schema) if data is not None and operation is not None else {}
        if plan:
            changed["data"] = _apply(plan, data)
        if errors and (hidden or not document.operations):
            changed["errors"] = [_hide_message(error, hidden) for error in errors]
        if changed:
            return hide_secrets(json.encode_text({**response, **changed}))
        return hide_secrets(exchange.response.decode("utf-8", "replace"))


def _object(content: bytes) -> dict[str, Any]:
    try:
        value = json.decode(json.without_mark(content))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _persisted(request: Mapping[str, Any]) -> str | None:
    extensions = request.get("extensions")
    persisted = extensions.get("persistedQuery") if isinstance(extensions, Mapping) else None
    return _text(persisted.get("sha256Hash")) if isinstance(persisted, Mapping) else None


def _hide_members(value: Any, kind: GraphQLType | None, hidden: set[str]) -> Any:
    """Returns the value of a variable of this type without its secret members, and without strings in members that the
    type does not have."""
    if isinstance(value, list):
        return [_hide_members(each, kind, hidden) for each in value]
    fields = fields_of(kind)
    if isinstance(value, Mapping):
        return {
            name: hide_strings(each, hidden)
            if name not in fields or f"{get_named_type(kind)}.{name}" in MARKED
            else _hide_members(each, fields[name].type, hidden)
            for name, each in value.items()
        }
    return hide_strings(value, hidden) if fields else value


def _apply(plan: Mapping[str, Any], data: Any) -> Any:
    """Returns data of a response with the fields of the plan replaced, except for those that are null."""
    if isinstance(data, list):
        return [_apply(plan, each) for each in data]
    if not isinstance(data, Mapping):
        return data
    changed = dict(data)
    for key, below in plan.items():
        if changed.get(key) is not None:
            changed[key] = REDACTED if below == REDACTED else _apply(below, changed[key])
    return changed


def _hide_message(error: Any, hidden: set[str]) -> Any:
    if not isinstance(error, Mapping) or not isinstance(error.get("message"), str):
        return error
    return {**error, "message": hide_values(error["message"], hidden)}


def _codes(errors: Any) -> Iterator[str]:
    for error in errors:
        code = (error.get("extensions") or {}).get("code") if isinstance(error, Mapping) else None
        if isinstance(code, str):
            yield code


def _user_error_codes(document: RedactedDocument, data: Any) -> Iterator[str]:
    for payload in data.values() if isinstance(data, Mapping) and document.error_keys else ():
        for key in document.error_keys if isinstance(payload, Mapping) else ():
            for error in payload.get(key) or ():
                yield from (error[each] for each in document.code_keys if isinstance(error.get(each), str))


def _cost(response: bytes) -> int:
    """The actual cost of a response, or the requested one if nothing ran. Strings in JSON have no bare quotation marks,
    so no value can look like a cost."""
    costs = {match[1]: int(match[2]) for match in _COST.finditer(response)}
    return costs.get(b"actual", costs.get(b"requested", 0))


def _decisions(exchange: Exchange, response: str) -> tuple[str, ...]:
    request = exchange.body.decode("utf-8", "replace")
    return tuple(dict.fromkeys([*_DECISION.findall(response), *_DECISION.findall(request)]))[:MOST_DECISIONS]


def _references(variables: Any) -> Iterator[str]:
    """The merchant references in variables."""
    waiting: list[Any] = [variables]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            reference = value.get(_REFERENCE)
            if isinstance(reference, str) and parse_reference(reference):
                yield reference
            waiting.extend(each for each in value.values() if isinstance(each, Mapping | list))
        elif isinstance(value, Sequence) and not isinstance(value, str):
            waiting.extend(value)


def _cut(text: str, most: int) -> str:
    text = text.replace("\0", "\ufffd")  # PostgreSQL stores no NUL
    return text if len(text) <= most else text[:most] + CUT
