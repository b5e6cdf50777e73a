"""The section of docs/webhooks.md about `gateway sandbox listen` is executed: its commands print what it states."""

import json
import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from gateway.domain.events import Topic
from gateway.kit.server_sent_events import EventReader
from tests.support.checkout import ROOT
from tests.support.event_streams import Listener, merchant_of, write_events
from tests.support.merchant_client import MerchantClient, car
from tests.support.page_blocks import block
from tests.support.server import Sandbox
from tests.support.webhook_receiver import SECRET, example, serving

TEXT = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
SECTION = TEXT.partition("\n## While you develop\n")[2].partition("\n## ")[0]


def arguments_of(command: str, values: Mapping[str, str]) -> list[str]:
    """The words of a command of the page, with these texts of the page replaced."""
    for text, value in values.items():
        command = command.replace(text, value)
    return shlex.split(command.replace("\\\n", " "))


def test_stated_command_prints_the_stated_lines(sqlite_sandbox: Sandbox, tmp_path: Path) -> None:
    greeting, *lines = block("docs/webhooks.md", "Listening to").splitlines()
    receiver = example.Receiver(tmp_path / "receiver.db", [SECRET])
    with closing(MerchantClient(sqlite_sandbox)) as merchant, serving(receiver) as url:
        values = {"http://127.0.0.1:9100/webhooks": url, "$WEBHOOK_SECRETS": SECRET}
        program, group, name, *options = arguments_of(block("docs/webhooks.md", "gateway sandbox listen"), values)
        assert (program, group, name) == ("gateway", "sandbox", "listen")
        with Listener(tmp_path, *options, GATEWAY_STATE_DIRECTORY=str(sqlite_sandbox.folder)) as listener:
            merchant.release(merchant.request(merchant.token(), car())["decision"])
            printed = listener.wait_for_lines(len(lines))
    assert listener.notes == greeting.replace("http://127.0.0.1:8000", sqlite_sandbox.credentials["issuer"]) + "\n"
    for line, actual in zip(lines, printed, strict=True):
        pattern = re.escape(line)
        pattern = re.sub(r"^\d\d:\d\d:\d\d", r"\\d\\d:\\d\\d:\\d\\d", pattern)
        pattern = re.sub(r"\\\.\\\.\\\.\w{10}", r"\\.\\.\\.\\w{10}", pattern)
        pattern = re.sub(r"\d+\\ ms$", r"\\d+\\ ms", pattern)
        assert re.fullmatch(pattern, actual), (line, actual)


def test_stated_request_reads_the_stream(sqlite_sandbox: Sandbox) -> None:
    merchant_id, token = merchant_of(sqlite_sandbox, "housing")
    values = {"http://127.0.0.1:8000": sqlite_sandbox.credentials["issuer"], "$GATEWAY_MERCHANT_TOKEN": token}
    command, reader = arguments_of(block("docs/webhooks.md", "curl -N"), values), EventReader()
    with subprocess.Popen([*command, "--silent"], stdout=subprocess.PIPE, env=os.environ) as process:
        assert process.stdout is not None
        while reader.last_id is None:
            list(reader.read(process.stdout.readline()))
        write_events(sqlite_sandbox.database_url, merchant_id, 1)
        (written,) = write_events(sqlite_sandbox.database_url, merchant_id, 1, Topic.DECISION_APPROVED)
        while not (events := list(reader.read(process.stdout.readline()))):
            pass
        process.kill()
    (event,) = events
    assert event.name == "decision.approved"
    assert written in event.fields["delivery"]
    (row,) = re.findall(r"^\| `delivery` \| (.*) \|$", SECTION, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", row)) == set(json.loads(event.fields["delivery"]))
