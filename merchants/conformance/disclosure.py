"""Requirements on what leaves the gateway: the documents of outcomes, and messages to a merchant's system."""

import json
from collections.abc import Iterator
from dataclasses import fields
from enum import StrEnum
from itertools import product
from typing import Any

from gateway.domain.decisions.outcome import outcome_from_document
from gateway.domain.decisions.transitions import Status
from gateway.domain.events import Topic
from gateway.domain.period import format_moment
from merchants.adapter import SAMPLE_NOW
from merchants.conformance.requirement import Adapter, policy_versions, requirement
from merchants.conformance.samples import decide_samples
from merchants.wire import Notice


@requirement("documents hold no more than the answer")
def outcome_documents(adapter: Adapter) -> Iterator[str]:
    """The document of an outcome can be read back, has no other fields, and does not name the tier."""
    for version in policy_versions(adapter):
        for sample in decide_samples(version):
            outcome, document = sample.outcome, sample.outcome.document()
            if outcome_from_document(json.loads(json.dumps(document))) != outcome:
                yield f"{outcome} differs when it is read back from its document"
            differing = set(document) ^ {"kind", *type(outcome).__dataclass_fields__}
            if differing:
                yield f"the document of {outcome} does not have exactly its fields: {', '.join(sorted(differing))}"
            if sample.person.tier.value in _leaf_values(document):
                yield f"the answer tells the tier: {document}"


@requirement("notices lose nothing on the wire and add nothing")
def notice_messages(adapter: Adapter) -> Iterator[str]:
    """A rendered notice can be read back, holds no value that the notice does not have, and is always the same. A
    notice holds nothing about the person, so neither does the message."""
    for notice in _sample_notices(adapter):
        rendered = adapter.render(notice)
        if adapter.wire.read(rendered.body) != notice:
            yield f"the notice of {notice.topic} differs when it is read back"
        added = _leaf_values(json.loads(rendered.body)) - _known_values(adapter, notice)
        if added:
            yield f"a notice says more than it was given: {', '.join(sorted(map(str, added)))}"
        if adapter.render(notice) != rendered:
            yield f"the same notice of {notice.topic} is rendered in two ways"


def _sample_notices(adapter: Adapter) -> Iterator[Notice]:
    """A notice for each topic and status, with and without the parts that may be absent."""
    amount = adapter.requested_amount(adapter.ordinary_case.ask)
    for number, (topic, after) in enumerate(product(Topic, Status)):
        yield Notice(
            topic=topic,
            occurred_at=SAMPLE_NOW,
            event_id=f"evt_{number}",
            decision_id=f"dec_{number}",
            merchant_reference="订单 17",
            product=adapter.product,
            before=None if number % 2 else Status.APPROVED,
            after=after,
            exposed=amount if number % 3 else None,
            due_at=SAMPLE_NOW if number % 3 else None,
        )


def _known_values(adapter: Adapter, notice: Notice) -> set[Any]:
    """All values that a message may hold: the notice's own, in the merchant's words."""
    values = {getattr(notice, field.name) for field in fields(notice)}
    known = {None, format_moment(SAMPLE_NOW), notice.merchant_reference, notice.event_id, notice.decision_id}
    known |= set(notice.exposed.document().values()) if notice.exposed else set()
    return known | {adapter.wire.words.get(value, value) for value in values if isinstance(value, StrEnum)}


def _leaf_values(document: Any) -> set[Any]:
    """Every value in a JSON document that is neither an object nor a list."""
    if isinstance(document, dict):
        return set().union(*map(_leaf_values, document.values()))
    return set().union(*map(_leaf_values, document)) if isinstance(document, list) else {document}
