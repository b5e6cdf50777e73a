"""docs/examples/webhook_receiver.mjs: events are applied once, in order, and only if they are signed."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from gateway.domain.events import Topic
from tests.support.node import MARKS
from tests.support.receiver_contract import ReceiverContract, applied
from tests.support.webhook_receiver import EXAMPLE, SECRET, MakeReceiver, ReceiverProcess

pytestmark = MARKS


def process(folder: Path, *secrets: str) -> ReceiverProcess:
    command = ["node", str(EXAMPLE.with_suffix(".mjs")), str(folder / "receiver.journal"), "0"]
    return ReceiverProcess(command, secrets)


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReceiverProcess]:
    with process(tmp_path_factory.mktemp("receiver"), SECRET) as receiver:
        yield receiver


@pytest.fixture
def make_receiver(tmp_path: Path) -> MakeReceiver:
    return partial(process, tmp_path)


class TestNodeReceiver(ReceiverContract):
    """The receiver as a process. It needs no packages."""

    def test_line_that_was_written_in_part_is_ignored(self, own_receiver: ReceiverProcess, tmp_path: Path) -> None:
        session = own_receiver.session()
        first, second = (session.samples.event(Topic.DECISION_APPROVED) for _ in range(2))
        session.deliver(first)
        own_receiver.kill()
        with (tmp_path / "receiver.journal").open("a") as journal:
            journal.write(json.dumps({"id": second.id, "at": 1, "effect": second.id})[:-4])
        session = own_receiver.start().session()
        assert (applied(session, first), applied(session, second)) == (1, 0)
        assert session.deliver(second).status == 204
        assert applied(session, second) == 1

    def test_ids_are_kept_for_30_days(self, own_receiver: ReceiverProcess, tmp_path: Path) -> None:
        journal, ages = tmp_path / "receiver.journal", {"evt_kept": 29, "evt_dropped": 31}
        own_receiver.kill()
        now = int(own_receiver.session().clock().timestamp())
        lines = [json.dumps({"id": name, "at": now - days * 86_400}) for name, days in ages.items()]
        journal.write_text("".join(f"{line}\n" for line in lines))
        own_receiver.start()
        assert [json.loads(line)["id"] for line in journal.read_text().splitlines()] == ["evt_kept"]
