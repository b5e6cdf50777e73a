"""`gateway sandbox verify`: check a merchant's webhook receiver with sample events."""

import sys
import textwrap
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from gateway.cli.console import console, fail, settings_for
from gateway.cli.sandbox import LOOPBACK
from gateway.kit.clock import wall_clock
from gateway.kit.http import HttpClient
from gateway.kit.http_address import Reason, Unreachable, read_address
from gateway.kit.webhook_signatures import PREFIX
from gateway.services.webhooks.certification.sheet import Result, Sheet, State

WIDTH = 80
KEY_BYTES = range(24, 65)
"""The lengths of a secret that Standard Webhooks allows."""

_NAMES = 46
_STYLES = {State.PASSED: "green", State.FAILED: "bold red", State.WARNING: "bold yellow", State.SKIPPED: "dim"}
_MARGIN = " " * 9
_NO_ANSWER: Mapping[Reason, str] = {
    "unresolved": "The host of the URL has no address.",
    "address_refused": "Connections to this address are not allowed. Plain http works at loopback addresses only. List "
    "other private networks in GATEWAY_OUTGOING_NETWORKS.",
    "connection": "The connection was refused or lost. Is the receiver running?",
    "tls": "The certificate is not valid for this host, or its authority is not trusted. Name a file with your "
    "authority in GATEWAY_OUTGOING_CA_FILE.",
    "timeout": "The receiver did not answer in time.",
    "protocol": "The receiver did not answer with HTTP.",
}


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

    secret = _require_secret(secret)
    target = _require_address(url, "The URL", secret)
    if effects is not None:
        _require_address(effects, "--effects", secret)
    session = Session(_client(), url, secret, wall_clock, effects_url=effects)
    results: list[Result] = []
    began = wall_clock()
    try:
        for result in certify(session):
            results.append(result)
            _print_result(result)
    except NoAnswer as error:
        fail(f"{target}: {_NO_ANSWER[error.reason]}")
    sheet = Sheet(target, results)
    if junit is not None:
        junit.write_text(junit_report(sheet, began), encoding="utf-8")
    if markdown is not None:
        markdown.write_text(markdown_report(sheet, began), encoding="utf-8")
    if not sheet.is_passed:
        fail(sheet.summary)
    console.print(Text(sheet.summary, "bold green"))


def _client() -> HttpClient:
    """The client of a sandbox, which may connect to loopback addresses unless the settings say otherwise."""
    settings = settings_for(None)
    if not settings.sandbox:
        fail("GATEWAY_ENVIRONMENT is live. Sample events are sent by a sandbox only.")
    networks = settings.outgoing_networks if "outgoing_networks" in settings.model_fields_set else LOOPBACK
    return HttpClient(networks, settings.outgoing_ca_file)


def _require_secret(entered: str) -> str:
    """Returns the secret, which is read from standard input if a dash was entered. Ends the program if it is none."""
    secret = sys.stdin.readline().strip() if entered == "-" else entered
    try:
        key = b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        key = b""
    if not secret.startswith(PREFIX) or len(key) not in KEY_BYTES:
        fail(f"--secret must be whsec_ and base64 of {KEY_BYTES.start} to {KEY_BYTES.stop - 1} bytes.")
    return secret


def _require_address(url: str, name: str, secret: str) -> str:
    """Returns the URL as it is shown: without the query and without the secret. Ends the program if it is no URL."""
    try:
        address = read_address(url)
    except Unreachable:
        fail(f"{name} must be an http or https URL without user name and fragment, such as https://shop.example/hooks.")
    shown = f"{address.scheme}://{address.authority}{address.path_and_query.partition('?')[0]}"
    return shown.replace(secret, "[secret]")


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
