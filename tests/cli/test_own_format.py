"""`gateway sandbox listen` with a merchant that has a wire format of its own."""

import json
from pathlib import Path

from standardwebhooks import Webhook

from gateway.kit.webhook_signatures import sign_body
from tests.support.event_streams import ACTIVATED, Listener, merchant_of, write_events
from tests.support.server import Sandbox
from tests.support.webhook_receiver import SECRET
from tests.support.webhook_world import Receiver


def test_events_in_an_own_format_have_both_signatures(sqlite_sandbox: Sandbox, tmp_path: Path) -> None:
    merchant_id, _ = merchant_of(sqlite_sandbox, "harbour_bikes")
    file = str(sqlite_sandbox.folder / "credentials.json")
    with Receiver() as receiver:
        options = ["--credentials", file, "--merchant", "harbour_bikes", "--secret", SECRET, "--json"]
        with Listener(tmp_path, *options, "--forward", receiver.url()) as listener:
            (event_id,) = write_events(sqlite_sandbox.database_url, merchant_id, 1, ACTIVATED, "harbour_bikes")
            document = json.loads(listener.wait_for_lines(1)[0])
    (received,) = receiver.received
    Webhook(SECRET).verify(received.body, received.headers)
    assert received.headers["x-harbour-seal"] == sign_body(SECRET, received.body)
    assert (document["id"], document["topic"], document["sequence"]) == (event_id, "decision.activated", 1)
    assert document["body"] == received.document
    assert "type" not in received.document
