"""Imports go down the layers only, and have no cycles."""

import subprocess
import sys
import tomllib
from collections.abc import Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter

import grimp
import pytest

from tests.support.checkout import ROOT

IMPORT_LINTER = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
LAYERS = next(contract for contract in IMPORT_LINTER["contracts"] if contract["id"] == "layers")["layers"]
PACKAGES = [package for layer in LAYERS for package in layer.split(" | ")]
"""The packages and modules of all layers."""


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*IMPORT_LINTER["root_packages"], cache_dir=None)


def find_cycle(imports: Mapping[str, set[str]]) -> list[str]:
    """Returns the names in one cycle of imports; empty if there is none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_every_import_contract_is_kept() -> None:
    command = [sys.executable, "-c", "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports("]
    command[-1] += "no_cache=True, no_logo=True))"
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_modules_import_each_other_without_cycles() -> None:
    imports = {module: graph().find_modules_directly_imported_by(module) for module in graph().modules}
    assert len(imports) > 300
    assert find_cycle(imports) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_feature_packages_import_each_other_without_cycles(package: str) -> None:
    features = [child for child in graph().find_children(package) if graph().find_children(child)]
    imports = {
        feature: {
            other
            for other in features
            if other != feature and graph().direct_import_exists(importer=feature, imported=other, as_packages=True)
        }
        for feature in features
    }
    assert find_cycle(imports) == []


def test_find_cycle_returns_a_cycle() -> None:
    assert set(find_cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})) == {"a", "b", "c"}


def test_the_server_does_not_import_alembic() -> None:
    """Importing Alembic takes 0.8 seconds at each start, and the server never migrates."""
    code = "import sys, gateway.app; print([name for name in sys.modules if name.split('.')[0] == 'alembic'])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
