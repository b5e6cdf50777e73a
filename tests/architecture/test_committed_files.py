"""Committed files contain no registry host, no path of a developer's machine and no private key."""

import re
import subprocess

import pytest

from tests.support.checkout import ROOT, files, named

WORDS = {
    "a registry's host": r"https?://[^\s\"'<>]*(?:pypi|pythonhosted|npmjs|registry|mirror|artifactory|nexus)[^\s\"'<>]*",
    "an index option": r"--(?:extra-)?index-url|--trusted-host|--find-links",
    "a path of a developer's machine": r"(?<![\w.-])/(?:work|root|home/\w+|Users/\w+)/",
    "a private key": r"-----BEGIN (?:RSA |EC )?PRIVATE KEY-----",
}
ALLOWED = {
    "tests/architecture/test_committed_files.py",  # it has the patterns
}


@pytest.mark.parametrize("what", list(WORDS))
def test_no_committed_file_contains(what: str) -> None:
    pattern = re.compile(WORDS[what])
    matches = {}
    for file in files():
        if named(file) in ALLOWED:
            continue
        try:
            text = file.read_text()
        except UnicodeDecodeError:
            continue  # a binary file
        lines = [number for number, line in enumerate(text.splitlines(), 1) if pattern.search(line)]
        if lines:
            matches[named(file)] = lines
    assert matches == {}


def test_no_large_or_generated_file_is_committed() -> None:
    big = {named(file): file.stat().st_size for file in files() if file.stat().st_size > 2_000_000}
    assert big == {}
    generated = [
        named(file) for file in files() if "__pycache__" in file.parts or file.suffix in {".pyc", ".db", ".pem"}
    ]
    assert generated == []


def test_no_ignored_file_is_committed() -> None:
    command = ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"]
    ignored = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert ignored == []
