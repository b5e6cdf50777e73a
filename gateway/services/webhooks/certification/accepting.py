"""The checks of what a receiver must accept."""

from gateway.domain.events import Topic, wire_name
from gateway.kit.webhook_signatures import new_secret
from gateway.services.webhooks.certification.trial import Trial, check

AT_MOST_ONCE, ONCE, NOT = range(2), range(1, 2), range(1)
CLOCK_DIFFERENCE = 60
"""Seconds by which a receiver's clock may differ."""


@check(
    "event",
    "A signed event is accepted",
    expected="2xx",
    effect="applied at most once",
    advice="Begin here: are URL and secret those of the receiver? Answer 200 or 204 to a POST.",
)
def signed_event(trial: Trial) -> None:
    event = trial.samples.event(Topic.DECISION_APPROVED)
    trial.expect_accepted(event, "decision.approved")
    trial.expect_applied(event, AT_MOST_ONCE, "decision.approved")


@check(
    "topics",
    "Every topic is accepted",
    expected=f"2xx for each of the {len(Topic)} topics",
    effect="applied at most once",
    advice="Answer 2xx as soon as the event is stored, also for topics that you do nothing about.",
)
def topics(trial: Trial) -> None:
    for topic in Topic:
        event, name = trial.samples.event(topic), wire_name(topic)
        trial.expect_accepted(event, name)
        trial.expect_applied(event, AT_MOST_ONCE, name)


@check(
    "repeated",
    "A repeated event is accepted",
    expected="2xx",
    effect="applied once",
    advice="Store each webhook-id with what the event changes, in one transaction. Answer 2xx if you have it already.",
)
def repeated(trial: Trial) -> None:
    event = trial.samples.event(Topic.DECISION_APPROVED)
    trial.expect_accepted(event, "the first delivery")
    trial.expect_accepted(event, "the second delivery")
    trial.expect_accepted(event, "a delivery with a later time", ahead=2)
    trial.expect_applied(event, ONCE, "an event that came three times")
    event = trial.samples.event(Topic.DECISION_FULFILLED)
    trial.expect_accepted_at_once(event, "deliveries at the same moment")
    trial.expect_applied(event, ONCE, "an event that came several times at the same moment")


@check(
    "order",
    "An older event is accepted",
    expected="2xx",
    effect="the older one is not applied",
    advice="Keep the last sequence of each subject. Answer 2xx to an event that is not above it, and do nothing.",
)
def order(trial: Trial) -> None:
    decision = trial.samples.new_subject(Topic.DECISION_APPROVED)
    older = trial.samples.event(Topic.DECISION_APPROVED, decision, 1)
    newer = trial.samples.event(Topic.DECISION_ACTIVATED, decision, 2)
    trial.expect_accepted(newer, "the event with sequence 2")
    trial.expect_accepted(older, "the event with sequence 1 after it")
    trial.expect_applied(newer, ONCE, "the event with sequence 2")
    trial.expect_applied(older, NOT, "the event with sequence 1 after it")


@check(
    "gap",
    "A gap in the sequence is accepted",
    expected="2xx",
    effect="both are applied once",
    advice="Do not wait for the numbers between: they can be events of topics that you do not get.",
)
def gap(trial: Trial) -> None:
    decision = trial.samples.new_subject(Topic.DECISION_APPROVED)
    for topic, sequence in ((Topic.DECISION_APPROVED, 2), (Topic.DECISION_ACTIVATED, 5)):
        event, what = trial.samples.event(topic, decision, sequence), f"the event with sequence {sequence}"
        trial.expect_accepted(event, what)
        trial.expect_applied(event, ONCE, what)


@check(
    "revocation",
    "The end of a consent is accepted",
    expected="2xx",
    effect="both events are applied once",
    advice="Stop using the consent when consent.revoked comes, delete what it let you store, and answer 2xx.",
)
def revocation(trial: Trial) -> None:
    consent = trial.samples.new_subject(Topic.CONSENT_GRANTED)
    for sequence, topic in enumerate((Topic.CONSENT_GRANTED, Topic.CONSENT_REVOKED), 1):
        event, name = trial.samples.event(topic, consent, sequence), wire_name(topic)
        trial.expect_accepted(event, name)
        trial.expect_applied(event, ONCE, name)


