"""Junk in every argument of webhooks, lists and streams of events gets an error with a code, and changes nothing."""

import json
import random
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.graphql_webhooks import CREATE, DELETE, DELIVERIES, REPLAY, RESEND, ROTATE, UPDATE, URL
from tests.support.junk import BAD, RAW, REQUESTS, any_text, new_dice
from tests.support.merchant_client import MerchantClient, car
from tests.support.partner_time import until

TYPED = "BAD_USER_INPUT", "BAD_REQUEST"


def encoded(*values: object) -> tuple[bytes, ...]:
    return tuple(json.dumps(value).encode() for value in values)


IDS = (*BAD, *encoded("whe_test_01m8b2v0x8e00a7te8yqv4ae6f", "x" * 3000, "con_test_1", 1, True))
URLS = encoded(
    *("", "x", "ftp://shop.example", "http://10.0.0.1/", "https://", "https://[::1", "//a"),
    *("https://0.0.0.0/", "https://10.0.0.1/", "https://user:word@shop.example/", "https://shop.example/#a"),
    *("https://shop.example:99999/", "https://shop.example:-1/", "https://shop .example/", "https://é.example/"),
    *("https://shop.example/" + "a" * 3000, "https://shop.example/\0", "https://shop.example/\ud800", "https://%00/"),
)
TOPICS = (b'["DECISION_APPROVED", "NOTICE_SENT"]', b'["decision.approved"]', b'"*"', b'[["DECISION_APPROVED"]]')
MOMENTS = encoded(
    *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59.999999Z", "2026-02-30T00:00:00Z"),
    *("1970-01-01T00:00:00Z", "2026-11-30", "2026-11-30T00:00:00", "２０２６-11-30T00:00:00Z", "now"),
)
LENGTHS = encoded(
    "P7DT1S", "-P1D", "P999999999D", "P1M", "PT", "P1Y", "PT1E9S", "PT0.1S", "P１D", "PT" + "9" * 400 + "S"
)
CURSORS = encoded(*("", "x", "%", "é"), *(urlsafe_b64encode(each).decode() for each in (b"", b"\0", b"1", b'["x", 1]')))
SIZES = (b"0", b"-1", b"101", b"2147483648", b"1.0", b'"1"', b"true")
FILTERS = (
    *(b'{"statuses": []}', b'{"statuses": ["\\u0000"]}', b'{"surprise": 1}', b'{"statuses": "OPEN"}'),
    b'{"openedAfter": "0001-01-01T00:00:00Z", "openedBefore": "9999-12-31T23:59:59.999999Z"}',
    b'{"openedAfter": "9999-12-31T23:59:59-23:59"}',
)
PLACES = (
    *("0", "-1", "1" * 18, str(2**63 - 1), str(2**63), "9" * 400, "１２", "0x1", " 1"),
    *("2026-11-30T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-11-30", "PT1H"),
    *("decision.approved", "DECISION_APPROVED", "notice.sent", "*", ""),
)
LAST_IDS = (b"", b"1", b"-1", b"9" * 400, b"\xff", "１".encode(), b"1, 2", str(2**63).encode(), b"evt_1")


@pytest.fixture
def dice() -> random.Random:
    return new_dice()


@pytest.mark.slow
def test_mutations_with_junk(cars: MerchantClient, dice: random.Random) -> None:
    endpoint = create_endpoint(cars)
    decision = cars.request(cars.token(), car("1.00"))["decision"]
    until(lambda: list_deliveries(cars, endpoint), bool)
    before = list_all(cars, endpoint)
    for _ in range(REQUESTS):
        document, variables = draw_mutation(dice, endpoint)
        body = send(cars, document, variables)
        payload = next(iter((body.get("data") or {}).values()), None) or {}
        assert body.get("errors") or payload.get("userErrors"), variables
        assert payload.get("signingSecret") is None, variables
    assert list_all(cars, endpoint) == before
    cars.graphql(cars.merchant_token, DELETE, id=endpoint)
    cars.release(decision)


def draw_mutation(dice: random.Random, endpoint: str) -> tuple[str, dict[str, bytes]]:
    """A mutation with variables, one of which it does not accept."""
    (own,) = encoded(endpoint)
    members = {"url": encoded(URL)[0], "topics": b'["DECISION_APPROVED"]'}
    junk = {"url": (*URLS, *BAD), "topics": (*TOPICS, *BAD)}
    match dice.randrange(6):
        case 0:
            changed = {**members, **draw(dice, junk, 1)}
            return CREATE, {"input": dice.choice([as_object(changed), dice.choice(BAD)])}
        case 1:
            # Null leaves a field unchanged, so it is an error only where the other member is.
            junk = {name: tuple(each for each in values if each != b"null") for name, values in junk.items()}
            changed = {"enabled": b"true", **draw(dice, junk, 1)}
            return UPDATE, {"id": dice.choice([own, dice.choice(IDS)]), "input": as_object(changed)}
        case 2:
            return DELETE, {"id": dice.choice(IDS)}
        case 3:
            # Null is the default.
            lengths = (*LENGTHS, *(each for each in RAW if each != b"null"))
            return ROTATE, {"id": dice.choice([own, dice.choice(IDS)]), "overlap": dice.choice(lengths)}
        case 4:
            return RESEND, {"id": dice.choice((*IDS, own))}
        case _:
            return REPLAY, {"id": dice.choice([own, dice.choice(IDS)]), "since": dice.choice((*MOMENTS, *RAW))}


