"""The code blocks of the documentation, for the tests that execute them."""

import json
import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.checkout import ROOT
from tests.support.operators import Gateway

_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_PLACEHOLDER = re.compile(r"\b([a-z]{3}_)\.\.\.")
_COMMENT = re.compile(r" {2,}#.*| # .*")
_MASKS = {
    r"\b([a-z]{3}_)(test_)?([0-9a-z]{26}\b|\.\.\.)": r"\1...",
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?": "(time)",
    r" {2,}": "  ",
}


class Block(NamedTuple):
    """A code block: its language, empty if it has none, and its text without the indentation of the block."""

    language: str
    text: str


@cache
def blocks_of(page: str) -> tuple[Block, ...]:
    """Returns all code blocks of a page. The page is named from the root of the checkout."""
    found = _BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
    return tuple(
        Block(language, "".join(line.removeprefix(indent) for line in text.splitlines(keepends=True)))
        for indent, language, text in found
    )


def block(page: str, start: str) -> str:
    """Returns the one code block of the page that begins so. `tests/architecture/test_examples.py` finds the calls of
    this function with literal arguments: each names a block that the test executes."""
    (found,) = {each.text for each in blocks_of(page) if each.text.startswith(start)}
    return found


def masked(text: str) -> str:
    """Returns the text with equal words for all ids and times, and with two spaces between columns."""
    for pattern, word in _MASKS.items():
        text = re.sub(pattern, word, text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def members(value: Any) -> Any:
    """Returns the names of all members of a JSON value, nested as in the value."""
    if isinstance(value, dict):
        return {name: members(each) for name, each in value.items()}
    return [members(each) for each in value] if isinstance(value, list) else None


def write_json(file: Path, value: object) -> None:
    """Writes a value as a JSON file."""
    file.write_text(json.dumps(value), encoding="utf-8")


class PageCommands:
    """Runs `gateway` commands of a page in `folder`. `ids` maps the start of an id, such as `mer_`, to the id that
    stands for `mer_...` in the page. An id that a command prints is added, unless there is one with this start.
    `replaced` has other texts of the page and what stands for them."""

    def __init__(
        self, gateway: Gateway, folder: Path, ids: dict[str, str] | None = None, replaced: dict[str, str] | None = None
    ) -> None:
        self._gateway, self._folder = gateway, folder
        self.ids, self._replaced = dict(ids or {}), replaced or {}

    def run(self, text: str) -> list[str]:
        """Runs each command of a block. Returns what each prints. Raises AssertionError for one that fails."""
        return [self.run_line(line) for line in text.replace("\\\n", " ").splitlines() if line]

    def run_line(self, line: str, exit_code: int = 0) -> str:
        """Runs one command, and confirms what it asks. Returns its standard output, followed by its standard error if
        another exit code than 0 is expected. `> FILE` at the end writes the output to a file."""
        program, *arguments = self.arguments_of(line)
        assert program == "gateway", line
        file = None
        if ">" in arguments:
            *arguments, _, file = arguments
        done = self._gateway.run_in(self._folder, *arguments, stdin="y\n")
        assert done.returncode == exit_code, (line, done.stdout, done.stderr)
        if file is not None:
            (self._folder / file).write_text(done.stdout, encoding="utf-8")
        for start, rest in re.findall(r"\b([a-z]{3}_)((?:test_)?[0-9a-z]{26})\b", done.stdout):
            self.ids.setdefault(start, start + rest)
        return done.stdout + (done.stderr if exit_code else "")

    def arguments_of(self, line: str) -> list[str]:
        """Returns the words of a command, without its comment, and with ids for the placeholders."""
        line = self._replace(_COMMENT.sub("", line))
        return shlex.split(_PLACEHOLDER.sub(lambda found: self.ids[found[1]], line))

    def run_transcript(self, text: str) -> None:
        """Runs each line that begins with `$`, and compares what it prints with the lines that follow. Ids and times
        may differ. An output that begins with `error:` is that of a command that fails with exit code 1."""
        text = self._replace(text)
        for command, _, stated in (each.partition("\n") for each in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]):
            printed = self.run_line(command, exit_code=1 if stated.startswith("error: ") else 0)
            assert masked(printed) == masked(stated), f"{command}\n{printed}"

    def _replace(self, text: str) -> str:
        for stated, actual in self._replaced.items():
            text = text.replace(stated, actual)
        return text
