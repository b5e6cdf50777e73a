"""Requirements on data for merchants: the documents of outcomes, and the messages to a merchant's system."""

import json
from collections.abc import Iterator
from itertools import product
from typing import Any

from gateway.domain.decisions.dispute import Contested, DisputeStatus
from gateway.domain.decisions.outcome import outcome_from_document
from gateway.domain.decisions.settlement import Settlement
from gateway.domain.decisions.transitions import Status
from gateway.domain.environment import EnvironmentLabel
from gateway.domain.events import Actor, Topic
from gateway.domain.webhooks.envelope import envelope_of
from gateway.domain.webhooks.notice import (
    Data,
    DecisionData,
    DisputeData,
    Notice,
    Subject,
    SubjectType,
    data_type_of,
    subject_type_of,
)
from merchants.adapter import SAMPLE_NOW
from merchants.conformance.requirement import Adapter, policy_versions, requirement
from merchants.conformance.samples import decide_samples


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
    """Notices of each topic about decisions, with each status of a decision or a dispute. Some have no previous status,
    amounts and due date."""
    topics = [topic for topic in Topic if subject_type_of(topic) is SubjectType.DECISION]
    for number, topic in enumerate(topics):
        if data_type_of(topic) is DecisionData:
            for after in Status:
                yield _notice(topic, _decision(adapter, number + len(after), after))
        else:
            for kind, status in product(Contested, DisputeStatus):
                yield _notice(topic, _dispute(kind, status))


def _notice(topic: Topic, data: Data) -> Notice:
    return Notice(
        topic=topic,
        occurred_at=SAMPLE_NOW,
        event_id="evt_1",
        environment=EnvironmentLabel.SANDBOX,
        merchant_id="mer_1",
        subject=Subject(SubjectType.DECISION, "dec_1"),
        sequence=len(topic),
        actor=Actor.CLOCK if len(topic) % 2 else Actor.MERCHANT,
        data=data,
    )


def _decision(adapter: Adapter, number: int, after: Status) -> DecisionData:
    due = adapter.requested_amount(adapter.ordinary_case.ask)
    settled = due.share(number)
    settlement = Settlement(due, settled, due - settled, SAMPLE_NOW if number % 4 else None, bool(number % 5))
    return DecisionData(
        merchant_reference="订单 17",
        product=adapter.product,
        before=None if number % 2 else Status.APPROVED,
        after=after,
        exposed=due if number % 3 else None,
        settlement=settlement if number % 3 else None,
        consent_id="con_1",
        reason_codes=tuple(sorted(adapter.reason_codes)[: number % 3]),
    )


def _dispute(kind: Contested, status: DisputeStatus) -> DisputeData:
    return DisputeData(
        dispute_id="dsp_1", kind=kind, respond_by=SAMPLE_NOW, status=status, merchant_reference="订单 17"
    )


def _known_values(adapter: Adapter, notice: Notice) -> set[Any]:
    """All values that the message of a notice may have: those of its envelope and its topic, also in the merchant's
    words."""
    values = _leaf_values(envelope_of(notice)) | {None, notice.topic.value}
    return values | {theirs for word, theirs in adapter.wire.words.items() if word in values}


def _leaf_values(document: Any) -> set[Any]:
    """Every value in a JSON document that is neither an object nor a list."""
    if isinstance(document, dict):
        return set().union(*map(_leaf_values, document.values()))
    return set().union(*map(_leaf_values, document)) if isinstance(document, list) else {document}
