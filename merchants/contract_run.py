"""Runs the contract suite over one adapter without a test runner: an operator's check of what was installed."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.domain.errors import Misconfigured
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
    if not __debug__:
        raise Misconfigured("The contract suite needs assertions: run it without -O and PYTHONOPTIMIZE.")
    suite = AdapterContract()
    suite.adapter = adapter  # type: ignore[misc]  # one instance, one adapter
    for name, test in inspect.getmembers(AdapterContract, inspect.isfunction):
        if name.startswith("test_"):
            yield Finding(name.removeprefix("test_").replace("_", " "), _fault(suite, test))


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
