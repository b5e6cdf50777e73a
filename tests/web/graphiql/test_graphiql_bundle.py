"""The vendored GraphiQL: its files are those of the last build, and each bundled package has its licence there."""

import hashlib
import json
import re

import pytest

from gateway.web.routes import STATIC
from tests.support.checkout import ROOT

FOLDER = STATIC / "graphiql"
BUILD = ROOT / "tools" / "graphiql"
LARGEST = 6_000_000


def test_files_have_the_hashes_of_the_build() -> None:
    lines = (FOLDER / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    listed = {name: digest for digest, name in (line.split("  ") for line in lines)}
    hashes = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in FOLDER.iterdir()}
    del hashes["SHA256SUMS"]
    assert hashes == listed


def test_bundle_has_no_source_map_and_is_not_larger_than_needed() -> None:
    assert not list(FOLDER.glob("*.map"))
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < LARGEST


@pytest.mark.parametrize("package", json.loads((BUILD / "package.json").read_text(encoding="utf-8"))["dependencies"])
def test_bundle_has_the_locked_version_of_a_package_with_its_licence(package: str) -> None:
    lock = json.loads((BUILD / "package-lock.json").read_text(encoding="utf-8"))
    version = lock["packages"][f"node_modules/{package}"]["version"]
    licences = (FOLDER / "LICENSES.txt").read_text(encoding="utf-8")
    assert re.search(rf"^{re.escape(package)} {re.escape(version)}: \S+$", licences, re.MULTILINE)
