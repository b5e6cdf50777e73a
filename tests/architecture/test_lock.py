"""The lock files: no host in any. requirements.lock: a hash for every package, no package with a name of ours, and all
requirements of pyproject.toml."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.checkout import ROOT, files, named

LOCK = (ROOT / "requirements.lock").read_text()
OUR_PACKAGES = ("schema", "merchants", "migrations", "gateway")


def pins() -> list[tuple[Requirement, list[str]]]:
    """Returns each locked package with its hashes."""
    locked = []
    for entry in re.sub(r"\\\n\s*", " ", LOCK).splitlines():
        if entry.strip() and not entry.startswith("#"):
            requirement, *hashes = re.split(r"\s+--hash=", entry.strip())
            locked.append((Requirement(requirement.strip()), hashes))
    return locked


LOCKS = [file for file in files() if file.suffix == ".lock" or file.name == "package-lock.json"]


@pytest.mark.parametrize("file", LOCKS, ids=named)
def test_lock_file_has_no_host(file: Path) -> None:
    assert "://" not in file.read_text()


def test_all_lock_files_are_found() -> None:
    assert len(LOCKS) >= 6


def test_lock_has_no_option_of_an_index() -> None:
    assert not re.search(r"^\s*(--|-i |-f )(?!hash)", LOCK, re.MULTILINE)


def test_every_package_is_pinned_and_hashed() -> None:
    assert len(pins()) > 50
    for requirement, hashes in pins():
        assert [specifier.operator for specifier in requirement.specifier] == ["=="], requirement
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in hashes), requirement


def test_no_locked_package_has_a_name_of_ours() -> None:
    assert not [requirement.name for requirement, _ in pins() if canonicalize_name(requirement.name) in OUR_PACKAGES]


def test_lock_has_all_requirements_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [Requirement(text) for text in project["dependencies"] + project["optional-dependencies"]["dev"]]
    locked: dict[str, list[Requirement]] = {}
    for requirement, _ in pins():
        locked.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    environment = {name: str(value) for name, value in default_environment().items()}
    for requirement in wanted:
        if requirement.marker and not requirement.marker.evaluate(environment):
            continue
        versions = [
            specifier.version
            for pin in locked.get(canonicalize_name(requirement.name), ())
            for specifier in pin.specifier
        ]
        assert versions, f"{requirement} is not locked: run `make lock`"
        assert all(requirement.specifier.contains(version) for version in versions), (requirement, versions)
