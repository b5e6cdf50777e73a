"""Files stay small enough to be read at one sitting: near 100 lines, never over 300."""

from pathlib import Path

import pytest

from tests.support.checkout import ROOT, python_files

FOLDERS = ("gateway", "schema", "merchants", "migrations", "tests", "tools")
LONGEST = 300


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_file_is_long(folder: str) -> None:
    lengths = {file: len(file.read_text().splitlines()) for file in python_files(folder)}
    assert lengths
    assert {str(file.relative_to(ROOT)): length for file, length in lengths.items() if length > LONGEST} == {}


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_module_says_what_it_is(folder: str) -> None:
    def silent(file: Path) -> bool:
        return not file.read_text().startswith('"""')

    assert [str(file.relative_to(ROOT)) for file in python_files(folder) if silent(file)] == []
