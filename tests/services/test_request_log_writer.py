"""The writer of the request log: in batches after the responses, within limits, and never at the cost of a request."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from gateway.kit.clock import WallTime
from gateway.kit.outage import outage_log
from gateway.services.purge import PurgeService
from gateway.services.sandbox import request_log_writer as module
from gateway.services.sandbox.request_log import KEPT, list_requests
from gateway.services.sandbox.request_log_writer import Description, Exchange, LoadText, RequestLogWriter
from gateway.settings import Settings
from gateway.store.sandbox.request_log import RequestFilter, RequestLogRow, RequestOwner
from tests.support import factories
from tests.support.clock import NOON, MovableClock
from tests.support.units import reading, writing
from tests.support.world import World


class Log:
    """A writer over a world, with two clients of different partners."""

    def __init__(self, settings: Settings, clock: MovableClock) -> None:
        self.world = World(settings, clock)
        with writing(self.world.database) as unit:
            self.partners = [factories.make_partner(unit) for _ in range(2)]
            self.clients = [factories.make_client(unit, factories.make_merchant(unit, each)) for each in self.partners]
            self.digests = [factories.make_access_token(unit, each) for each in self.clients]
        self.counted = [0, 0]
        self.writer = RequestLogWriter(self.world.database, self.world.container.ids, self.describe, flush=60)
        self.writer.observer = self._count

    def close(self) -> None:
        self.world.close()

    def describe(self, exchange: Exchange, _: RequestOwner, __: LoadText) -> Description:
        if exchange.body == b"broken":
            raise RuntimeError("a secret")
        return Description(request_id=exchange.request_id, document=exchange.body.decode(), response="{}")

    def put(
        self, request_id: str = "req_test_1", *, of: int = 0, body: bytes = b"{ a }", response: bytes = b"{}"
    ) -> None:
        self.writer.put(
            Exchange(
                received_at=WallTime(NOON),
                seconds=0.1,
                request_id=request_id,
                client_id=self.clients[of],
                token_digest=self.digests[of],
                scheme="bearer",
                status=200,
                body=body,
                response=response,
            )
        )

    def flush(self) -> None:
        self.writer.stop()
        self.writer.run()

    def rows(self, of: int = 0) -> list[RequestLogRow]:
        """The entries of a partner, oldest first."""
        with reading(self.world.database) as unit:
            return list_requests(unit, self.partners[of], RequestFilter(), 10_000, backward=True)

    def _count(self, written: int, dropped: int) -> None:
        self.counted[0] += written
        self.counted[1] += dropped


@pytest.fixture
def log(settings: Settings, sqlite_url: str, clock: MovableClock) -> Iterator[Log]:
    with closing(Log(settings.model_copy(update={"database_url": sqlite_url}), clock)) as opened:
        yield opened


@pytest.fixture
def each_log(deployment: Settings, clock: MovableClock) -> Iterator[Log]:
    with closing(Log(deployment, clock)) as opened:
        yield opened


def test_thread_writes_what_waits_in_one_unit_of_work(log: Log) -> None:
    thread = threading.Thread(target=log.writer.run)
    thread.start()
    commits = log.world.database._shared.commits
    for number in range(5):
        log.put(f"req_test_{number}")
    deadline = time.monotonic() + 10
    while not log.rows() and time.monotonic() < deadline:
        time.sleep(0.02)
    log.writer.stop()
    thread.join(5)
    assert [row.request_id for row in log.rows()] == [f"req_test_{number}" for number in range(5)]
    assert log.world.database._shared.commits == commits + 1


def test_end_of_the_server_writes_what_waits(log: Log) -> None:
    for _ in range(3 * module.BATCH):
        log.put()
    log.flush()
    assert (len(log.rows()), log.counted) == (3 * module.BATCH, [3 * module.BATCH, 0])


def test_client_that_sends_many_leaves_room_for_others(log: Log) -> None:
    for _ in range(module.MOST_OF_CLIENT + 30):
        log.put()
    log.put(of=1)
    log.flush()
    assert (len(log.rows()), len(log.rows(1))) == (module.MOST_OF_CLIENT, 1)
    assert log.counted == [module.MOST_OF_CLIENT + 1, 30]


def test_bytes_that_wait_are_limited(log: Log) -> None:
    body = b"x" * (module.MOST_WAITING_BYTES // 4)
    for _ in range(6):
        log.put(body=body)
    log.flush()
    assert (len(log.rows()), log.counted) == (3, [3, 3])


def test_next_entry_says_how_many_requests_of_its_client_were_dropped(log: Log) -> None:
    for _ in range(module.MOST_OF_CLIENT + 30):
        log.put()
    log.flush()
    log.put("req_test_later")
    log.flush()
    assert sum(row.dropped_before for row in log.rows()) == 30
    assert log.rows()[-1].dropped_before == 0


def test_large_response_is_not_held_in_memory(log: Log) -> None:
    log.put(response=b"x" * (module.LARGEST_RESPONSE + 1))
    (exchange,) = log.writer._take(1)
    assert len(exchange.response) < 4_000
    assert exchange.cut_from == module.LARGEST_RESPONSE + 1


def test_requests_during_an_outage_are_dropped_and_counted(each_log: Log) -> None:
    log = each_log
    outage_log.forget()
    log.put()
    log.world.block_inserts("request_log")
    with capture_logs() as logs:
        log.flush()
    assert log.counted == [0, 1]
    assert [line["event"] for line in logs] == ["request_log_failed"]
    assert "full" not in repr(logs)
    log.world.allow_inserts("request_log")
    log.put()
    log.flush()
    assert [row.dropped_before for row in log.rows()] == [1]


def test_exchange_that_cannot_be_described_does_not_hold_up_others(log: Log) -> None:
    log.put(body=b"broken")
    log.put("req_test_2")
    with capture_logs() as logs:
        log.flush()
    assert [row.document for row in log.rows()] == ["[not readable]", "{ a }"]
    assert [(line["event"], line["error"]) for line in logs] == [("request_not_described", "RuntimeError")]


def test_oldest_entries_of_a_partner_are_deleted(each_log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ENTRIES", 10)
    monkeypatch.setattr(module, "TRIM_EVERY", 20)
    each_log.put("req_test_other", of=1)
    for number in range(60):
        each_log.put(f"req_test_{number}")
    each_log.flush()
    kept = [row.request_id for row in each_log.rows()]
    assert kept == [f"req_test_{number}" for number in range(50, 60)]
    assert len(each_log.rows(1)) == 1


def test_entries_are_purged_after_their_time(each_log: Log, clock: MovableClock) -> None:
    each_log.put()
    each_log.flush()
    purges = PurgeService(each_log.world.database, each_log.world.container.settings)
    clock.advance(KEPT)
    assert purges.purge()["request_log"] == 0
    clock.advance(timedelta(seconds=1))
    assert purges.purge()["request_log"] == 1


def test_two_writers_write_at_once(each_log: Log) -> None:
    """As two processes do."""
    database, ids = each_log.world.database, each_log.world.container.ids
    writers = [RequestLogWriter(database, ids, each_log.describe, flush=60) for _ in range(2)]
    for writer in writers:
        each_log.writer = writer
        for _ in range(150):
            each_log.put()
        writer.stop()
    threads = [threading.Thread(target=writer.run) for writer in writers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(each_log.rows()) == 300


def test_entry_is_of_the_partner_to_which_the_client_has_moved(log: Log) -> None:
    """As after a reset of the partner."""
    log.put("req_test_before")
    log.flush()
    ((merchant,),) = log.world.rows("SELECT merchant_id FROM oauth_clients WHERE id = :id", id=log.clients[1])
    log.world.execute(f"UPDATE oauth_clients SET merchant_id = '{merchant}' WHERE id = '{log.clients[0]}'")
    log.put("req_test_after")
    log.flush()
    assert [row.request_id for row in log.rows()] == ["req_test_before"]
    assert [(row.request_id, row.merchant_id) for row in log.rows(1)] == [("req_test_after", merchant)]


def test_put_takes_microseconds(log: Log) -> None:
    """It is called on the event loop of the server."""
    began = time.thread_time()
    for _ in range(20_000):
        log.put()
    assert (time.thread_time() - began) / 20_000 < 0.000_05
