"""A document whose commands are executed: a shell runs each of them, and each stated output is compared."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

BLOCK = re.compile(r"^```(sh|graphql|json|http|text|sql)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PLACEHOLDER = re.compile(r"^export (\w+)=(\S*)\.\.\.$", re.MULTILINE)
QUERY = re.compile(r'"query": ("(?:[^"\\]|\\.)*")')
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_MINUTE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\dZ")


MOST_REPETITIONS = 10


class ExecutedPage:
    """One document whose commands run in the order of the page, in the folder `folder`. `replaced` has what stands in
    the page for something of the test, such as its addresses. `values` are the variables that a reader copies from
    elsewhere, `environment` further variables of the commands. `watch` is called with each line that they print."""

    def __init__(
        self,
        path: Path,
        folder: Path,
        *,
        replaced: Mapping[str, str],
        values: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        watch: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._text = path.read_text(encoding="utf-8")
        self._folder, self._replaced, self._values, self._watch = folder, replaced, values or {}, watch
        self.environment = {"PATH": os.environ["PATH"], **(environment or {})}
        self._output = self._last = ""

    def blocks(self, *languages: str) -> Iterator[tuple[str, str]]:
        """The language and the text of each code block in these languages."""
        return (found for found in BLOCK.findall(self._text) if found[0] in languages)

    def run(self) -> None:
        """Runs all commands. Raises AssertionError for the first output that differs from the page."""
        for language, block in self.blocks("sh", "json", "http", "text", "sql"):
            text = block
            for stated, actual in self._replaced.items():
                text = text.replace(stated, actual)
            match language:
                case "sh":
                    self._last = text
                    self._output = self.run_commands(text) or self._output
                case "sql":
                    self.run_statements(text)
                case "json":
                    self._compare_or_repeat(json.loads(text))
                case "text":
                    assert re.fullmatch(_pattern_of_lines(text), _joined(self._output)), (text, self._output)
                case _:
                    for line in filter(None, text.splitlines()):
                        assert re.search(f"^{_pattern(line)}", self._output, re.MULTILINE), (line, self._output)

    def run_statements(self, block: str) -> None:
        """Runs a block of SQL. A test that needs it defines it."""
        raise NotImplementedError(block)

    def run_commands(self, block: str) -> str:
        """Runs a block in bash, with the variables of the blocks before it, and keeps its variables. Returns what it
        prints: with `text` in the page also what it prints on standard error."""
        for name, start in PLACEHOLDER.findall(block):
            self.environment[name] = self._values.get(name) or self._value_from_output(start)
        variables = self._folder / ".variables"
        script = f"set -eu -o pipefail\n{PLACEHOLDER.sub('', block)}\nenv -0 > {variables}\n"
        printed = list[str]()
        with subprocess.Popen(
            ["bash", "-c", script],
            cwd=self._folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                printed.append(line)
                self._watch(line)
        assert process.returncode == 0, (block, "".join(printed))
        self.environment = dict(line.split("=", 1) for line in variables.read_text().split("\0") if line)
        return "".join(printed)

    def _compare_or_repeat(self, stated: dict[str, Any]) -> None:
        """Compares the last output. Commands that begin with a pause wait for something that a busy machine does later,
        so they are repeated."""
        for _ in range(MOST_REPETITIONS if self._last.startswith("sleep ") else 0):
            try:
                return self._compare(stated)
            except AssertionError:
                self._output = self.run_commands(self._last)
        return self._compare(stated)

    def _compare(self, stated: dict[str, Any]) -> None:
        """Compares the last output. A page may leave `extensions` out, which have no data of the merchant."""
        response = json.loads(self._output)
        if "extensions" not in stated:
            response.pop("extensions", None)
        assert_fits(response, stated)

    def _value_from_output(self, start: str) -> str:
        """The value in the last response that begins as the page shows."""
        found = re.search(re.escape(start) + r"[\w-]+", self._output)
        assert start, "a value without a known start has to come from `values`"
        assert found, (start, self._output)
        return found[0]


def _pattern(stated: str) -> str:
    """A regular expression for the stated text, in which `...` stands for any characters, and a time with minutes for
    any such time."""
    pattern = ".*".join(re.escape(part) for part in stated.split("..."))
    return re.sub(r"\d{4}\\-\d\d\\-\d\d\\ \d\d:\d\dZ", lambda _: _MINUTE.pattern, pattern)


def _pattern_of_lines(stated: str) -> str:
    """A regular expression for all lines of an output. A line `...` stands for any number of lines."""
    return "".join(r"(?:.*\n)*" if line == "..." else rf"{_pattern(line)}\n" for line in _joined(stated).splitlines())


def _joined(text: str) -> str:
    """The text with two spaces between the cells of tables, whose widths depend on the ids."""
    return re.sub(r"(?<=\S) {2,}(?=\S)", "  ", text.strip()) + "\n"


def fits(stated: str, actual: str) -> bool:
    """Whether the stated text, in which `...` stands for any characters, occurs in the actual one."""
    return re.search(_pattern(stated), actual) is not None


def assert_fits(actual: Any, stated: Any) -> None:
    """Raises AssertionError unless the value has the same members and the same fixed parts as the stated one. Any
    timestamp fits a stated timestamp."""
    if isinstance(stated, dict):
        assert isinstance(actual, dict)
        assert actual.keys() == stated.keys()
        for name, value in stated.items():
            assert_fits(actual[name], value)
    elif isinstance(stated, list):
        assert isinstance(actual, list)
        assert len(actual) == len(stated), actual
        for one, other in zip(actual, stated, strict=True):
            assert_fits(one, other)
    elif isinstance(stated, str) and TIMESTAMP.fullmatch(stated):
        assert TIMESTAMP.fullmatch(actual), actual
    elif isinstance(stated, str):
        assert isinstance(actual, str)
        assert re.fullmatch(_pattern(stated), actual), (actual, stated)
    else:
        assert actual == stated


def assert_queries_are_shown(page: ExecutedPage) -> None:
    """Raises AssertionError unless each query that a command sends is one of the page's graphql blocks."""
    shown = {" ".join(block.split()) for _, block in page.blocks("graphql")}
    sent = {json.loads(query) for _, block in page.blocks("sh") for query in QUERY.findall(block)}
    assert sent == shown
