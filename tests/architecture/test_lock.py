"""requirements.lock: no host, every package hashed, none that would overwrite ours, and all that pyproject wants."""

import re
import tomllib

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.checkout import ROOT

LOCK = (ROOT / "requirements.lock").read_text()
OURS = ("schema", "merchants", "migrations", "gateway")


def pins() -> list[tuple[Requirement, list[str]]]:
    """Each locked package with its hashes."""
    found = []
    for entry in re.sub(r"\\\n\s*", " ", LOCK).splitlines():
        if entry.strip() and not entry.startswith("#"):
            requirement, *hashes = re.split(r"\s+--hash=", entry.strip())
            found.append((Requirement(requirement.strip()), hashes))
    return found


def test_the_lock_names_no_host() -> None:
    assert "://" not in LOCK
    assert not re.search(r"^\s*(--|-i |-f )(?!hash)", LOCK, re.MULTILINE)


def test_every_package_is_pinned_and_hashed() -> None:
    assert len(pins()) > 50
    for requirement, hashes in pins():
        assert [specifier.operator for specifier in requirement.specifier] == ["=="], requirement
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in hashes), requirement


def test_no_package_would_overwrite_ours() -> None:
    assert not [requirement.name for requirement, _ in pins() if canonicalize_name(requirement.name) in OURS]


def test_the_lock_holds_what_the_project_asks_for() -> None:
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
