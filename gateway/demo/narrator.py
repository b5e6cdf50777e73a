"""Prints a demo on the terminal: each step with its request and response, at most 80 columns wide where it can be.

Secrets are shortened.
"""

import html
import json
import re
import textwrap
from collections.abc import Mapping
from io import StringIO
from typing import Any

import httpx2
import segno
from rich.console import Console

_SECRETS = frozenset(
    (
        "access_token",
        "refresh_token",
        "code",
        "code_verifier",
        "code_challenge",
        "state",
        "request_uri",
        "device_code",
    )
)
_PRINTED_CHARACTERS = 16
_WIDTH = 80
_LINE_ENDS = re.compile(r"</(?:p|li|h\d|dt|dd|button|option|summary)>|<select[^>]*>")


class Narrator:
    """Prints the steps of a demo. `steps` is the number of steps so far. Without a console it only counts."""

    def __init__(self, console: Console | None) -> None:
        self._console = console
        self._last_operation: tuple[str, str] | None = None
        self.steps = 0

    def begin_step(self, sentence: str) -> None:
        """Counts a step and prints what it does."""
        self.steps += 1
        first, *rest = textwrap.wrap(sentence, _WIDTH - 4)
        self._print(f"\n[bold]{self.steps:>2}. {_escaped(first)}[/]")
        for line in rest:
            self._print(f"    [bold]{_escaped(line)}[/]")

    def print_exchange(
        self,
        method: str,
        url: str,
        form: Mapping[str, Any] | None,
        response: httpx2.Response,
        *,
        only: tuple[str, ...] = (),
        authentication: str | None = None,
    ) -> None:
        """Prints a request and its JSON response, or `only` these members of it. `authentication` describes how the
        client authenticated."""
        body = response.json()
        self._print_request(method, url, form or {})
        if authentication is not None:
            self._print(f"      [dim]with {_escaped(authentication)}[/]")
        self._print_response(response.status_code, {name: body[name] for name in only} if only else body)

    def print_graphql(self, url: str, document: str, variables: Mapping[str, Any], response: httpx2.Response) -> None:
        """Prints a GraphQL request and its response, without the extensions."""
        self._print(f"    [cyan]POST[/] {_escaped(url)}")
        operation = (document, json.dumps(variables))
        if operation == self._last_operation:
            self._print("      [dim](the same document with the same variables)[/]")
        else:
            for line in document.splitlines():
                self._print(f"      [dim]{_escaped(line)}[/]")
            for line in _json_lines({"variables": variables}, _WIDTH - 6) if variables else ():
                self._print(f"      [dim]{_escaped(line)}[/]")
        self._last_operation = operation
        self._print_response(
            response.status_code, {name: value for name, value in response.json().items() if name != "extensions"}
        )

    def print_page(self, page: httpx2.Response) -> None:
        """Prints the text of an HTML page's main part. Buttons and fields are in brackets."""
        main = re.search(r"<main.*?</main>", page.text, re.DOTALL)
        text = re.sub(r"<(script|style).*?</\1>", "", main[0] if main else "", flags=re.DOTALL)
        text = re.sub(r'<input type="number"[^>]* value="([^"]*)"[^>]*>', r" [\1] ", text)
        text = re.sub(r"<button[^>]*>\s*([^<]+?)\s*</button>", r" [\1]</button>", text)
        text = re.sub(r"<option[^>]*>", "- ", text)
        for part in _LINE_ENDS.split(text):
            words = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", part)).split())
            for line in textwrap.wrap(words, _WIDTH - 6):
                self._print(f"    [magenta]│[/] {_escaped(line)}")

    def print_redirect(self, response: httpx2.Response) -> None:
        """Prints the address of a redirect, each parameter on its own line."""
        location = re.sub(r"((?:code|state)=[^&]{4})[^&]*", r"\1...", response.headers.get("location", ""))
        first, *rest = re.split(r"(?=[?&])", location)
        self._print(f"    [green]{response.status_code}[/] {_escaped(first)}")
        for parameter in rest:
            self._print(f"          {_escaped(parameter)}")

    def print_qr_code(self, code: segno.QRCode) -> None:
        """Prints a QR code, if the output is a terminal."""
        if self._console is not None and self._console.is_terminal:
            text = StringIO()
            code.terminal(text, border=1, compact=True)
            self._console.file.write(f"\n{text.getvalue()}\n")

    def print_check(self, expected: str) -> None:
        """Prints that a check of the response passed."""
        self._print(f"    [green]✓[/] {_escaped(expected)}")

    def _print_request(self, method: str, url: str, form: Mapping[str, Any]) -> None:
        self._print(f"    [cyan]{method}[/] {_escaped(url)}")
        for name, value in form.items():
            first, *rest = _field_lines(name, _shortened(name, value), _WIDTH - 6)
            self._print(f"      [dim]{_escaped(name)}=[/]{_escaped(first)}")
            for line in rest:
                self._print(f"      {_escaped(line)}")

    def _print_response(self, status: int, body: Mapping[str, Any]) -> None:
        colour = "green" if status < 300 else "yellow"
        first, *rest = _json_lines({name: _shortened(name, value) for name, value in body.items()}, _WIDTH - 8)
        self._print(f"    [{colour}]{status}[/] {_escaped(first)}")
        for line in rest:
            self._print(f"        {_escaped(line)}")

    def _print(self, text: str) -> None:
        if self._console is not None:
            self._console.print(text, markup=True)


def _json_lines(value: Any, width: int, prefix: str = "") -> list[str]:
    """Returns the value as JSON text that begins with `prefix`. A value that is longer than `width` is broken into one
    line per member, and a scalar gets a line of its own."""
    short = json.dumps(value, ensure_ascii=False)
    if len(prefix + short) < width:
        return [prefix + short]
    if not isinstance(value, dict | list) or not value:
        return [prefix.rstrip(), f"  {short}"] if prefix else [short]
    if isinstance(value, dict):
        opening, closing = "{", "}"
        members = [_json_lines(member, width - 2, f"{json.dumps(name)}: ") for name, member in value.items()]
    else:
        opening, closing = "[", "]"
        members = [_json_lines(member, width - 2) for member in value]
    for lines in members[:-1]:
        lines[-1] += ","
    return [prefix + opening, *(f"  {line}" for lines in members for line in lines), closing]


def _field_lines(name: str, value: Any, width: int) -> list[str]:
    """Returns the value of a form field. JSON text that does not fit beside the name is broken into several lines."""
    if isinstance(value, str) and value.startswith("["):
        first, *rest = _json_lines(json.loads(value), width, f"{name}=")
        return [first.removeprefix(f"{name}="), *rest]
    return [str(value)]


def _shortened(name: str, value: Any) -> Any:
    if name in _SECRETS and isinstance(value, str) and len(value) > _PRINTED_CHARACTERS:
        return f"{value[:_PRINTED_CHARACTERS]}..."
    return value


def _escaped(text: Any) -> str:
    """Returns text in which nothing is markup of the console."""
    return str(text).replace("[", "\\[")
