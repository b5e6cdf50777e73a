"""Each `gateway` command and option, and each setting, in the text of the documentation exists."""

import re
from typing import Any

import pytest
import typer.main

from gateway import cli
from gateway.settings import Settings
from tests.support.checkout import ROOT, files, named

PAGES = [named(file) for file in files() if file.suffix == ".md" and not re.search("CHANGELOG|/adr/", named(file))]
"""All pages. Those of decisions and changes may name what existed then."""
SPAN = re.compile(r"`gateway ([^`]+)`")
SETTING = re.compile(r"\bGATEWAY_[A-Z_]*[A-Z]\b")
SETTINGS = {f"GATEWAY_{name.upper()}" for name in Settings.model_fields}
NO_SETTINGS = {
    "GATEWAY_MERCHANT_TOKEN": "A variable of `gateway sandbox listen`.",
    "GATEWAY_TEST_DATABASE_URL": "A variable of the tests.",
}


def unknown_words(command: Any, text: str) -> list[str]:
    """The names of commands and options in the text, which follows `gateway`, that do not exist."""
    words = text.split()
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    options = {name for each in command.params for name in (*each.opts, *each.secondary_opts)} | {"--help"}
    unknown = [word for word in words if word.startswith("--") and word.partition("=")[0] not in options]
    is_group = hasattr(command, "commands")
    return unknown + [word for word in words[:1] if is_group and word.islower() and not word.startswith("--")]


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_settings_in_the_text_exist(page: str) -> None:
    text, gateway = (ROOT / page).read_text(encoding="utf-8"), typer.main.get_command(cli.app)
    unknown = {found: words for found in SPAN.findall(text) if (words := unknown_words(gateway, found))}
    assert unknown == {}
    assert set(SETTING.findall(text)) - SETTINGS - NO_SETTINGS.keys() == set()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("users", []),
        ("users imports people.csv", ["imports"]),
        ("serve --worker 2", ["--worker"]),
        ("scores import FILE --dry", ["--dry"]),
    ],
)
def test_unknown_words_are_found(text: str, expected: list[str]) -> None:
    assert unknown_words(typer.main.get_command(cli.app), text) == expected
