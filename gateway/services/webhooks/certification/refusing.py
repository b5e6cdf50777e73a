"""The checks of what a receiver must refuse."""

import base64

from gateway.domain.events import Topic
from gateway.kit.webhook_signatures import new_secret
from gateway.services.webhooks.certification.trial import Trial, check

TIME_DIFFERENCE = 360
"""Seconds by which a time is wrong: more than the five minutes that a receiver accepts, by the time of an answer."""

EFFECT = "not applied"
HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
MALFORMED = {
    "v1,***": "a signature that is not base64",
    "v1,QUJ": "a signature with half a base64 group",
    "v1,QUJD": "a signature of three bytes",
    "v1,": "an empty signature",
    "v1": "a signature without a comma",
    "nonsense": "a signature without a version",
}


@check(
    "signature",
    "A wrong signature is refused",
    expected="4xx",
    effect=EFFECT,
    advice="Compute the HMAC of each delivery with your secret, compare it in constant time, answer 400 if it differs.",
)
def signature(trial: Trial) -> None:
    trial.expect_refused(
        trial.samples.event(Topic.DECISION_ACTIVATED), "a signature of another secret", secrets=(new_secret(),)
    )
    zeros = base64.b64encode(bytes(32)).decode()
    trial.expect_refused(
        trial.samples.event(Topic.DECISION_ACTIVATED),
        "a signature of zeros",
        headers={"webhook-signature": f"v1,{zeros}"},
    )


@check(
    "changed",
    "A changed delivery is refused",
    expected="4xx",
    effect=EFFECT,
    advice="The signature covers webhook-id, webhook-timestamp and the raw body, with dots between them. Verify all.",
)
def changed(trial: Trial) -> None:
    event = trial.samples.event(Topic.DECISION_ACTIVATED)
    trial.expect_refused(event, "a changed body", body=event.with_data(merchantReference="other").body)
    event = trial.samples.event(Topic.DECISION_ACTIVATED)
    other = trial.samples.event(Topic.DECISION_ACTIVATED)
    trial.expect_refused(event, "a changed webhook-id", headers={"webhook-id": other.id})
    trial.expect_applied(other, range(1), "a changed webhook-id")
    event = trial.samples.event(Topic.DECISION_ACTIVATED)
    later = str(int(trial.session.clock().timestamp()) + 60)
    trial.expect_refused(event, "a changed webhook-timestamp", headers={"webhook-timestamp": later})


@check(
    "headers",
    "A missing header is refused",
    expected="4xx",
    effect=EFFECT,
    advice="Answer 400 unless webhook-id, webhook-timestamp and webhook-signature are there.",
)
def headers(trial: Trial) -> None:
    for name in HEADERS:
        event = trial.samples.event(Topic.DECISION_ACTIVATED)
        trial.expect_refused(event, f"a delivery without {name}", headers={name: None})
    event = trial.samples.event(Topic.DECISION_ACTIVATED)
    trial.expect_refused(event, "a delivery without the three headers", headers=dict.fromkeys(HEADERS))


@check(
    "malformed",
    "A malformed header is refused",
    expected="4xx",
    effect=EFFECT,
    advice="Catch the errors of decoding base64 and numbers, and answer 400.",
)
def malformed(trial: Trial) -> None:
    for text, what in MALFORMED.items():
        event = trial.samples.event(Topic.DECISION_ACTIVATED)
        trial.expect_refused(event, what, headers={"webhook-signature": text})
    for text in ("soon", "-1", "1e9", "9" * 30):
        event = trial.samples.event(Topic.DECISION_ACTIVATED)
        trial.expect_refused(event, f"the webhook-timestamp {text}", headers={"webhook-timestamp": text})


@check(
    "time",
    "A wrong time is refused",
    expected="4xx",
    effect=EFFECT,
    advice="Refuse a webhook-timestamp more than five minutes before or after your clock, also with a valid signature.",
)
def wrong_time(trial: Trial) -> None:
    event = trial.samples.event(Topic.DECISION_ACTIVATED)
    trial.expect_refused(event, "a time six minutes ago", ahead=-TIME_DIFFERENCE)
    event = trial.samples.event(Topic.DECISION_ACTIVATED)
    trial.expect_refused(event, "a time in six minutes", ahead=TIME_DIFFERENCE)


REFUSING = (signature, changed, headers, malformed, wrong_time)
