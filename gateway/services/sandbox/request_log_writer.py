"""Writes the request log of a sandbox, on a thread of its own, after the responses.

No request waits for it. It takes a small part of the processor only. Requests for which that is not enough, and all
during an outage of the database, are dropped and counted.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gateway.kit.clock import WallTime
from gateway.kit.ids import Ids
from gateway.kit.logging import get_logger
from gateway.kit.outage import Outage, outage_log
from gateway.services.sandbox.request_log import MOST_ENTRIES
from gateway.store.database import Database
from gateway.store.sandbox.request_log import RequestLogRow, RequestOwner
from gateway.store.unit import UnitOfWork

MOST_WAITING, MOST_WAITING_BYTES = 1_000, 4 * 2**20
"""How many exchanges wait in memory, and how many bytes of them."""

MOST_OF_CLIENT = 500
"""How many exchanges of one client wait, so that one that sends many leaves room for others."""

LARGEST_RESPONSE = 2**17
"""Bytes of the largest response that is kept. Of a larger one only its end is kept, for its cost."""

GATHER = 0.3
"""Seconds from the first waiting exchange to the unit of work that writes those that wait then."""

BATCH = 40
"""The largest number of entries that one unit of work writes."""

REST, REST_UNDER_LOAD = 10, 100
"""How many times as long as it worked the thread rests after each unit of work: under load it takes at most about a
hundredth of one processor."""

LOAD = 0.4
"""The share of one processor from which on the process is under load."""

TRIM_EVERY = 100
"""How many entries of a partner a process writes until it deletes the partner's oldest ones."""

FLUSH = 2.0
"""Seconds for which the thread writes what still waits at the end of the server."""

_AFTER_ERROR = 1.0
_TAIL = 2_048
_MOST_PARTNERS = 10_000
_UNREADABLE = "[not readable]"
_log = get_logger(__name__)


@dataclass(slots=True)  # not frozen, which would take three times as long
class Exchange:
    """A GraphQL request and its response. `client_id` is None if only the token's digest is known. `seconds` is the
    time from its header to the end of the response. `body` and `response` are the bytes that were sent. `cut_from` is
    the number of bytes of a response of which only the end is kept."""

    received_at: WallTime
    seconds: float
    request_id: str
    client_id: str | None
    token_digest: str
    scheme: str
    status: int
    body: bytes
    response: bytes
    cut_from: int | None = None


@dataclass(frozen=True, slots=True)
class Description:
    """What an entry of the log says about an exchange, without secrets."""

    request_id: str = ""
    operation_name: str | None = None
    document: str = _UNREADABLE
    document_id: str | None = None
    variables: str = "{}"
    response: str = _UNREADABLE
    error_codes: tuple[str, ...] = ()
    cost: int = 0
    decision_ids: tuple[str, ...] = ()
    references: tuple[str, ...] = ()


LoadText = Callable[[str], str | None]
"""Returns the text of a trusted document of the client by its identifier."""

Describe = Callable[[Exchange, RequestOwner, LoadText], Description]


