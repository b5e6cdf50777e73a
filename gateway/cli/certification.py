"""`gateway sandbox verify`: check a merchant's webhook receiver with sample events."""

import textwrap
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from gateway.cli.console import console, fail
from gateway.cli.receivers import NO_ANSWER, receiver_client, require_address, require_secret
from gateway.kit.clock import wall_clock
from gateway.services.webhooks.certification.sheet import Result, Sheet, State

WIDTH = 80
_NAMES = 46
_STYLES = {State.PASSED: "green", State.FAILED: "bold red", State.WARNING: "bold yellow", State.SKIPPED: "dim"}
_MARGIN = " " * 9


def verify(
    url: Annotated[str, typer.Argument(help="The receiver's URL, to which events are posted.")],
    secret: Annotated[str, typer.Option(help="The receiver's secret, whsec_...; with - it is read from stdin.")],
    effects: Annotated[
        str | None,
        typer.Option(
            help='A URL of the receiver that returns {"effects": {event id: number of times that it was applied}}. '
            "Then repeated, older and refused events are checked by it too."
        ),
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="File for the results as JUnit XML.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="File for the results as Markdown.")] = None,
) -> None:
    """Check a merchant's webhook receiver with sample events, and print what it has to change.

    Sends events of every topic, repeated, older, changed and wrongly signed ones, and compares the answers with
    docs/webhooks.md. Needs no database and no server. Exit code 0 if every required check passes, otherwise 1."""
    from gateway.services.webhooks.certification.certification import NoAnswer, certify
    from gateway.services.webhooks.certification.reports import junit_report, markdown_report
    from gateway.services.webhooks.certification.session import Session

    secret = require_secret(secret)
    target = require_address(url, "The URL", secret)
    if effects is not None:
        require_address(effects, "--effects", secret)
    session = Session(receiver_client("Sample events are sent"), url, secret, wall_clock, effects_url=effects)
    results: list[Result] = []
    began = wall_clock()
    try:
        for result in certify(session):
            results.append(result)
            _print_result(result)
    except NoAnswer as error:
        fail(f"{target}: {NO_ANSWER[error.reason]}")
    sheet = Sheet(target, results)
    if junit is not None:
        junit.write_text(junit_report(sheet, began), encoding="utf-8")
    if markdown is not None:
        markdown.write_text(markdown_report(sheet, began), encoding="utf-8")
    if not sheet.is_passed:
        fail(sheet.summary)
    console.print(Text(sheet.summary, "bold green"))


def _print_result(result: Result) -> None:
    """Prints one line, and three more with indentation if there is something to do. No line is over 80 characters."""
    state = Text(f"{result.state:<9}", _STYLES[result.state])
    if not result.needs_action:
        console.print(Text.assemble(state, f"{result.name:<{_NAMES}}{result.came}"[: WIDTH - len(_MARGIN)]))
        return
    console.print(Text.assemble(state, result.name))
    for heading, text in (("expected", result.expected), ("came", result.came), ("to do", result.advice)):
        first, following = f"{_MARGIN}{heading:<10}", " " * (len(_MARGIN) + 10)
        console.print(textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=following))
