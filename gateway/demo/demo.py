"""The base class of the demos. Each step checks its response; the first unexpected response ends the demo."""

from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Any

import httpx2

from gateway.demo.narrator import Narrator
from gateway.demo.partner_app import APPS, PartnerApp


class DemoFailed(Exception):
    """A step got an unexpected response."""


_UNEXPECTED = (httpx2.HTTPError, LookupError, TypeError, ValueError)
"""Exceptions raised for a response without the members that are read, or for none."""


class Demo(ABC):
    """A sequence of calls that a partner makes as the client of its merchant with this adapter and profile.
    `credentials` is the content of the file that `gateway sandbox up --credentials` writes. Subclasses implement
    `_run_steps`. Raises DemoFailed if the credentials lack merchant, client or persona."""

    def __init__(self, credentials: dict[str, Any], narrator: Narrator, adapter: str, profile: str) -> None:
        self._narrator = narrator
        self._graphql: str = credentials["graphql"]
        merchant = find_by(credentials["merchants"], "adapter", adapter)
        self._app: PartnerApp = APPS[profile](credentials["issuer"], find_by(merchant["clients"], "profile", profile))
        self._persona = find_by(credentials["personas"], "handle", "excellent")
        self._consent_id: str | None = None
        self._decision_id: str | None = None

    def run(self) -> None:
        """Makes all calls, then releases what they have reserved and granted, also after a failure. Raises DemoFailed
        at the first unexpected response."""
        try:
            try:
                self._run_steps()
            except BaseException:
                with suppress(*_UNEXPECTED):  # the reader needs the error of the step
                    self._clean_up()
                raise
            self._clean_up()
        except _UNEXPECTED as error:
            message = f"Step {self._narrator.steps} failed: {type(error).__name__}: {error}"
            raise DemoFailed(message) from error

    @abstractmethod
    def _run_steps(self) -> None:
        """Makes the calls in order."""

    def _clean_up(self) -> None:
        """Cancels the decision and ends the consent if the steps have not done so. Prints nothing."""
        if self._decision_id is not None:
            self._app.cancel(self._graphql, self._decision_id)
        if self._consent_id is not None:
            self._app.revoke(self._consent_id)

    def _data(self, response: httpx2.Response) -> dict[str, Any]:
        """Returns the data of a GraphQL response. Raises DemoFailed for a response with errors."""
        body = response.json()
        if response.status_code != 200 or "errors" in body:
            raise DemoFailed(f"Step {self._narrator.steps} failed: expected data without errors.")
        data: dict[str, Any] = body["data"]
        return data

    def _expect(self, condition: bool, expected: str, response: httpx2.Response | None) -> None:
        """Prints what was checked. Raises DemoFailed unless the condition is true."""
        if not condition:
            status = f" The response was HTTP {response.status_code}." if response is not None else ""
            raise DemoFailed(f"Step {self._narrator.steps} failed: expected {expected}.{status}")
        self._narrator.print_check(expected)


def find_by(values: list[dict[str, Any]], name: str, wanted: str) -> dict[str, Any]:
    """Returns the value whose `name` is `wanted`. Raises DemoFailed if there is none."""
    for value in values:
        if value[name] == wanted:
            return value
    raise DemoFailed(f"The demo needs an entry of the credentials whose {name} is {wanted}. There is none.")
