"""The base of every demo: steps whose answers are checked; it ends at the first wrong answer."""

from abc import ABC, abstractmethod
from typing import Any

import httpx2

from gateway.demo.narrator import Narrator


class DemoFailed(Exception):
    """A step got another answer than it should."""


class Demo(ABC):
    """A partner's calls in order: `_run_steps` makes them."""

    def __init__(self, narrator: Narrator) -> None:
        self._say = narrator

    def run(self) -> None:
        """Makes all calls. Raises DemoFailed at the first wrong answer."""
        try:
            self._run_steps()
        except (httpx2.HTTPError, LookupError, TypeError, ValueError) as error:
            # An answer of another form than the step reads is a wrong answer too.
            wrong = f"Step {self._say.steps} was answered wrongly: {type(error).__name__}: {error}"
            raise DemoFailed(wrong) from error

    @abstractmethod
    def _run_steps(self) -> None:
        """Makes the calls, one step after the other."""

    def _data(self, answer: httpx2.Response) -> dict[str, Any]:
        """The data of a GraphQL answer without errors. Raises DemoFailed for any other answer."""
        body = answer.json()
        if answer.status_code != 200 or "errors" in body:
            raise DemoFailed(f"Step {self._say.steps} should have answered data without errors.")
        data: dict[str, Any] = body["data"]
        return data

    def _expect(self, condition: bool, what: str, answer: httpx2.Response | None) -> None:
        """Raises DemoFailed unless the condition holds."""
        if not condition:
            seen = f" The answer was HTTP {answer.status_code}." if answer is not None else ""
            raise DemoFailed(f"Step {self._say.steps} should have answered {what}.{seen}")
        self._say.right(what)


def find_by(values: list[dict[str, Any]], name: str, wanted: str) -> dict[str, Any]:
    """The value whose `name` is `wanted`. Raises DemoFailed."""
    for value in values:
        if value[name] == wanted:
            return value
    raise DemoFailed(f"The sandbox has nothing whose {name} is {wanted}; the journey needs it.")
