"""Certification of webhook receivers: each error is noticed by the right check and by no other."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from gateway.domain.events import Topic
from gateway.domain.webhooks.envelope import read_envelope
from gateway.kit.webhook_signatures import new_secret
from gateway.services.webhooks.certification.certification import CHECKS, NoAnswer, certify
from gateway.services.webhooks.certification.reports import junit_report, markdown_report
from gateway.services.webhooks.certification.session import Limits
from gateway.services.webhooks.certification.sheet import Result, Sheet, State
from tests.support.clock import NOON
from tests.support.local_server import LocalServer, http_response
from tests.support.outgoing import respond_with
from tests.support.receiver_variants import SLOW, VARIANTS, Variant
from tests.support.webhook_receiver import SECRET, example, serving, session_with

KEYS = [check.key for check in CHECKS]
JUDGED = ["speed", "form", "effects"]


def keys_of(results: Iterable[Result], state: State) -> set[str]:
    return {result.key for result in results if result.state is state}


def of_key(results: Iterable[Result], key: str) -> Result:
    return next(result for result in results if result.key == key)


def certified(url: str, **options: Any) -> list[Result]:
    return list(certify(session_with(url, **options)))


@pytest.fixture
def reference(tmp_path: Path) -> Any:
    return example.Receiver(tmp_path / "receiver.db", [SECRET])


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_error_is_noticed_by_its_check_only(variant: Variant, tmp_path: Path) -> None:
    limits = Limits(good=SLOW / 4, usable=SLOW / 2, wait=10) if "speed" in variant.fails else Limits()
    with serving(variant.receiver(tmp_path)) as url:
        results = certified(url, limits=limits)
    assert keys_of(results, State.FAILED) == variant.fails
    assert keys_of(results, State.SKIPPED) == set()


def test_every_check_has_a_receiver_that_fails_it() -> None:
    noticed = set().union(*(variant.fails for variant in VARIANTS.values()))
    assert {*KEYS, *JUDGED} - noticed == {"event", "form"}  # the tests below


def test_receiver_with_another_secret_fails_the_first_check_and_is_not_checked_further(tmp_path: Path) -> None:
    with serving(example.Receiver(tmp_path / "receiver.db", [new_secret()])) as url:
        session = session_with(url)
        results = list(certify(session))
    assert keys_of(results, State.FAILED) == {"event"}
    assert keys_of(results, State.SKIPPED) == set(KEYS) - {"event"}
    assert of_key(results, "event").came == "400 for decision.approved"
    assert len(session.answers) == 2


def test_effects_are_not_needed(reference: Any) -> None:
    with serving(reference) as url:
        results = certified(url, effects=False)
    assert keys_of(results, State.SKIPPED) == {"effects"}
    assert keys_of(results, State.PASSED) == {*KEYS, *JUDGED} - {"effects"}
    assert all("applied" not in result.expected for result in results)


def test_slow_answer_that_is_still_in_time_is_a_warning(tmp_path: Path) -> None:
    with serving(VARIANTS["slow"].receiver(tmp_path)) as url:
        results = certified(url, limits=Limits(good=SLOW / 2, usable=20, wait=20))
    assert keys_of(results, State.FAILED) == set()
    assert keys_of(results, State.WARNING) == {"speed"}
    assert float(of_key(results, "speed").came.split()[0]) >= SLOW
    assert Sheet("", results).is_passed


@pytest.mark.parametrize(
    ("response", "came"),
    [
        (http_response(status=308, headers=[("Location", "https://shop.example/other")]), "308 (a redirect)"),
        (http_response(b"\x1f\x8b", headers=[("Content-Encoding", "gzip")]), "a compressed answer"),
        (http_response(b"x" * 70_000), "an answer over 64 KiB"),
    ],
    ids=["redirect", "compressed", "large"],
)
def test_answer_in_another_form_is_reported(response: bytes, came: str) -> None:
    with LocalServer(respond_with(response)) as server:
        results = certified(server.url(), effects=False)
    form = of_key(results, "form")
    assert form.state is State.FAILED
    assert form.came.endswith(came)
    assert of_key(results, "event").came == f"{came} for decision.approved"


@pytest.mark.parametrize("response", [b"", b"SSH-2.0\r\n", b"HTTP/1.1 2"], ids=repr)
def test_first_event_without_an_answer_ends_the_run(response: bytes) -> None:
    with LocalServer(respond_with(response)) as server, pytest.raises(NoAnswer) as error:
        certified(server.url())
    assert error.value.reason == "protocol"
    assert len(server.requests) == 1


def test_receiver_that_never_answers_ends_the_run(reference: Any) -> None:
    reference.receive = lambda *_: example.time.sleep(0.5)
    with serving(reference) as url, pytest.raises(NoAnswer) as error:
        certified(url, limits=Limits(wait=0.1))
    assert error.value.reason == "timeout"


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"7", b'{"effects": 1}', b'{"effects": [1]}', b'{"effects": {"evt_1": "1"}}', b"[" * 50_000],
    ids=range(7),
)
def test_list_of_effects_with_another_form_is_reported(content: bytes) -> None:
    def respond(request: bytes) -> list[bytes]:
        return [http_response(content if request.startswith(b"GET") else b"")]

    with LocalServer(respond) as server:
        results = certified(server.url())
    assert len([request for request in server.requests if request.startswith(b"GET")]) == 1
    effects = of_key(results, "effects")
    assert (effects.state, effects.came) == (State.FAILED, 'not {"effects": {event id: number}}')


def test_samples_have_the_secret_nowhere(reference: Any) -> None:
    with serving(reference) as url:
        session = session_with(url)
        results = list(certify(session))
    assert SECRET not in repr(results)
    assert len(session.answers) > len(Topic)


RESULTS = [
    Result("a", "A check", State.PASSED, "2xx", "204", "Nothing.", 0.5),
    Result("b", "A <second> check", State.FAILED, "4xx", "204 | 200", "Do & repair.", 0.25),
    Result("c", "A third check", State.WARNING, "fast", "slow", "Be faster.", 0.0),
    Result("d", "A fourth check", State.SKIPPED, "a list", "none", "Have one.", 0.0),
]
SHEET = Sheet("https://shop.example/hooks", RESULTS)


def test_junit_report_has_a_case_for_each_check() -> None:
    suite = ElementTree.fromstring(junit_report(SHEET, NOON))  # noqa: S314  # our own report
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped", "time")}
    assert counts == {"tests": "4", "failures": "1", "errors": "0", "skipped": "1", "time": "0.750"}
    assert [case.get("name") for case in suite] == [result.name for result in RESULTS]
    passed, failed, warned, skipped = suite
    assert list(passed) == []
    assert (failed[0].tag, failed[0].get("message")) == ("failure", "204 | 200")
    assert failed[0].text == "expected: 4xx\ncame: 204 | 200\nto do: Do & repair."
    assert (warned[0].tag, skipped[0].tag, skipped[0].get("message")) == ("system-out", "skipped", "none")


def test_markdown_report_has_a_row_for_each_check() -> None:
    lines = markdown_report(SHEET, NOON).splitlines()
    assert lines[2].startswith("`https://shop.example/hooks`, checked at ")
    assert "**The receiver fails 1 of 3 checks.**" in lines[2]
    assert lines[6:] == [
        "| A check | passed | 2xx | 204 |  |",
        r"| A \<second\> check | failed | 4xx | 204 \| 200 | Do & repair. |",
        "| A third check | warning | fast | slow | Be faster. |",
        "| A fourth check | skipped | a list | none |  |",
    ]


@pytest.mark.parametrize("topic", Topic, ids=str)
def test_sample_is_an_event_of_its_topic(topic: Topic) -> None:
    samples = session_with("http://127.0.0.1/").samples
    subject = samples.new_subject(topic)
    sample = samples.event(topic, subject, 3)
    notice = read_envelope(sample.body)
    assert (notice.topic, notice.event_id, notice.subject.id, notice.sequence) == (topic, sample.id, subject, 3)
    assert len(sample.body) < 2000
