"""Requirements on data for merchants: the documents of outcomes, and the messages to a merchant's system."""

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


@requirement("documents hold only the outcome")
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
                yield f"the document names the tier: {document}"


@requirement("messages hold exactly the notice")
def notice_messages(adapter: Adapter) -> Iterator[str]:
    """A message can be read back as its notice, has no values that the notice does not have, and is always the same.

    A notice holds nothing about the person, so the message does not either.
    """
    for notice in _sample_notices(adapter):
        rendered = adapter.render(notice)
        if adapter.wire.read(rendered.body) != notice:
            yield f"the notice of {notice.topic} differs when it is read back"
        added = _leaf_values(json.loads(rendered.body)) - _known_values(adapter, notice)
        if added:
            yield f"the message has values that are not in the notice: {', '.join(sorted(map(str, added)))}"
        if adapter.render(notice) != rendered:
            yield f"the notice of {notice.topic} is rendered differently the second time"


def _sample_notices(adapter: Adapter) -> Iterator[Notice]:
    """One notice for each topic and status. Some have no previous status, amount and due date."""
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
    """All values that the message of a notice may have: those of the notice, in the merchant's words."""
    values = {getattr(notice, field.name) for field in fields(notice)}
    known = {None, format_moment(SAMPLE_NOW), notice.merchant_reference, notice.event_id, notice.decision_id}
    known |= set(notice.exposed.document().values()) if notice.exposed else set()
    return known | {adapter.wire.words.get(value, value) for value in values if isinstance(value, StrEnum)}


def _leaf_values(document: Any) -> set[Any]:
    """Every value in a JSON document that is neither an object nor a list."""
    if isinstance(document, dict):
        return set().union(*map(_leaf_values, document.values()))
    return set().union(*map(_leaf_values, document)) if isinstance(document, list) else {document}
