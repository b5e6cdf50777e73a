"""Names: our packages are imported from the checkout, and no module has a meaningless name such as utils."""

import importlib
from pathlib import Path

import pytest

from tests.support.checkout import ROOT, files, named

MEANINGLESS_NAMES = {"utils", "util", "helpers", "helper", "common", "core", "misc", "shared", "base_utils"}
FOLDERS = ("gateway", "schema", "merchants", "migrations", "tests", "tools")


@pytest.mark.parametrize("name", ["gateway", "schema", "merchants", "migrations"])
def test_imported_package_is_in_the_checkout(name: str) -> None:
    """`schema` is also the name of an unrelated package on PyPI, which would be imported instead of an editable
    install."""
    module = importlib.import_module(name)
    assert module.__file__ is not None
    assert Path(module.__file__).resolve() == ROOT / name / "__init__.py"


def test_no_module_has_a_meaningless_name() -> None:
    modules = {
        named(file): part
        for file in files()
        if file.suffix == ".py" and file.relative_to(ROOT).parts[0] in FOLDERS
        for part in file.relative_to(ROOT).with_suffix("").parts
        if part in MEANINGLESS_NAMES
    }
    assert modules == {}