@check(
    "unknown_topic",
    "An unknown topic is accepted",
    expected="2xx",
    advice="Ignore topics that you do not know, and answer 2xx: new ones are no new version.",
)
def unknown_topic(trial: Trial) -> None:
    event = trial.samples.event(Topic.DECISION_ACTIVATED)
    trial.expect_accepted(event.changed(type="decision.unknown_topic"), "the topic decision.unknown_topic")
    other = trial.samples.event(Topic.DECISION_ACTIVATED)
    subject = {"type": "unknown", "id": trial.samples.ids.new("unk")}
    trial.expect_accepted(
        other.changed(type="unknown.topic", subject=subject, data={}), "the topic unknown.topic of an unknown subject"
    )


@check(
    "unknown_value",
    "An unknown value is accepted",
    expected="2xx",
    advice="Read enumerations as text: new values of product, to, actor and reasonCodes are no new version.",
)
def unknown_value(trial: Trial) -> None:
    event = trial.samples.event(Topic.DECISION_ACTIVATED)
    trial.expect_accepted(event.with_data(to="UNKNOWN_VALUE"), "an unknown status in data.to")
    event = trial.samples.event(Topic.DECISION_ACTIVATED)
    trial.expect_accepted(event.with_data(product="UNKNOWN_VALUE", reasonCodes=["UNKNOWN_VALUE"]), "an unknown product")
    event = trial.samples.event(Topic.DECISION_ACTIVATED)
    trial.expect_accepted(event.changed(actor="UNKNOWN_VALUE"), "an unknown actor")


@check(
    "unknown_member",
    "An unknown member is accepted",
    expected="2xx",
    advice="Ignore members that you do not know: new ones are no new version.",
)
def unknown_member(trial: Trial) -> None:
    event = trial.samples.event(Topic.DECISION_ACTIVATED)
    trial.expect_accepted(event.changed(unknownMember={"a": [1]}), "an unknown member of the envelope")
    event = trial.samples.event(Topic.DECISION_ACTIVATED)
    trial.expect_accepted(event.with_data(unknownMember=None), "an unknown member of data")


@check(
    "raw_body",
    "The signature is computed over the raw body",
    expected="2xx for a body with other spaces",
    advice="Compute the signature over the bytes of the body as they came, before you parse them.",
)
def raw_body(trial: Trial) -> None:
    trial.expect_accepted(
        trial.samples.event(Topic.DECISION_ACTIVATED).with_other_layout(), "a body with spaces and escape sequences"
    )


@check(
    "rotation",
    "Several signatures are accepted",
    expected="2xx if one of them is valid",
    advice="Split webhook-signature at its spaces. Accept the delivery if one part with v1, is valid. Skip the others.",
)
def rotation(trial: Trial) -> None:
    own, other = trial.session.secret, new_secret()
    trial.expect_accepted(
        trial.samples.event(Topic.DECISION_ACTIVATED), "the valid signature first", secrets=(own, other)
    )
    trial.expect_accepted(
        trial.samples.event(Topic.DECISION_ACTIVATED), "the valid signature second", secrets=(other, own)
    )
    trial.expect_accepted(
        trial.samples.event(Topic.DECISION_ACTIVATED),
        "a signature of another version first",
        other_signatures=("v1a,AAAA",),
    )


@check(
    "clock",
    "A difference of a minute is accepted",
    expected="2xx",
    advice="Accept a webhook-timestamp within five minutes of your clock, and let NTP set your clock.",
)
def clock(trial: Trial) -> None:
    event = trial.samples.event(Topic.DECISION_ACTIVATED)
    trial.expect_accepted(event, "a time a minute ago", ahead=-CLOCK_DIFFERENCE)
    event = trial.samples.event(Topic.DECISION_ACTIVATED)
    trial.expect_accepted(event, "a time in a minute", ahead=CLOCK_DIFFERENCE)


ACCEPTING = (
    topics,
    repeated,
    order,
    gap,
    revocation,
    unknown_topic,
    unknown_value,
    unknown_member,
    raw_body,
    rotation,
    clock,
)
