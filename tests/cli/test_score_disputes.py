"""`gateway scores disputes` and `gateway scores resolve`."""

import json
from typing import Any

import pytest

from tests.support.demo_world import DemoWorld
from tests.support.operators import Gateway
from tests.support.score_imports import import_records, make_people, records_of, row, user_id


@pytest.fixture
def dispute(world: DemoWorld) -> str:
    """The id of mei's open dispute about a broken rental."""
    make_people(world.container, "mei")
    import_records(world.container, row(1, kind="BROKEN", at="2026-11-01"))
    mei = world.database.read(lambda unit: user_id(unit, "mei"))
    return world.container.record_disputes.open(mei, records_of(world.container)[0].id, "I paid.\nIn cash.").id


def listed(gateway: Gateway, *options: str) -> list[dict[str, Any]]:
    disputes: list[dict[str, Any]] = json.loads(gateway.output("scores", "disputes", "--json", *options))
    return disputes


def test_list_without_disputes_is_empty(world: DemoWorld, gateway: Gateway) -> None:
    done = gateway("scores", "disputes")
    assert (done.stdout, done.stderr) == ("", "There is no dispute about an imported record.\n")
    assert listed(gateway) == []


def test_list_has_what_the_source_needs_but_no_statement(gateway: Gateway, dispute: str) -> None:
    (each,) = listed(gateway)
    assert (each["id"], each["source"], each["reference"], each["external_id"]) == (dispute, "harbour", "r1", "mei")
    assert each["status"] == "AWAITING_SOURCE"
    assert "statement" not in each
    assert "paid" not in gateway.output("scores", "disputes")


def test_statement_is_shown_on_demand(gateway: Gateway, dispute: str) -> None:
    assert listed(gateway, "--statement")[0]["statement"] == "I paid.\nIn cash."
    lines = gateway.output("scores", "disputes", "--statement").splitlines()
    assert "person           I paid." in lines
    assert "                 In cash." in lines


def test_upheld_dispute_removes_the_record(world: DemoWorld, gateway: Gateway, dispute: str) -> None:
    upheld = gateway.output("scores", "resolve", dispute, "--uphold", "--note", "The source agrees.")
    assert upheld == f"{dispute} is UPHELD."
    assert records_of(world.container) == []
    assert listed(gateway, "--open") == []
    assert listed(gateway, "--statement")[0]["resolution"] == "The source agrees."


def test_rejected_dispute_lets_the_record_count(world: DemoWorld, gateway: Gateway, dispute: str) -> None:
    gateway.output("scores", "resolve", dispute, "--reject", "--note", "The source has proof.")
    (record,) = records_of(world.container)
    assert record.contested_at is None
    assert listed(gateway)[0]["resolved_at"] is not None


def test_resolve_rejects_mistakes(gateway: Gateway, dispute: str) -> None:
    both = gateway.error_line("scores", "resolve", dispute, "--uphold", "--reject", "--note", "x")
    assert both == "error: Choose --uphold or --reject."
    unknown = gateway.error_line("scores", "resolve", "rdp_none", "--uphold", "--note", "x")
    assert unknown == "error: There is no dispute rdp_none."
    assert "--note" in gateway("scores", "resolve", dispute, "--uphold").stderr
    gateway.output("scores", "resolve", dispute, "--uphold", "--note", "x")
    again = gateway.error_line("scores", "resolve", dispute, "--uphold", "--note", "x")
    assert again == "error: The dispute is UPHELD, which does not allow this."
