"""tests/README.md lists each numbered case with the files of its tests, and each has at least one test.

A test belongs to the case whose letter and number its id contains: `test_d7_...`, or a parameter with an id such as
`D7-no-value`."""

import ast
import re
from collections import defaultdict

from tests.support.checkout import ROOT, named, nodes, python_files

PAGE = ROOT / "tests" / "README.md"
ROW = re.compile(r"^\| ([A-H]\d+) \| (.+) \| (.+) \|$", re.MULTILINE)
CASES = {"A": 7, "B": 2, "C": 4, "D": 14, "E": 14, "F": 10, "G": 5, "H": 10}
"""The number of cases per letter."""


def cases_of(node: ast.AST) -> set[str]:
    """The cases that the name of a test or the ids of its parameters contain."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return {case.upper() for case in re.findall(r"(?<=_)[a-h]\d+(?=_)", node.name)}
    if isinstance(node, ast.keyword) and node.arg in {"id", "ids"}:
        texts = [part.value for part in ast.walk(node.value) if isinstance(part, ast.Constant)]
        return {case for text in texts for case in re.findall(r"\b([A-H]\d+)\b", str(text))}
    return set()


def files_of_cases() -> dict[str, set[str]]:
    """The files with tests of each case."""
    found = defaultdict(set)
    for file in python_files("tests"):
        if file.name.startswith("test_") and file.name != "test_abuse_cases.py":
            for node in nodes(file):
                for case in cases_of(node):
                    found[case].add(named(file).removeprefix("tests/"))
    return found


def test_each_case_is_listed_once_with_the_files_of_its_tests() -> None:
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    assert [case for case, _, _ in rows] == [f"{letter}{i}" for letter, n in CASES.items() for i in range(1, n + 1)]
    listed, found = {case: set(re.findall(r"`([^`]+)`", files)) for case, _, files in rows}, files_of_cases()
    assert listed == {case: found.get(case, set()) for case in listed}
    assert [case for case, files in listed.items() if not files] == []
