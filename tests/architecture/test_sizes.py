"""Source files have at most 300 lines, and each module has a docstring."""

from pathlib import Path

import pytest

from tests.support.checkout import ROOT, python_files

FOLDERS = ("gateway", "schema", "merchants", "migrations", "tests", "tools")
LONGEST = 300


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_file_is_too_long(folder: str) -> None:
    lengths = {file: len(file.read_text().splitlines()) for file in python_files(folder)}
    assert lengths
    assert {str(file.relative_to(ROOT)): length for file, length in lengths.items() if length > LONGEST} == {}


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_module_has_a_docstring(folder: str) -> None:
    def has_docstring(file: Path) -> bool:
        return file.read_text().startswith('"""')

    assert [str(file.relative_to(ROOT)) for file in python_files(folder) if not has_docstring(file)] == []
