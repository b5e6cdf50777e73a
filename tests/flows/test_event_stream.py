"""The stream of a merchant's events at a real server."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.domain.events import Topic
from gateway.domain.webhooks.envelope import notice_in
from gateway.web.event_stream.endpoint import MOST_PER_MERCHANT
from tests.fixtures.server import copy_seeded
from tests.support.event_streams import ACTIVATED, Stream, Streamed, merchant_of, write_events
from tests.support.merchant_client import MerchantClient
from tests.support.partner_time import until
from tests.support.server import Sandbox

OVERDUE = Topic.DECISION_OVERDUE


def address_of(sandbox: Sandbox) -> str:
    return str(sandbox.credentials["issuer"])


@pytest.fixture
def hotel(sandbox: Sandbox) -> tuple[str, str, str]:
    """The address of the sandbox, and the id and token of a merchant without other events during the test."""
    return address_of(sandbox), *merchant_of(sandbox, "hotel")


def test_events_appear_in_order_and_once(sandbox: Sandbox, hotel: tuple[str, str, str]) -> None:
    address, merchant_id, token = hotel
    with Stream(address, token) as one, Stream(address, token) as other:
        written = write_events(sandbox.database_url, merchant_id, 120)
        events = one.take(120)
        assert [each.event_id for each in events] == written == [each.event_id for each in other.take(120)]
    positions = [int(each.id) for each in events]
    assert positions == sorted(set(positions))
    assert [each.document["sequence"] for each in events] == list(range(1, 121))
    for each in events:
        assert (each.event.name, notice_in(each.document).topic) == ("decision.activated", ACTIVATED)
        assert each.document["merchantId"] == merchant_id


def test_stream_resumes_behind_the_last_event(sandbox: Sandbox, hotel: tuple[str, str, str]) -> None:
    address, merchant_id, token = hotel
    with Stream(address, token) as dropped:
        written = write_events(sandbox.database_url, merchant_id, 5)
        last = dropped.take(2)[-1].id
    written += write_events(sandbox.database_url, merchant_id, 2)
    for parameters in ({"last_id": last}, {"after": last}, {"last_id": last, "after": 0}):
        with Stream(address, token, **parameters) as resumed:
            assert [each.event_id for each in resumed.take(5)] == written[2:]


def test_events_of_other_merchants_never_appear(sandbox: Sandbox, hotel: tuple[str, str, str]) -> None:
    address, merchant_id, token = hotel
    other_id, other_token = merchant_of(sandbox, "housing")
    with Stream(address, token) as own, Stream(address, other_token) as other:
        written: dict[str, list[str]] = {merchant_id: [], other_id: []}
        for _ in range(3):
            for each, events in written.items():
                events += write_events(sandbox.database_url, each, 1)
        assert [each.event_id for each in own.take(3)] == written[merchant_id]
        assert [each.event_id for each in other.take(3)] == written[other_id]
    with Stream(address, token, after=0) as everything:
        last = written[merchant_id][-1]
        seen: list[Streamed] = []
        while not seen or seen[-1].event_id != last:
            seen += everything.take(1)
    assert {each.document["merchantId"] for each in seen} == {merchant_id}


def test_topics_and_since_select_events(sandbox: Sandbox, hotel: tuple[str, str, str]) -> None:
    address, merchant_id, token = hotel
    write_events(sandbox.database_url, merchant_id, 2)
    time.sleep(0.01)
    since = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    write_events(sandbox.database_url, merchant_id, 2)
    overdue = write_events(sandbox.database_url, merchant_id, 2, OVERDUE)
    with Stream(address, token, since=since, topic=["decision.overdue", "decision.lapsed"]) as stream:
        assert [each.event_id for each in stream.take(2)] == overdue
        write_events(sandbox.database_url, merchant_id, 1)
        later = write_events(sandbox.database_url, merchant_id, 1, OVERDUE)
        assert [each.event_id for each in stream.take(1)] == later


def test_streams_of_a_merchant_are_limited(sandbox: Sandbox) -> None:
    address = address_of(sandbox)
    _, token = merchant_of(sandbox, "lender")
    with ExitStack() as stack:
        first, *_ = [stack.enter_context(Stream(address, token)) for _ in range(MOST_PER_MERCHANT)]
        refused = Stream(address, token)
        assert (refused.response.status_code, refused.response.headers["retry-after"]) == (429, "10")
        assert b"5 open streams. End one of them first." in refused.response.read()
        refused.close()
        with Stream(address, merchant_of(sandbox, "housing")[1]):
            pass
        first.close()

        def status() -> int:
            stream = Stream(address, token)
            stream.close()
            return stream.response.status_code

        until(status, lambda code: code == 200)


@pytest.fixture(scope="module")
def short_tokens(seeded_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox whose merchant tokens live for a few seconds."""
    folder = tmp_path_factory.mktemp("short")
    with Sandbox(copy_seeded(seeded_folder, folder), folder, baseline_token_life="PT4S") as sandbox:
        yield sandbox


@pytest.mark.slow
def test_expired_token_ends_the_stream(short_tokens: Sandbox) -> None:
    merchant = MerchantClient(short_tokens)
    token, began = merchant.app.merchant_token().json()["access_token"], time.monotonic()
    with Stream(address_of(short_tokens), token) as stream:
        assert stream.rest() == []
    assert 2 < time.monotonic() - began < 15
    again = Stream(address_of(short_tokens), token)
    assert again.response.status_code == 401
    again.close()
    merchant.close()
    assert token not in short_tokens.output


@pytest.mark.slow
def test_revoked_token_ends_the_stream(sandbox: Sandbox) -> None:
    merchant = MerchantClient(sandbox, "hotel")
    token = merchant.app.merchant_token().json()["access_token"]
    with Stream(address_of(sandbox), token) as stream:
        assert merchant.app.revoke(token).status_code == 200
        assert stream.rest() == []
    merchant.close()


def test_stream_ends_with_the_server_and_resumes_after_a_restart(own_sandbox: Sandbox) -> None:
    merchant_id, token = merchant_of(own_sandbox, "hotel")
    with Stream(address_of(own_sandbox), token) as stream:
        written = write_events(own_sandbox.database_url, merchant_id, 3)
        last = stream.take(2)[-1].id
        own_sandbox.stop()
        assert [each.event_id for each in stream.rest()] in ([], written[2:])
    assert "requests_interrupted" not in own_sandbox.log  # the stream ended by itself
    written += write_events(own_sandbox.database_url, merchant_id, 3)
    own_sandbox.start()
    with Stream(address_of(own_sandbox), token, last_id=last) as resumed:
        assert [each.event_id for each in resumed.take(4)] == written[2:]
    assert token not in own_sandbox.log
