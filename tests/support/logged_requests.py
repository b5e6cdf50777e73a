"""Entries of the request log of a sandbox."""

from typing import Any

from gateway.services.container import Container
from gateway.store.sandbox.request_log import RequestLogRow
from tests.support.clock import NOON
from tests.support.units import writing


def add_request(
    container: Container, partner_id: str, merchant_id: str, client_id: str, **columns: Any
) -> RequestLogRow:
    """Writes an entry, and returns it. `columns` replace those of an ordinary one."""
    values = {
        "received_at": NOON,
        "request_id": "req_test_1",
        "operation_name": "Who",
        "document": "query Who { viewer { appName } }",
        "variables": "{}",
        "scheme": "bearer",
        "http_status": 200,
        "error_codes": "",
        "cost": 1,
        "duration_ms": 7,
        "response": '{"data":{}}',
        "decision_ids": [],
        "references": [],
        "dropped_before": 0,
    }
    owner = {"partner_id": partner_id, "merchant_id": merchant_id, "client_id": client_id}
    row = RequestLogRow(**{"id": container.ids.new("log"), **owner, **values, **columns})
    with writing(container.database) as unit:
        unit.request_log.insert([row])
    return row
