"""The contract suite without a test runner: each promise is told, and whatever breaks one is told with it."""

import inspect
from dataclasses import replace
from datetime import datetime

from gateway.domain.money import Money
from merchants.bike_share import BikeRideAsk, BikeShare
from merchants.contract import MerchantAdapter
from merchants.contract_run import run_contract, run_under
from merchants.testing import AdapterContract
from tests.support.policy import with_rules


def faults(adapter: type[MerchantAdapter[BikeRideAsk]]) -> dict[str, str]:
    return {finding.promise: finding.fault for finding in run_contract(adapter) if finding.fault is not None}


def test_every_test_of_the_suite_is_a_promise() -> None:
    tests = [name for name, _ in inspect.getmembers(AdapterContract) if name.startswith("test_")]
    assert [finding.promise for finding in run_contract(BikeShare)] == [name[5:].replace("_", " ") for name in tests]
    assert faults(BikeShare) == {}


def test_a_broken_promise_says_what_broke_it() -> None:
    class Forgetful(BikeShare):
        golden = ()

    assert faults(Forgetful)["golden cases come out as written"] == "an adapter brings golden cases"


def test_numbers_far_beyond_the_sample_asks_are_tried_too() -> None:
    """No bike has such a deposit, but an override may name it: the higher tier would get less."""
    table = BikeShare.policy
    most = {"excellent": Money.parse("500000.00", "CNY"), "very-good": Money.parse("600000.00", "CNY")}
    rules = [replace(rule, maximum=most.get(rule.id, rule.maximum)) for rule in table.rules]
    unfair = with_rules(table, rules, "unfair")
    broken = [finding.promise for finding in run_under(BikeShare(), unfair) if finding.fault is not None]
    assert broken == ["better tier never gets worse answer"]
    assert [finding for finding in run_under(BikeShare(), table) if finding.fault is not None] == []


def test_a_bare_assertion_is_found_by_its_line() -> None:
    class Different(BikeShare):
        def ask_from_document(self, document: object) -> BikeRideAsk:  # type: ignore[misc]
            return BikeRideAsk(deposit=Money(1, "CNY"), bike_id="another")

    fault = faults(Different)["asks survive being written down"]
    line = int(fault.removeprefix("assertion in line ").removesuffix(" of merchants/testing.py"))
    source, first = inspect.getsourcelines(AdapterContract.test_asks_survive_being_written_down)
    assert source[line - first].strip().startswith("assert adapter.ask_from_document")


def test_code_that_fails_breaks_the_promise_and_does_not_end_the_run() -> None:
    class Broken(BikeShare):
        def check(self, ask: BikeRideAsk, now: datetime) -> None:
            raise ZeroDivisionError("no bikes")

    found = faults(Broken)
    assert found["every approval ends"] == "ZeroDivisionError: no bikes"
    assert len(found) > 5
