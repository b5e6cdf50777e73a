"""A load that survives the end of a worker: each decision is requested, with the same idempotency key, until it is
confirmed."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from tests.support.merchant_client import REQUEST, MerchantClient, car, request_input
from tests.support.plain_http import plain_client
from tests.support.server import Sandbox

_OTHER_TIME = 0.05
"""Seconds until a request without a response is sent again."""


class SteadyLoad:
    """`confirmed` has the merchant reference of each confirmed decision, by decision id. `repeated` is the number of
    requests that got no response, and `errors` has the responses that are no decision."""

    def __init__(self, sandbox: Sandbox, threads: int) -> None:
        self.merchant = MerchantClient(sandbox)
        self._token = self.merchant.token()
        self.confirmed: dict[str, str] = {}
        self.repeated, self.errors = 0, list[Any]()
        self._over, self._lock = threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    @contextmanager
    def running(self) -> Iterator[None]:
        """Sends requests within the block. At its end each request has been confirmed."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in self._threads:
                thread.join(timeout=60)
                assert not thread.is_alive()

    def close(self) -> None:
        self.merchant.close()

    def _run(self) -> None:
        with plain_client(self.merchant.credentials["issuer"]) as http:
            while not self._over.is_set() and not self.errors:
                self._request(http, request_input(car("1.00")))

    def _request(self, http: httpx2.Client, command: dict[str, Any]) -> None:
        headers = {"Authorization": f"Bearer {self._token}"}
        while True:
            try:
                response = http.post(
                    "/graphql", json={"query": REQUEST, "variables": {"input": command}}, headers=headers
                )
            except httpx2.TransportError:
                with self._lock:
                    self.repeated += 1
                self._over.wait(_OTHER_TIME)
                continue
            payload = (response.json().get("data") or {}).get("decisionRequest")
            with self._lock:
                if payload is None or payload["userErrors"]:
                    self.errors.append(response.json())
                else:
                    decision = payload["decision"]
                    self.confirmed[decision["id"]] = decision["merchantReference"]
            return
