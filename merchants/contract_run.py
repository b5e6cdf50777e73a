"""Runs the contract suite over one adapter without a test runner: an operator's check of what was installed, and of
what a merchant would make of a policy."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.domain.errors import Misconfigured
from gateway.domain.policy import DecisionTable
from merchants.contract import MerchantAdapter
from merchants.testing import AdapterContract


@dataclass(frozen=True, slots=True)
class Finding:
    """One promise of the suite in plain words, and what broke it; None where it was kept."""

    promise: str
    fault: str | None


def run_contract(adapter: type[MerchantAdapter[Any]]) -> Iterator[Finding]:
    """Tries each promise of AdapterContract in its order. Raises Misconfigured where assertions are switched off
    (`python -O`), as then nothing could fail."""
    _require_assertions()
    suite = AdapterContract()
    suite.adapter = adapter  # type: ignore[misc]  # one instance, one adapter
    for name, test in inspect.getmembers(AdapterContract, inspect.isfunction):
        if name.startswith("test_"):
            yield Finding(_promise(name), _fault(suite, test))


OF_NUMBERS = (
    AdapterContract.test_better_tier_never_gets_worse_answer,
    AdapterContract.test_larger_ask_never_gets_larger_share,
    AdapterContract.test_money_is_conserved,
    AdapterContract.test_less_than_asked_names_its_reasons,
    AdapterContract.test_every_approval_ends,
    AdapterContract.test_overdue_is_never_approved,
)
"""The promises that other numbers in a policy can break."""


class _Under(AdapterContract):
    """The suite over one table in place of the installed versions."""

    def __init__(self, under: MerchantAdapter[Any]) -> None:
        self._under = under

    def _versions(self) -> Iterator[MerchantAdapter[Any]]:
        yield self._under


def run_under(adapter: MerchantAdapter[Any], table: DecisionTable) -> Iterator[Finding]:
    """Tries the promises that numbers can break on the adapter deciding by that table. Raises Misconfigured as
    `run_contract` does."""
    _require_assertions()
    suite = _Under(adapter.under(table))
    for test in OF_NUMBERS:
        yield Finding(_promise(test.__name__), _fault(suite, test))


def _require_assertions() -> None:
    if not __debug__:
        raise Misconfigured("The contract suite needs assertions: run it without -O and PYTHONOPTIMIZE.")


def _promise(name: str) -> str:
    return name.removeprefix("test_").replace("_", " ")


def _fault(suite: AdapterContract, test: Any) -> str | None:
    try:
        test(suite)
    except AssertionError as error:
        return str(error) or f"assertion in line {_last_line(error)} of merchants/testing.py"
    except Exception as error:  # noqa: BLE001  # foreign code may fail in any way: that breaks the promise as well
        return f"{type(error).__name__}: {error}"
    return None


def _last_line(error: BaseException) -> int:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return 0 if trace is None else trace.tb_lineno
