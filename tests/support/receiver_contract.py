"""What every reference receiver does, as tests that its own tests inherit."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.domain.events import Topic
from gateway.kit.webhook_signatures import new_secret
from gateway.services.webhooks.certification.certification import certify
from gateway.services.webhooks.certification.samples import Sample
from gateway.services.webhooks.certification.session import Session
from gateway.services.webhooks.certification.sheet import State
from tests.support.at_once import at_once
from tests.support.webhook_receiver import SECRET, MakeReceiver, ReceiverProcess, state_files

LONGEST_BODY = 65_536
INVALID_SECRETS = "WEBHOOK_SECRETS must be one or two secrets: whsec_ and base64 of at least 24 bytes.\n"


def applied(session: Session, sample: Sample) -> int:
    """How often the receiver has applied the event."""
    counts = session.count_effects()
    assert counts is not None, session.effects_problem
    return counts.get(sample.id, 0)


class ReceiverContract:
    """The tests. Its users define `receiver`, a running receiver of all tests, and `make_receiver`, which returns a
    receiver with these secrets that was not started and has its files in `tmp_path`."""

    @pytest.fixture
    def own_receiver(self, make_receiver: MakeReceiver) -> Iterator[ReceiverProcess]:
        with make_receiver(SECRET) as receiver:
            yield receiver

    def test_every_check_passes(self, receiver: ReceiverProcess) -> None:
        results = list(certify(receiver.session()))
        assert {result.name: result.came for result in results if result.state is not State.PASSED} == {}

    def test_event_is_applied_once_although_the_receiver_was_killed(self, own_receiver: ReceiverProcess) -> None:
        session = own_receiver.session()
        event = session.samples.event(Topic.DECISION_APPROVED)
        assert session.deliver(event).status == 204
        own_receiver.kill()
        session = own_receiver.start().session()
        assert applied(session, event) == 1
        assert session.deliver(event).status == 204
        assert applied(session, event) == 1

    @pytest.mark.slow
    def test_events_are_applied_once_while_the_receiver_is_killed(self, own_receiver: ReceiverProcess) -> None:
        session = own_receiver.session()
        subjects = [session.samples.new_subject(Topic.DECISION_ACTIVATED) for _ in range(4)]
        sent = [
            [session.samples.event(Topic.DECISION_ACTIVATED, subject, number) for number in range(1, 61)]
            for subject in subjects
        ]

        def deliver(events: list[Sample]) -> int:
            """Sends each event until it is accepted, in order. Returns the number of failed attempts."""
            failures = 0
            for event in events:
                while not own_receiver.session().deliver(event).is_accepted:
                    failures += 1
                    time.sleep(0.01)
            return failures

        with ThreadPoolExecutor(len(sent)) as pool:
            running = [pool.submit(deliver, events) for events in sent]
            for _ in range(6):
                time.sleep(0.15)
                own_receiver.kill()
                own_receiver.start()
            failures = sum(each.result(timeout=60) for each in running)
        counts = own_receiver.session().count_effects()
        assert counts == {event.id: 1 for events in sent for event in events}
        assert failures > 0, "no attempt was cut off"

    def test_older_event_is_not_applied_after_a_restart(self, own_receiver: ReceiverProcess) -> None:
        session = own_receiver.session()
        decision = session.samples.new_subject(Topic.DECISION_APPROVED)
        older, newer = (
            session.samples.event(topic, decision, sequence)
            for topic, sequence in ((Topic.DECISION_APPROVED, 1), (Topic.DECISION_ACTIVATED, 2))
        )
        session.deliver(newer)
        own_receiver.kill()
        session = own_receiver.start().session()
        assert session.deliver(older).status == 204
        assert (applied(session, older), applied(session, newer)) == (0, 1)

    def test_event_that_comes_several_times_at_once_is_applied_once(self, receiver: ReceiverProcess) -> None:
        session = receiver.session()
        event = session.samples.event(Topic.DECISION_APPROVED)
        deliver: Callable[[], int | None] = lambda: session.deliver(event).status  # noqa: E731
        assert at_once([deliver] * 8) == [204] * 8
        assert applied(session, event) == 1

    def test_either_secret_is_accepted_while_one_is_rotated(self, make_receiver: MakeReceiver) -> None:
        old, new = new_secret(), new_secret()
        with make_receiver(old, new) as receiver:
            session = receiver.session()
            for secrets, status in (((old,), 204), ((new,), 204), ((old, new), 204), ((new_secret(),), 400)):
                event = session.samples.event(Topic.DECISION_APPROVED)
                assert session.deliver(event, secrets=secrets).status == status

    def test_data_of_a_revoked_consent_is_dropped(self, own_receiver: ReceiverProcess, tmp_path: Path) -> None:
        session = own_receiver.session()
        consent = session.samples.new_subject(Topic.CONSENT_GRANTED)
        granted = session.samples.event(Topic.CONSENT_GRANTED, consent, 1)
        user = json.loads(granted.body)["data"]["subject"].encode()
        session.deliver(granted)
        assert user in state_files(tmp_path)
        assert session.deliver(session.samples.event(Topic.CONSENT_REVOKED, consent, 2)).status == 204
        assert user not in state_files(tmp_path)
        repeated = Sample(session.samples.ids.new("evt"), granted.body)  # late, and under another id
        assert session.deliver(repeated).status == 204
        assert user not in state_files(tmp_path)

    @pytest.mark.parametrize(
        ("length", "status"), [(LONGEST_BODY, 400), (LONGEST_BODY + 1, 413), (400_000, 413)], ids=str
    )
    def test_body_over_the_limit_is_refused(self, receiver: ReceiverProcess, length: int, status: int) -> None:
        session = receiver.session()
        event = session.samples.event(Topic.DECISION_APPROVED)
        assert session.deliver(event, body=b" " * length).status == status
        assert applied(session, event) == 0

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"[]", b"7", b"null", b"{}", b'{"type": 1}', b"[" * 50_000, "云".encode()], ids=range(9)
    )
    def test_signed_body_that_is_no_event_is_refused(self, receiver: ReceiverProcess, body: bytes) -> None:
        session = receiver.session()
        event = Sample(session.samples.ids.new("evt"), body)
        assert session.deliver(event).status == 400
        assert applied(session, event) == 0

    @pytest.mark.parametrize("sequence", [None, "2", 0, -1, 2**70, [1], {}], ids=str)
    def test_event_without_a_valid_sequence_is_refused(self, receiver: ReceiverProcess, sequence: object) -> None:
        session = receiver.session()
        event = session.samples.event(Topic.DECISION_APPROVED).changed(sequence=sequence)
        assert session.deliver(event).status == 400
        assert applied(session, event) == 0

    @pytest.mark.parametrize("secret", ["", "whsec_", "whsec_***", "whsec_QUJ", "whsec_QUJD"])
    def test_receiver_without_a_valid_secret_does_not_start(self, make_receiver: MakeReceiver, secret: str) -> None:
        for secrets in ((secret,), (SECRET, secret)) if secret else ((),):
            done = make_receiver(*secrets).run()
            assert (done.returncode, done.stdout, done.stderr) == (1, "", INVALID_SECRETS)

    def test_other_paths_do_not_exist(self, receiver: ReceiverProcess) -> None:
        session = receiver.session()
        session.url = session.url.replace("/webhooks", "/other")
        assert session.deliver(session.samples.event(Topic.DECISION_APPROVED)).status == 404
