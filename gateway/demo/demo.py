"""The base class of the demos. Each step checks its response; the first unexpected response ends the demo."""

from abc import ABC, abstractmethod
from typing import Any

import httpx2

from gateway.demo.narrator import Narrator


class DemoFailed(Exception):
    """A step got an unexpected response."""


class Demo(ABC):
    """A sequence of calls that a partner makes. Subclasses implement `_run_steps`."""

    def __init__(self, narrator: Narrator) -> None:
        self._narrator = narrator

    def run(self) -> None:
        """Makes all calls, then releases what they have reserved and granted, also after a failure. Raises DemoFailed
        at the first unexpected response."""
        try:
            try:
                self._run_steps()
            finally:
                self._clean_up()
        except (httpx2.HTTPError, LookupError, TypeError, ValueError) as error:
            # A response without the members that the step reads is unexpected too.
            message = f"Step {self._narrator.steps} failed: {type(error).__name__}: {error}"
            raise DemoFailed(message) from error

    @abstractmethod
    def _run_steps(self) -> None:
        """Makes the calls in order."""

    @abstractmethod
    def _clean_up(self) -> None:
        """Cancels the decision and ends the consent if the steps have not done so. Prints nothing."""

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
