"""What every journey is made of: steps that say what was answered, and end at the first wrong answer."""

from typing import Any

import httpx2

from gateway.cli.narrator import Narrator


class JourneyFailed(Exception):
    """A step was answered otherwise than it should be."""


class Steps:
    """A journey: `_walk` takes its steps."""

    def __init__(self, narrator: Narrator) -> None:
        self._say = narrator

    def walk(self) -> None:
        """Walks all steps. Raises JourneyFailed at the first wrong answer."""
        try:
            self._walk()
        except (httpx2.HTTPError, LookupError, TypeError, ValueError) as error:
            # An answer of another form than the step reads is a wrong answer too.
            wrong = f"Step {self._say.steps} was answered wrongly: {type(error).__name__}: {error}"
            raise JourneyFailed(wrong) from error

    def _walk(self) -> None:
        raise NotImplementedError

    def _data(self, answer: httpx2.Response) -> dict[str, Any]:
        body = answer.json()
        if answer.status_code != 200 or "errors" in body:
            raise JourneyFailed(f"Step {self._say.steps} should have answered data without errors.")
        data: dict[str, Any] = body["data"]
        return data

    def _expect(self, held: bool, what: str, answer: httpx2.Response | None) -> None:
        if not held:
            seen = f" The answer was HTTP {answer.status_code}." if answer is not None else ""
            raise JourneyFailed(f"Step {self._say.steps} should have answered {what}.{seen}")
        self._say.right(what)


def one(values: list[dict[str, Any]], name: str, wanted: str) -> dict[str, Any]:
    """The value whose `name` is `wanted`. Raises JourneyFailed."""
    for value in values:
        if value[name] == wanted:
            return value
    raise JourneyFailed(f"The sandbox has nothing whose {name} is {wanted}; the journey needs it.")
