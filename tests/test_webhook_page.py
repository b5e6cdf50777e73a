"""docs/webhooks.md is executed: its programs verify real deliveries, its commands print what it states."""

import json
import os
import re
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.events import Topic
from gateway.domain.webhooks import schedule
from gateway.domain.webhooks.envelope import envelope_of, notice_in
from gateway.kit.clock import WallTime, wall_clock
from gateway.kit.webhook_signatures import new_secret, sign
from gateway.services.webhooks.certification.samples import Samples
from tests.support.checkout import ROOT
from tests.support.executed_page import ExecutedPage
from tests.support.page_blocks import block
from tests.support.webhook_receiver import SECRET, ReceiverProcess, example, serving

PAGE = ROOT / "docs" / "webhooks.md"
TEXT = PAGE.read_text(encoding="utf-8")
IN_PYTHON = block("docs/webhooks.md", "import hmac")
IN_NODE = block("docs/webhooks.md", "import { createHmac")
OLD, NEW = new_secret(), new_secret()

Verify = Callable[[Mapping[str, str], bytes, list[str]], bool]
"""Whether a program of the page accepts a delivery."""


def verify_in_python(headers: Mapping[str, str], body: bytes, secrets: list[str]) -> bool:
    names: dict[str, Any] = {}
    exec(IN_PYTHON, names)  # noqa: S102  # the page's own program
    try:
        names["verify"](headers, body, secrets)
    except ValueError:
        return False
    return True


CALL = """
const { headers, body, secrets } = JSON.parse(process.argv[2]);
try { verify(headers, Buffer.from(body, 'base64'), secrets); console.log('valid'); } catch { console.log('refused'); }
"""


@pytest.fixture
def verify_in_node(tmp_path: Path) -> Verify:
    file = tmp_path / "verify.mjs"
    file.write_text(IN_NODE + CALL)

    def verify(headers: Mapping[str, str], body: bytes, secrets: list[str]) -> bool:
        call = json.dumps({"headers": dict(headers), "body": b64encode(body).decode(), "secrets": secrets})
        command = ["node", str(file), call]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout == "valid\n"

    return verify


def assert_verifies(verify: Verify) -> None:
    """Raises AssertionError unless the program accepts what is signed, and nothing else."""
    sample, now = Samples(wall_clock).event(Topic.DECISION_ACTIVATED), wall_clock()
    headers, body = sign([OLD, NEW], sample.id, now, sample.body), sample.body
    old = sign([NEW], sample.id, WallTime(now - timedelta(minutes=6)), body)
    future = sign([NEW], sample.id, WallTime(now + timedelta(minutes=6)), body)
    assert verify(headers, body, [NEW])
    assert verify(headers, body, [OLD, NEW])
    assert verify(headers, body, [new_secret(), OLD])
    assert verify({**headers, "webhook-signature": f"v1a,QUJD {headers['webhook-signature']}"}, body, [OLD])
    refused = [
        (headers, body, [new_secret()]),
        (headers, body + b" ", [NEW]),
        ({**headers, "webhook-id": "evt_2"}, body, [NEW]),
        ({**headers, "webhook-timestamp": str(int(now.timestamp()) + 1)}, body, [NEW]),
        (old, body, [NEW]),
        (future, body, [NEW]),
        *(({**headers, "webhook-signature": text}, body, [NEW]) for text in ("v1,***", "v1,", "v1", "x", "v1,QUJD")),
        *(({**headers, "webhook-timestamp": text}, body, [NEW]) for text in ("soon", "", "1e9")),
        *(({name: text for name, text in headers.items() if name != each}, body, [NEW]) for each in headers),
    ]
    assert [headers for headers, body, secrets in refused if verify(headers, body, secrets)] == []


def test_python_program_verifies_deliveries() -> None:
    assert_verifies(verify_in_python)


@pytest.mark.node
@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_node_program_verifies_deliveries(verify_in_node: Verify) -> None:
    assert_verifies(verify_in_node)


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_commands_print_what_the_page_states(tmp_path: Path) -> None:
    commands = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": commands, "WEBHOOK_SECRETS": SECRET}
    with serving(example.Receiver(tmp_path / "receiver.db", [SECRET])) as url:
        replaced = {"http://127.0.0.1:9100/": url.removesuffix("webhooks")}
        ExecutedPage(PAGE, tmp_path, replaced=replaced, environment=environment).run()
    assert (tmp_path / "report.xml").exists()
    assert (tmp_path / "report.md").exists()


def test_stated_command_starts_the_example(tmp_path: Path) -> None:
    export, program = block("docs/webhooks.md", "export WEBHOOK_SECRETS=").splitlines()
    script = ["sh", "-c", f'{export}; echo "$WEBHOOK_SECRETS"']
    printed = subprocess.run(script, capture_output=True, text=True, check=True)
    assert re.fullmatch(r"python docs/\S+ receiver\.db --port 9100", program)
    command = [sys.executable, str(ROOT / program.split()[1]), str(tmp_path / "receiver.db"), "--port", "0"]
    with ReceiverProcess(command, [printed.stdout.strip()]) as receiver:
        assert receiver.url.endswith("/webhooks")


def test_stated_event_is_one_of_ours() -> None:
    stated = json.loads(block("docs/webhooks.md", '{"type": "decision.activated"'))
    assert envelope_of(notice_in(stated)) == stated


def test_stated_schedule_is_that_of_the_code() -> None:
    units = {"s": 1, "min": 60, "h": 3600}
    row = re.search(r"^\| after the one before \| (.*) \|$", TEXT, re.MULTILINE)
    assert row is not None
    stated = [timedelta(seconds=int(number) * units[unit]) for number, unit in map(str.split, row[1].split(" | "))]
    assert tuple(stated) == schedule.RETRIES
