"""An event as a merchant's system gets it. It has nothing about the person but the pairwise user id of a consent."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gateway.domain.api_version import API_VERSION
from gateway.domain.consents.consent import ConsentStatus
from gateway.domain.decisions.dispute import Contested, DisputeStatus
from gateway.domain.decisions.settlement import Settlement
from gateway.domain.decisions.transitions import Status
from gateway.domain.environment import EnvironmentLabel
from gateway.domain.events import Actor, Topic
from gateway.domain.json_members import member
from gateway.domain.merchants import Product
from gateway.domain.money import Money


class SubjectType(StrEnum):
    """What an event is about. Events of a dispute are about its decision."""

    DECISION = "decision"
    CONSENT = "consent"
    ENDPOINT = "endpoint"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Subject:
    """The type and id of what an event is about."""

    type: SubjectType
    id: str = field(metadata=member("Id of the decision, consent, endpoint or test."))


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionData:
    """A decision after an event. `exposed` and `settlement` are None if it was never approved."""

    merchant_reference: str = field(metadata=member("Your order or booking number."))
    product: Product = field(metadata=member("Product of the decision."))
    before: Status | None = field(metadata=member("Status before the event. Null for the first event.", name="from"))
    after: Status = field(metadata=member("Status after the event.", name="to"))
    exposed: Money | None = field(
        metadata=member(
            "Amount at risk in the terms of the approval; a reduction does not change it. Null without an approval."
        )
    )
    settlement: Settlement | None = field(metadata=member("The obligation after the event. Null without an approval."))
    consent_id: str = field(metadata=member("Id of the consent under which the decision was made."))
    reason_codes: tuple[str, ...] = field(metadata=member("Reasons of the decline, or why less is approved."))


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeData:
    """A dispute after an event, without the words of the parties."""

    dispute_id: str = field(metadata=member("Id of the dispute."))
    kind: Contested = field(metadata=member("What the user disputes."))
    respond_by: datetime = field(metadata=member("Deadline for your response. After it the dispute is upheld."))
    status: DisputeStatus = field(metadata=member("Status of the dispute after the event."))
    merchant_reference: str = field(metadata=member("Your order or booking number of the disputed decision."))


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentData:
    """A consent after an event. `subject` is the pairwise user id."""

    consent_id: str = field(metadata=member("Id of the consent."))
    subject: str = field(metadata=member("Id of the user, which is different for each merchant."))
    status: ConsentStatus = field(metadata=member("Status of the consent after the event."))
    scopes: tuple[str, ...] = field(metadata=member("Scopes that the user granted."))


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointData:
    """A webhook endpoint after an event."""

    endpoint_id: str = field(metadata=member("Id of the endpoint."))
    reason: str = field(metadata=member("Why the endpoint was disabled."))


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointTestData:
    """A test of the merchant's endpoints and listeners."""

    message: str = field(metadata=member("A sentence for people."))


Data = DecisionData | DisputeData | ConsentData | EndpointData | EndpointTestData
_OF_PREFIX: dict[str, tuple[SubjectType, type[Data]]] = {
    "DECISION": (SubjectType.DECISION, DecisionData),
    "DISPUTE": (SubjectType.DECISION, DisputeData),
    "CONSENT": (SubjectType.CONSENT, ConsentData),
    "TIER": (SubjectType.CONSENT, ConsentData),
    "ENDPOINT": (SubjectType.ENDPOINT, EndpointData),
    "TEST": (SubjectType.TEST, EndpointTestData),
}


def subject_type_of(topic: Topic) -> SubjectType:
    """Returns what events of this topic are about."""
    return _OF_PREFIX[topic.partition("_")[0]][0]


def data_type_of(topic: Topic) -> type[Data]:
    """Returns the type of the data of events of this topic."""
    return _OF_PREFIX[topic.partition("_")[0]][1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What all events have. `occurred_at` is the partner's business time (UTC). `sequence` is 1 for the first event of
    the subject, 2 for the next one, whatever their topics. `actor` caused the event."""

    topic: Topic = field(metadata=member("Kind of event.", name="type"))
    occurred_at: datetime = field(metadata=member("When it happened, in business time.", name="timestamp"))
    event_id: str = field(metadata=member("Id of the event, also in the header webhook-id.", name="id"))
    api_version: str = field(default=API_VERSION, metadata=member("Version of this envelope."))
    environment: EnvironmentLabel = field(metadata=member("Kind of deployment that sent the message."))
    merchant_id: str = field(metadata=member("Your merchant id."))
    subject: Subject = field(metadata=member("What the event is about."))
    sequence: int = field(
        metadata=member(
            "Number of the event among the events of the subject. Ignore an event whose number is not above the last"
            " one that you have seen.",
            minimum=1,
        )
    )
    actor: Actor = field(metadata=member("Who caused the event."))


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Head):
    """An event with its data. Raises ValueError for a subject or data of another type than those of the topic."""

    data: Data

    def __post_init__(self) -> None:
        if self.subject.type is not subject_type_of(self.topic) or type(self.data) is not data_type_of(self.topic):
            raise ValueError(f"{self.topic} does not have this subject or data")
