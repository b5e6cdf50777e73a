"""Names: the packages that are imported are ours, and no room is a place for whatever fits nowhere else."""

import importlib
from pathlib import Path

import pytest

from tests.support.checkout import ROOT, files, named

ROOMS_OF_NO_NOUN = {"utils", "util", "helpers", "helper", "common", "core", "misc", "shared", "base_utils"}
OUR_FOLDERS = ("gateway", "schema", "merchants", "migrations", "tests", "tools")


@pytest.mark.parametrize("name", ["gateway", "schema", "merchants", "migrations"])
def test_the_package_that_is_imported_is_ours(name: str) -> None:
    """`schema` is also an unrelated package of the registry, and an editable install loses against that one."""
    module = importlib.import_module(name)
    assert module.__file__ is not None
    assert Path(module.__file__).resolve() == ROOT / name / "__init__.py"


def test_no_room_is_named_after_nothing() -> None:
    rooms = {
        named(file): part
        for file in files()
        if file.suffix == ".py" and file.relative_to(ROOT).parts[0] in OUR_FOLDERS
        for part in file.relative_to(ROOT).with_suffix("").parts
        if part in ROOMS_OF_NO_NOUN
    }
    assert rooms == {}
