"""Prints a demo on the terminal: each step, its request and its answer. Secrets are cut short."""

import html
import json
import re
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
_KEPT = 16
_WIDTH = 100


class Narrator:
    """`steps` counts the steps so far. Without a console it only counts."""

    def __init__(self, console: Console | None) -> None:
        self._console = console
        self._last_operation: tuple[str, str] | None = None
        self.steps = 0

    def step(self, sentence: str) -> None:
        self.steps += 1
        self._print(f"\n[bold]{self.steps:>2}. {_safe(sentence)}[/]")

    def exchange(
        self,
        method: str,
        url: str,
        sent: Mapping[str, Any] | None,
        answer: httpx2.Response,
        *,
        only: tuple[str, ...] = (),
        authentication: str | None = None,
    ) -> None:
        """A request and its JSON answer; with `only`, no more than these members of it. `authentication` says how
        the request was authenticated."""
        body = answer.json()
        self.sent(method, url, sent)
        if authentication is not None:
            self._print(f"      [dim]with {_safe(authentication)}[/]")
        self.answered(answer.status_code, {name: body[name] for name in only} if only else body)

    def sent(self, method: str, url: str, body: Mapping[str, Any] | None) -> None:
        self._print(f"    [cyan]{method}[/] {_safe(url)}")
        for name, value in (body or {}).items():
            self._print(f"      [dim]{_safe(name)}=[/]{_safe(_cut(name, value))}")

    def answered(self, status: int, body: Mapping[str, Any]) -> None:
        colour = "green" if status < 300 else "yellow"
        first, *rest = _lines({name: _cut(name, value) for name, value in body.items()})
        self._print(f"    [{colour}]{status}[/] {_safe(first)}")
        for line in rest:
            self._print(f"        {_safe(line)}")

    def graphql(self, url: str, document: str, variables: Mapping[str, Any], answer: httpx2.Response) -> None:
        self._print(f"    [cyan]POST[/] {_safe(url)}")
        operation = (document, json.dumps(variables))
        if operation == self._last_operation:
            self._print("      [dim](the same document with the same variables)[/]")
        else:
            for line in document.splitlines():
                self._print(f"      [dim]{_safe(line)}[/]")
            for line in _lines({"variables": variables}) if variables else ():
                self._print(f"      [dim]{_safe(line)}[/]")
        self._last_operation = operation
        self.answered(answer.status_code, {n: v for n, v in answer.json().items() if n != "extensions"})

    def page(self, page: httpx2.Response) -> None:
        """The sentences of an HTML page's main part."""
        main = re.search(r"<main.*?</main>", page.text, re.DOTALL)
        text = re.sub(r"<(script|style).*?</\1>", "", main[0] if main else "", flags=re.DOTALL)
        lines = (
            html.unescape(re.sub(r"<[^>]+>", " ", line)) for line in re.split(r"</(?:p|li|h\d|dt|dd|button)>", text)
        )
        for line in lines:
            said = " ".join(line.split())
            if said:
                self._print(f"    [magenta]│[/] {_safe(said)}")

    def redirect(self, answer: httpx2.Response) -> None:
        location = re.sub(r"((?:code|state)=[^&]{4})[^&]*", r"\1...", answer.headers.get("location", ""))
        self._print(f"    [green]{answer.status_code}[/] {_safe(location)}")

    def picture(self, code: segno.QRCode) -> None:
        """A QR code, as a point of sale would show it."""
        if self._console is not None and self._console.is_terminal:
            drawn = StringIO()
            code.terminal(drawn, border=1, compact=True)
            self._console.file.write(f"\n{drawn.getvalue()}\n")

    def right(self, what: str) -> None:
        self._print(f"    [green]✓[/] {_safe(what)}")

    def _print(self, text: str) -> None:
        if self._console is not None:
            self._console.print(text, markup=True)


def _lines(value: Any, indent: str = "") -> list[str]:
    """The value as JSON: what is short enough to read stays on one line, the rest is broken up."""
    short = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(short) <= _WIDTH or not isinstance(value, dict | list) or not value:
        return [short]
    pairs = value.items() if isinstance(value, dict) else ((None, item) for item in value)
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    lines = [opening]
    for name, item in pairs:
        first, *rest = _lines(item, f"{indent}  ")
        lines += [f"  {first}" if name is None else f'  "{name}": {first}', *(f"  {line}" for line in rest)]
        lines[-1] += ","
    lines[-1] = lines[-1].removesuffix(",")
    return [*lines, closing]


def _cut(name: str, value: Any) -> Any:
    if name in _SECRETS and isinstance(value, str) and len(value) > _KEPT:
        return f"{value[:_KEPT]}..."
    return value


def _safe(text: Any) -> str:
    return str(text).replace("[", "\\[")
