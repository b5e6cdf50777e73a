"""The standard envelope of a message, and its JSON Schema for each topic."""

import json
from typing import Any

from gateway.domain.api_version import API_VERSION
from gateway.domain.errors import InvalidInput
from gateway.domain.events import Topic, wire_name
from gateway.domain.json_members import decode, decode_members, encode, schema_of
from gateway.domain.webhooks.notice import Head, Notice, data_type_of, subject_type_of


def envelope_of(notice: Notice) -> dict[str, Any]:
    """Returns the envelope of an event as a JSON document. Times have milliseconds; what is below them is cut off."""
    return {**encode(Head, notice), "data": encode(type(notice.data), notice.data)}


def render_envelope(notice: Notice) -> bytes:
    """Returns the body of the standard message: the envelope as compact JSON in UTF-8. Equal events have equal
    bodies."""
    return json.dumps(envelope_of(notice), ensure_ascii=False, separators=(",", ":")).encode()


def notice_in(envelope: Any) -> Notice:
    """Returns the event in an envelope that `envelope_of` returned. Raises ValueError for any other document."""
    try:
        head = decode_members(Head, envelope)
        return Notice(**head, data=decode(data_type_of(head["topic"]), envelope["data"]))
    except (KeyError, TypeError, InvalidInput) as error:
        raise ValueError(f"not an envelope: {error}") from None


def read_envelope(body: bytes) -> Notice:
    """Returns the event in a body that `render_envelope` returned. Raises ValueError for any other body."""
    return notice_in(json.loads(body))


def envelope_schema(topic: Topic) -> dict[str, Any]:
    """Returns the JSON Schema (2020-12) of the standard message of a topic. It accepts no other members."""
    head, of_head = schema_of(Head)
    data, of_data = schema_of(data_type_of(topic))
    subject = of_head["Subject"]
    of_subject = {**subject["properties"], "type": {"const": subject_type_of(topic).value}}
    properties = {
        **head["properties"],
        "type": {**_without_enum(head["properties"]["type"]), "const": wire_name(topic)},
        "apiVersion": {**head["properties"]["apiVersion"], "const": API_VERSION},
        "data": data,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": wire_name(topic),
        **head,
        "properties": properties,
        "required": list(properties),
        "$defs": {**of_head, **of_data, "Subject": {**subject, "properties": of_subject}},
    }


def _without_enum(schema: dict[str, Any]) -> dict[str, Any]:
    return {keyword: value for keyword, value in schema.items() if keyword != "enum"}