def test_lists_with_junk(cars: MerchantClient, dice: random.Random) -> None:
    endpoint = create_endpoint(cars)
    sizes, cursors = (*RAW, *SIZES, b"5"), (*RAW, *CURSORS)
    page: dict[str, Sequence[bytes]] = {"first": sizes, "last": sizes, "after": cursors, "before": cursors}
    lists: dict[str, Mapping[str, Sequence[bytes]]] = {
        DELIVERIES: {**page, "failed": RAW, "id": (*IDS, *encoded(endpoint) * len(IDS))},
        query("events", ", $topics: [WebhookTopic!]", ", topics: $topics"): {**page, "topics": (*RAW, *TOPICS)},
        query("disputes", ", $filter: DisputeFilter", ", filter: $filter"): {**page, "filter": (*RAW, *FILTERS)},
        query("webhookEndpoints"): page,
        query("consents"): page,
    }
    for _ in range(REQUESTS):
        document = dice.choice(list(lists))
        send(cars, document, draw(dice, lists[document], dice.randrange(1, 4)))
    cars.graphql(cars.merchant_token, DELETE, id=endpoint)


def query(name: str, variable: str = "", argument: str = "") -> str:
    """A query for one list of the merchant, with the variables of a page and another one."""
    return f"""query ($first: Int, $after: String, $last: Int, $before: String{variable}) {{ merchant {{
      {name}(first: $first, after: $after, last: $last, before: $before{argument}) {{
        nodes {{ id }} pageInfo {{ endCursor }} }} }} }}"""


def test_stream_with_junk(cars: MerchantClient, dice: random.Random) -> None:
    for _ in range(REQUESTS):
        names = dice.sample(["after", "since", "topic", "topic", "token", "Last-Event-ID"], dice.randrange(4))
        parameters = [(name, dice.choice(PLACES) if dice.random() < 0.7 else any_text(dice)) for name in names]
        headers = [(b"Authorization", f"Bearer {cars.merchant_token}".encode())]
        headers += [(b"Last-Event-ID", each) for each in dice.sample(LAST_IDS, dice.choice((0, 1, 1, 2)))]
        with cars.http.stream("GET", "/webhooks/stream", params=urlencode(parameters), headers=headers) as response:
            # 429: the server has not noticed yet that earlier streams are closed.
            assert response.status_code in {200, 400, 429}, (parameters, headers)
            if response.status_code == 400:
                assert json.loads(response.read())["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


def create_endpoint(cars: MerchantClient) -> str:
    created = cars.graphql(cars.merchant_token, CREATE, input={"url": URL, "topics": ["DECISION_APPROVED"]})
    return str(created.data["webhookEndpointCreate"]["webhookEndpoint"]["id"])


def list_deliveries(cars: MerchantClient, endpoint: str) -> list[str]:
    edges = cars.graphql(cars.merchant_token, DELIVERIES, id=endpoint).data["node"]["deliveries"]["edges"]
    return [edge["node"]["id"] for edge in edges]


def list_all(cars: MerchantClient, endpoint: str) -> object:
    """The endpoints and deliveries, without what sending changes."""
    document = "{ merchant { webhookEndpoints { nodes { id url topics enabled disabledAt } } } }"
    return cars.graphql(cars.merchant_token, document).data, list_deliveries(cars, endpoint)


def draw(dice: random.Random, values: Mapping[str, Sequence[bytes]], number: int) -> dict[str, bytes]:
    return {name: dice.choice(values[name]) for name in dice.sample(list(values), number)}


def as_object(members: Mapping[str, bytes]) -> bytes:
    return b"{%s}" % b", ".join(b'"%s": %s' % (name.encode(), value) for name, value in members.items())


def send(cars: MerchantClient, document: str, variables: Mapping[str, bytes]) -> dict[str, Any]:
    """Sends variables that are JSON texts, and returns the response. Each of its errors must have a code of an input
    error."""
    content = b'{"query": %s, "variables": %s}' % (*encoded(document), as_object(variables))
    headers = {"Authorization": f"Bearer {cars.merchant_token}", "Content-Type": "application/json"}
    response = cars.http.post("/graphql", content=content, headers=headers)
    assert response.status_code < 500, content
    body: dict[str, Any] = response.json()
    assert {error["extensions"]["code"] for error in body.get("errors", ())} <= set(TYPED), (content, body)
    return body
