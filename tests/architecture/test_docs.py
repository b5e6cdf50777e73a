"""Documents that the code must agree with."""

import re
import subprocess
import sys

import pytest

from gateway.domain.error_catalogue import ERRORS
from gateway.settings import Settings
from schema import errors
from schema.types.enums import UserErrorCode
from tests.support.checkout import ROOT


def test_reference_is_fresh() -> None:
    command = [sys.executable, str(ROOT / "tools" / "reference.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_error_code_is_documented() -> None:
    codes = {code.name for code in UserErrorCode} | {
        value for name, value in vars(errors).items() if name.isupper() and isinstance(value, str) and value.isupper()
    }
    assert codes - {str(code) for code in ERRORS} == set()


def test_every_setting_has_a_sentence() -> None:
    short = [name for name, field in Settings.model_fields.items() if not (field.description or "").endswith(".")]
    assert short == []


def test_every_adapter_has_a_page_and_is_linked() -> None:
    linked = set(
        re.findall(r"reference/adapters/(\w+)\.md", (ROOT / "merchants" / "README.md").read_text(encoding="utf-8"))
    )
    pages = {path.stem for path in (ROOT / "docs" / "reference" / "adapters").glob("*.md")}
    assert linked == pages == {path.parent.name for path in (ROOT / "merchants").glob("*/policy.toml")}


@pytest.mark.parametrize(
    "name",
    [
        *("README.md", "merchants/README.md", "tests/README.md"),
        *("docs/architecture.md", "docs/oauth.md", "docs/security.md", "docs/mutations.md", "docs/merchants.md"),
        *("docs/policies.md", "docs/decisions.md"),
    ],
)
def test_links_and_commands_exist(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    folder = (ROOT / name).parent
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert [link for link in links if not (folder / link).exists()] == []
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= targets