class RequestLogWriter:
    """Writes entries until it is stopped. `describe` redacts an exchange. `observer` is called with the numbers of
    entries that were written and dropped. At the end it writes for at most `flush` seconds. Several processes can write
    at once."""

    def __init__(self, database: Database, ids: Ids, describe: Describe, *, flush: float = FLUSH) -> None:
        self._database, self._ids, self._describe, self._flush = database, ids, describe, flush
        self._lock, self._wake, self._stopped = threading.Lock(), threading.Event(), threading.Event()
        self._waiting = deque[Exchange]()
        self._bytes, self._of_client = 0, Counter[str]()
        self._dropped = Counter[str]()  # by client, since its last entry
        self._written = Counter[str]()  # by partner, since its entries were trimmed
        self.observer: Callable[[int, int], None] = lambda _, __: None

    def put(self, exchange: Exchange) -> None:
        """Adds an exchange, or drops it if too many wait. Never waits, and never fails."""
        if len(exchange.response) > LARGEST_RESPONSE:
            exchange.cut_from, exchange.response = len(exchange.response), exchange.response[-_TAIL:]
        size, client = len(exchange.body) + len(exchange.response), exchange.client_id or ""
        with self._lock:
            fits = len(self._waiting) < MOST_WAITING and self._bytes + size <= MOST_WAITING_BYTES
            if fits and self._of_client[client] < MOST_OF_CLIENT:
                self._waiting.append(exchange)
                self._bytes += size
                self._of_client[client] += 1
                is_kept = True
            else:
                is_kept = False
                if client:
                    self._dropped[client] += 1
        if not is_kept:
            self.observer(0, 1)
        elif not self._wake.is_set():
            self._wake.set()

    def run(self) -> None:
        """Writes entries until `stop` is called, then those that still wait."""
        while not self._stopped.is_set():
            self._wake.wait()
            began, used = time.monotonic(), time.process_time()
            self._stopped.wait(GATHER)
            is_loaded = time.process_time() - used > LOAD * (time.monotonic() - began)
            if not self._stopped.is_set():
                self._stopped.wait(self._write_batch() * (REST_UNDER_LOAD if is_loaded else REST))
        end = time.monotonic() + self._flush
        while self._waiting and time.monotonic() < end:
            self._write_batch()
        self._drop(self._take(MOST_WAITING))

    def stop(self) -> None:
        """Lets `run` end. Any thread may call it."""
        self._stopped.set()
        self._wake.set()

    def _write_batch(self) -> float:
        """Writes waiting exchanges, at most BATCH. Returns the seconds of work, or more after an error."""
        exchanges = self._take(BATCH)
        try:
            return self._write(exchanges)
        except Outage as outage:
            outage_log.report(outage, "request_log")
        except Exception as error:  # noqa: BLE001  # its type is not known, and the next batch may succeed
            _log.error("request_log_failed", error=type(error).__name__)
        self._drop(exchanges)
        return _AFTER_ERROR / REST

    def _take(self, most: int) -> list[Exchange]:
        with self._lock:
            taken = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
            for each in taken:
                self._bytes -= len(each.body) + len(each.response)
                client = each.client_id or ""
                self._of_client[client] -= 1
                if not self._of_client[client]:
                    del self._of_client[client]
            if not self._waiting and not self._stopped.is_set():
                self._wake.clear()
        return taken

    def _drop(self, exchanges: Sequence[Exchange]) -> None:
        """Counts exchanges that are not written."""
        with self._lock:
            self._dropped.update(each.client_id for each in exchanges if each.client_id)
        if exchanges:
            self.observer(0, len(exchanges))

    def _write(self, exchanges: Sequence[Exchange]) -> float:
        """Writes one entry for each exchange whose client is known. Returns the seconds of work. Raises Outage."""
        began, rows = time.thread_time(), list[RequestLogRow]()
        try:
            owners = self._load_owners(exchanges)
            for exchange in exchanges:
                owner = owners.get(exchange.token_digest)
                if owner is not None:
                    rows.append(self._row(exchange, owner))
                    time.sleep(0)  # lets a thread of a request run
            in_unit = self._insert(rows)
        except BaseException:
            with self._lock:
                for row in rows:
                    self._dropped[row.client_id] += row.dropped_before
            raise
        return time.thread_time() - began + in_unit

    def _insert(self, rows: Sequence[RequestLogRow]) -> float:
        """Writes the entries, and deletes the oldest ones of some partners. Returns the seconds of the unit of work.
        Raises Outage."""
        if not rows:
            return 0.0
        self._written.update(row.partner_id for row in rows)
        full = [each for each in {row.partner_id for row in rows} if self._written[each] >= TRIM_EVERY]

        def write(unit: UnitOfWork) -> float:
            began = time.perf_counter()
            unit.request_log.insert(rows)
            for partner_id in full:
                unit.request_log.trim(partner_id, MOST_ENTRIES, 2 * TRIM_EVERY)
            return time.perf_counter() - began

        seconds = self._database.write(write)
        for partner_id in full:
            del self._written[partner_id]
        if len(self._written) > _MOST_PARTNERS:
            self._written.clear()
        self.observer(len(rows), 0)
        return seconds

    def _row(self, exchange: Exchange, owner: RequestOwner) -> RequestLogRow:
        described = self._describe_or_log(exchange, owner)
        with self._lock:
            dropped = self._dropped.pop(owner.client_id, 0)
        return RequestLogRow(
            id=self._ids.new("log"),
            partner_id=owner.partner_id,
            merchant_id=owner.merchant_id,
            client_id=owner.client_id,
            received_at=exchange.received_at,
            request_id=described.request_id,
            operation_name=described.operation_name,
            document=described.document,
            document_id=described.document_id,
            variables=described.variables,
            scheme=exchange.scheme,
            http_status=exchange.status,
            error_codes=f" {' '.join(described.error_codes)} " if described.error_codes else "",
            cost=described.cost,
            duration_ms=round(exchange.seconds * 1_000),
            response=described.response,
            decision_ids=list(described.decision_ids),
            references=list(described.references),
            dropped_before=dropped,
        )

    def _describe_or_log(self, exchange: Exchange, owner: RequestOwner) -> Description:
        try:
            return self._describe(exchange, owner, lambda identifier: self._load_text(owner.client_id, identifier))
        except Outage:
            raise
        except Exception as error:  # noqa: BLE001  # whatever the request was, the others must be written
            _log.error("request_not_described", error=type(error).__name__)
            return Description()

    def _load_text(self, client_id: str, document_id: str) -> str | None:
        return self._database.read(lambda unit: unit.documents.load_text(client_id, document_id))

    def _load_owners(self, exchanges: Sequence[Exchange]) -> Mapping[str, RequestOwner]:
        """Reads the owners of the tokens. They are not kept: a reset of a partner moves its clients."""
        digests = {each.token_digest for each in exchanges}
        return self._database.read(lambda unit: unit.request_log.load_owners(digests)) if digests else {}
