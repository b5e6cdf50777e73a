"""The requests of each scenario, and what a correct response to each contains."""

import itertools
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

from tools.bench.client import Call
from tools.bench.dataset import Dataset
from tools.load import PAGE, REQUEST, TIER

COLD = "{ consentedUser { scoreTier { %s: tier rank } } }"
_MIX = "tttttttppd"
"""Of ten requests, 7 read a tier, 2 a page, and 1 requests a decision."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """`connections` is the number of connections, `samples` the kinds of requests whose responses are compared between
    the servers before the measurement."""

    name: str
    label: str
    connections: int
    samples: tuple[str, ...]


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("read", "Read a tier, and log the access", 32, ("tier",)),
        Scenario("page", "Read the newest 50 decisions of a merchant", 16, ("page",)),
        Scenario("decide", "Request a decision", 64, ("decision",)),
        Scenario("single", "Request one decision after the other", 1, ("decision",)),
        Scenario("mixed", "70 % tiers, 20 % pages, 10 % decisions", 32, ("tier", "page", "decision")),
        Scenario("cold", "Read a tier with a document that is new each time", 16, ("cold",)),
        Scenario("token", "Refresh an access token, with private_key_jwt and DPoP", 16, ()),
    )
}


class Requests:
    """The requests to one server. With `rest`, it has one path for each operation."""

    def __init__(self, data: Dataset, port: int, *, rest: bool = False) -> None:
        self._host, self._rest, self._input = f"127.0.0.1:{port}".encode(), rest, _decision_input()
        self._people, self._merchants = data.people(), data.merchant_tokens()
        self._seed = data.seed

    def calls(self, scenario: str) -> Iterator[Call]:
        """Returns calls of a scenario without end. Each belongs to another consent or merchant than the one before."""
        random.Random(self._seed).shuffle(self._people)
        if scenario == "mixed":
            return self._mixed()
        return self._of_kind({"read": "tier", "decide": "decision", "single": "decision"}.get(scenario, scenario))

    def sample(self, kind: str) -> Call:
        """Returns the call whose response is compared. It belongs to the same user or merchant for every server."""
        self._people.sort(key=lambda user: user.number)
        return next(self._of_kind(kind))

    def _mixed(self) -> Iterator[Call]:
        streams = {"t": self._tiers(), "p": self._pages(), "d": self._decisions()}
        order = list(_MIX)
        random.Random(self._seed).shuffle(order)
        return (next(streams[letter]) for letter in itertools.cycle(order))

    def _of_kind(self, kind: str) -> Iterator[Call]:
        makers: dict[str, Callable[[], Iterator[Call]]] = {
            "tier": self._tiers,
            "page": self._pages,
            "decision": self._decisions,
            "cold": self._cold,
        }
        return makers[kind]()

    def _tiers(self) -> Iterator[Call]:
        body = json.dumps({"query": TIER}).encode()
        each = [Call("tier", self._tier_request(u.token, body), f'"tier":"{u.tier}"'.encode()) for u in self._people]
        return itertools.cycle(each)

    def _tier_request(self, token: str, body: bytes) -> bytes:
        return self._get("/score-tier", token) if self._rest else self._post("/graphql", token, body)

    def _pages(self) -> Iterator[Call]:
        body = json.dumps({"query": PAGE}).encode()
        marker = b'"merchantReference"'
        requests = (
            self._get("/decisions?first=50", token) if self._rest else self._post("/graphql", token, body)
            for token in self._merchants
        )
        return itertools.cycle([Call("page", request, marker, 50) for request in requests])

    def _decisions(self) -> Iterator[Call]:
        """Yields requests that differ in key and reference only, so the bytes around them are made once."""
        body = json.dumps(self._input if self._rest else {"query": REQUEST, "variables": {"input": self._input}})
        excellent = [user for user in self._people if user.tier == "EXCELLENT"]  # granted in full by every server
        path = "/decisions" if self._rest else "/graphql"
        templates = [self._post(path, u.token, body.encode()).split(_PLACE) for u in excellent]
        numbers, mark = itertools.count(), token_hex(4)
        for template in itertools.cycle(templates):
            unique = f"{mark}{next(numbers):08}".encode()
            yield Call("decision", unique.join(template), b'"status":"APPROVED"')

    def _cold(self) -> Iterator[Call]:
        mark, numbers = token_hex(4), itertools.count()
        for user in itertools.cycle(self._people):
            body = json.dumps({"query": COLD % f"t{mark}{next(numbers):08}"}).encode()
            yield Call("tier", self._post("/graphql", user.token, body), f'"{user.tier}"'.encode())

    def _post(self, path: str, token: str, body: bytes) -> bytes:
        return (
            b"POST %b HTTP/1.1\r\nHost: %b\r\nContent-Type: application/json\r\nAccept: application/json\r\n"
            b"Authorization: Bearer %b\r\nContent-Length: %d\r\n\r\n%b"
            % (path.encode(), self._host, token.encode(), len(body), body)
        )

    def _get(self, path: str, token: str) -> bytes:
        return b"GET %b HTTP/1.1\r\nHost: %b\r\nAccept: application/json\r\nAuthorization: Bearer %b\r\n\r\n" % (
            path.encode(),
            self._host,
            token.encode(),
        )


_PLACE = b"0123456789abcdef"
"""Stands for the 16 characters that differ between requests for decisions."""


def _decision_input() -> dict[str, Any]:
    start = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
    ask = {
        "deposit": {"amount": "10.00", "currency": "CNY"},
        "vehicleValue": {"amount": "180000.00", "currency": "CNY"},
        "rental": {"start": start.isoformat(), "end": (start + timedelta(days=3)).isoformat()},
    }
    place = _PLACE.decode()
    return {"idempotencyKey": place, "merchantReference": f"order-{place}", "ask": {"carRental": ask}}
