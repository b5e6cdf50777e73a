"""Notices as signed JSON to a hook of the operator."""

from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook
from structlog.testing import capture_logs

from gateway.domain.notices.notice import NoticeKind
from gateway.kit import json
from gateway.kit.circuit_breaker import CircuitBreaker
from gateway.kit.clock import rfc3339, wall_clock
from gateway.kit.http import HttpClient
from gateway.kit.outage import outage_log
from gateway.kit.webhook_signatures import new_secret
from gateway.services.notices.hook import HookOutward
from gateway.services.notices.sending import NoticeSender
from gateway.web.site.notices import make_letter_writer
from tests.services.decisions import request_decision
from tests.support.demo_world import DemoWorld
from tests.support.local_server import LocalServer, Responder, http_response
from tests.support.outgoing import LOOPBACK, respond_with
from tests.support.page_blocks import block, members
from tests.support.units import writing

WRITE = make_letter_writer("https://gateway.example")
SECRET = new_secret()
OK = respond_with(http_response(status=204))


def send(world: DemoWorld, respond: Responder) -> tuple[int, list[bytes]]:
    """Sends what is due. Returns how many were accepted, and the requests."""
    with LocalServer(respond) as server:
        outward = HookOutward(HttpClient(LOOPBACK), server.url("/notices"), SECRET, "SANDBOX", wall_clock)
        sender = NoticeSender(world.database, world.clock, outward, CircuitBreaker(1, 0))
        return sender.send_due(WRITE), server.requests


def parse(request: bytes) -> tuple[dict[str, str], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}, body


def add(world: DemoWorld) -> None:
    with writing(world.database) as unit:
        unit.notices.add(world.user("excellent"), NoticeKind.SIGN_IN)


def test_hook_gets_signed_json_about_the_person_and_the_event(world: DemoWorld) -> None:
    decision = request_decision(world)
    accepted, requests = send(world, OK)
    assert accepted == 3
    documents = [parse(request) for request in requests]
    ((headers, body),) = [each for each in documents if b'"notice.decision_made"' in each[1]]
    verified: Any = Webhook(SECRET).verify(body, headers)
    ((notice_id,),) = world.rows("SELECT id FROM notices WHERE kind = 'DECISION_MADE'")
    assert (headers["webhook-id"], headers["content-type"]) == (notice_id, "application/json")
    assert (
        json.decode(body)
        == verified
        == {
            "type": "notice.decision_made",
            "id": notice_id,
            "timestamp": rfc3339(world.clock()),
            "environment": "SANDBOX",
            "person": {"id": world.user("excellent"), "externalId": None, "email": None, "language": "en"},
            "merchant": {"id": world.merchant(), "name": "Demo Car Rental"},
            "subject": {"type": "decision", "id": decision.id},
            "product": "DEPOSIT_WAIVER",
            "title": "A decision about you",
            "text": "Demo Car Rental received a decision about you: no deposit or a smaller one.",
            "link": "https://gateway.example/account/inbox",
        }
    )
    assert members(json.decode(block("docs/operating.md", '{"type": "notice').encode())) == members(verified)
    others = [json.decode(body) for _, body in documents if b'"notice.consent_' in body]
    assert {each["type"] for each in others} == {"notice.consent_granted", "notice.consent_first_used"}
    assert [each["subject"] for each in others] == [{"type": "consent", "id": decision.consent_id}] * 2


def test_notice_about_no_merchant_names_none(world: DemoWorld) -> None:
    add(world)
    _, (request,) = send(world, OK)
    document = json.decode(parse(request)[1])
    assert (document["merchant"], document["subject"], document["product"]) == (None, None, None)


def test_unprocessable_notice_is_given_up(world: DemoWorld) -> None:
    add(world)
    assert send(world, respond_with(http_response(status=422)))[0] == 0
    assert world.rows("SELECT not_sent, attempt_at FROM notices") == [("REFUSED", None)]


@pytest.mark.parametrize("status", [301, 401, 404, 410, 429, 500, 503])
def test_any_other_status_is_tried_again_with_the_same_id(world: DemoWorld, status: int) -> None:
    outage_log.forget()
    add(world)
    with capture_logs() as logs:
        accepted, (first,) = send(world, respond_with(http_response(b"mei@example.com", status)))
    assert accepted == 0
    assert [(line["service"], line["cause"]) for line in logs] == [("notice hook", str(status))]
    assert send(world, OK) == (0, [])
    world.clock.advance(timedelta(minutes=2))
    accepted, (second,) = send(world, OK)
    assert accepted == 1
    assert parse(first)[0]["webhook-id"] == parse(second)[0]["webhook-id"]


def test_hook_that_is_not_allowed_is_not_called(world: DemoWorld) -> None:
    add(world)
    with LocalServer(OK) as server:
        outward = HookOutward(HttpClient(), server.url(), SECRET, "SANDBOX", wall_clock)
        assert NoticeSender(world.database, world.clock, outward).send_due(WRITE) == 0
        assert server.connections == 0
