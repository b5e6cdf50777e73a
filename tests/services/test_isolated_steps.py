"""Steps of a background task of which one that fails does not stop the others."""

import pytest

from gateway.kit.outage import Outage
from gateway.services.isolated_steps import run_or_log


def test_result_of_a_step_is_returned_and_nothing_is_logged() -> None:
    errors = list[dict[str, str]]()
    assert run_or_log(lambda: 3, lambda **error: errors.append(error)) == 3
    assert errors == []


def test_error_of_a_step_is_logged_by_its_type() -> None:
    errors = list[dict[str, str]]()

    def fail() -> None:
        raise ValueError("personal data")

    assert run_or_log(fail, lambda **error: errors.append(error)) is None
    assert errors == [{"error": "ValueError"}]


@pytest.mark.parametrize("code", ["55P03", "SQLITE_BUSY"])
def test_lock_is_no_error_of_the_step(code: str) -> None:
    errors = list[dict[str, str]]()

    def wait() -> None:
        raise Outage("database", code, "locked")

    assert run_or_log(wait, lambda **error: errors.append(error)) is None
    assert errors == []


def test_outage_that_is_no_lock_is_raised() -> None:
    def lose_connection() -> None:
        raise Outage("database", "08006", "lost")

    with pytest.raises(Outage, match="lost"):
        run_or_log(lose_connection, lambda **_: None)
