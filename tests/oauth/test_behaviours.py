"""Each numbered behaviour of the authorization server has a test. `test_NN_...` is about behaviour NN.

The numbers: 1-3 metadata, 4-13 client authentication, 14-23 pushed requests, 24-35 the authorization endpoint and its
pages, 36-43 codes, 44-50 proofs of possession, 51-56 refreshing, 57-60 revocation, introspection and grants, 61-67 the
API, 68-70 the device grant, 71-73 client registration, 74-77 everywhere.
"""

import ast
import re
from collections import Counter
from functools import cache

from tests.support.checkout import nodes, python_files

NUMBERS = range(1, 78)
OUT_OF_REACH: dict[int, str] = {}
"""Behaviours that no test of this suite can check, and why."""

_NAMED = re.compile(r"test_((?:[0-9]{1,2}_)+)[a-z]")


def numbers_of(name: str) -> list[int]:
    """The behaviours in a test's name: `test_29_30_x` is about two."""
    found = _NAMED.match(name)
    return [int(number) for number in found.group(1).split("_") if number] if found else []


@cache
def count_tests() -> Counter[int]:
    names = [node.name for file in python_files("tests") for node in nodes(file) if isinstance(node, ast.FunctionDef)]
    return Counter(number for name in names for number in numbers_of(name))


def test_every_number_has_a_test() -> None:
    found = count_tests()
    assert [number for number in NUMBERS if not found[number] and number not in OUT_OF_REACH] == []
    assert [number for number in OUT_OF_REACH if found[number]] == [], "remove it from OUT_OF_REACH: it has a test"


def test_every_number_is_known() -> None:
    assert sorted(set(count_tests()) - set(NUMBERS)) == []


def test_numbers_are_read_from_names() -> None:
    assert numbers_of("test_29_30_the_answer") == [29, 30]
    assert numbers_of("test_7_a_clock") == [7]
    assert numbers_of("test_a_clock_of_7") == []
