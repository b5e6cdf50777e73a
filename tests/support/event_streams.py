"""Streams of events: a client that reads one, events to be read, and `gateway sandbox listen` as a process."""

import json
import re
import signal
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gateway.domain.decisions.decision import DecisionEvent
from gateway.domain.decisions.transitions import Status
from gateway.domain.events import Actor, Topic
from gateway.domain.webhooks.snapshot import snapshot_decision
from gateway.kit.server_sent_events import EventReader, ServerSentEvent
from gateway.store.database import Database
from gateway.store.outbox import message_of_event
from gateway.store.unit import UnitOfWork
from gateway.web.event_stream.endpoint import PATH
from tests.support import factories
from tests.support.command_line import COMMANDS
from tests.support.factories import ids
from tests.support.partner_time import until
from tests.support.plain_http import plain_client
from tests.support.server import ForkedServer, Sandbox, bare_environment
from tests.support.units import writing

ACTIVATED = Topic.DECISION_ACTIVATED


@dataclass(frozen=True)
class Streamed:
    """An event of a stream with its id."""

    id: str
    event: ServerSentEvent

    @property
    def event_id(self) -> str:
        return str(json.loads(self.event.fields["delivery"])["id"])

    @property
    def document(self) -> dict[str, Any]:
        return dict(json.loads(self.event.data))


class Stream:
    """An open stream. Reading fails if nothing comes for 20 seconds. Use it as a context manager."""

    def __init__(self, address: str, token: str, last_id: str | None = None, **parameters: Any) -> None:
        headers = {"Authorization": f"Bearer {token}"} | ({} if last_id is None else {"Last-Event-ID": last_id})
        self._http = plain_client(address, timeout=20)
        request = self._http.build_request("GET", PATH, params=parameters, headers=headers)
        self.response = self._http.send(request, stream=True)
        self._pieces, self._reader = self.response.iter_raw(), EventReader()
        self._ready: list[Streamed] = []

    def start(self) -> Self:
        """Waits until the stream has begun, so that it has all later events."""
        assert self.response.status_code == 200, self.response.read()
        while self._reader.last_id is None:
            self._read_piece()
        return self

    def take(self, number: int) -> list[Streamed]:
        """Returns the next events."""
        while len(self._ready) < number:
            self._read_piece()
        taken, self._ready = self._ready[:number], self._ready[number:]
        return taken

    def rest(self) -> list[Streamed]:
        """Returns all events until the stream ends."""
        try:
            while True:
                self._read_piece()
        except StopIteration:
            return self._ready

    def _read_piece(self) -> None:
        for event in self._reader.read(next(self._pieces)):
            assert self._reader.last_id is not None
            self._ready.append(Streamed(self._reader.last_id, event))

    def close(self) -> None:
        """Drops the connection."""
        self.response.close()
        self._http.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def write_events(
    database_url: str, merchant_id: str, number: int, topic: Topic = ACTIVATED, adapter: str = "car_rental"
) -> list[str]:
    """Writes events of one decision for a merchant, each in a commit of its own. Returns their ids."""
    with closing(Database(database_url)) as database:
        with writing(database) as unit:
            consent = factories.make_cast(unit).consent
        decision_id = ids.new("dec")

        def write(unit: UnitOfWork) -> str:
            state = factories.decision_state(consent, id=decision_id, adapter=adapter)
            event = DecisionEvent(topic, Status.APPROVED, Status.ACTIVE, state.updated_at)
            payload = snapshot_decision(state, event, Actor.MERCHANT)
            public = {"decision": decision_id, "topic": topic}
            message = message_of_event(ids.new("evt"), merchant_id, public, payload, unit.wall)
            unit.outbox.add(message)
            return message.id

        return [database.write(write) for _ in range(number)]


def merchant_of(sandbox: Sandbox, adapter: str) -> tuple[str, str]:
    """The id and the token of the demo's merchant with this adapter."""
    merchant = next(each for each in sandbox.credentials["merchants"] if each["adapter"] == adapter)
    return str(merchant["id"]), str(merchant["merchant_token"])


class Listener:
    """`gateway sandbox listen` as a process. Use it as a context manager: it waits until the command listens."""

    def __init__(self, folder: Path, *options: str, **variables: str) -> None:
        self._out, self._err = folder / "listen.out", folder / "listen.err"
        for file in (self._out, self._err):
            file.touch()
        environment = {**bare_environment(), "GATEWAY_STATE_DIRECTORY": str(folder), "COLUMNS": "80", **variables}
        arguments = ["sandbox", "listen", *options]
        self.process = ForkedServer(COMMANDS.start(arguments, environment, self._out, self._err))

    @property
    def lines(self) -> Sequence[str]:
        """The lines on standard output."""
        return self._out.read_text().splitlines()

    @property
    def notes(self) -> str:
        """Standard error."""
        return self._err.read_text()

    @property
    def secret(self) -> str:
        """The secret that the command has made. It is printed after the command listens."""
        found = until(lambda: re.findall(r"whsec_\S+(?=\n)", self.notes), bool)
        return str(found[0])

    def wait_for_lines(self, number: int) -> Sequence[str]:
        """Waits until so many lines were printed, and returns all."""
        return until(lambda: self.lines, lambda lines: len(lines) >= number)

    def interrupt(self) -> int:
        """Ends the command with Ctrl-C, and returns the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=20)

    def __enter__(self) -> Self:
        until(lambda: self.notes, lambda text: "Listening" in text or self.process.poll() is not None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(timeout=20)
