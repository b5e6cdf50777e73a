"""`gateway sandbox listen`: show a merchant's events in the terminal, and forward them to a local receiver."""

import json
import os
import re
import signal
import sys
import textwrap
from contextlib import closing
from ipaddress import ip_address
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import httpx2
import typer
from rich.text import Text

from gateway.cli.console import console, fail, note, print_warning, settings_for
from gateway.cli.credentials import demo_merchant
from gateway.cli.event_source import EventSource, StreamedEvent, StreamRefused
from gateway.cli.forwarding import Forwarder
from gateway.cli.output import print_json_line
from gateway.cli.receivers import receiver_client, require_address, require_secret
from gateway.domain.errors import InvalidInput
from gateway.domain.events import topic_named
from gateway.domain.period import format_moment, parse_moment
from gateway.kit.clock import wall_clock
from gateway.kit.http_address import Unreachable, read_address
from gateway.kit.webhook_signatures import new_secret
from gateway.services.purge import WEBHOOKS_KEPT_FOR
from gateway.services.webhooks.sending import Result

DEFAULT_URL = "http://127.0.0.1:8000"
VARIABLE = "GATEWAY_MERCHANT_TOKEN"
WIDTH = 80
_STDIN = "-"
_MARGIN = " " * 10
_TOPIC, _SUBJECT = 25, 36
_SHORT_SUBJECT = 22
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)


def listen(
    url: Annotated[
        str | None,
        typer.Option(
            help=f"The sandbox. Default: the address in the credentials file, or {DEFAULT_URL}.", show_default=False
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(help=f"A bearer merchant token; with - it is read from stdin. Default: {VARIABLE}, if set."),
    ] = None,
    credentials: Annotated[
        Path | None,
        typer.Option(help="The file of gateway sandbox up. Its merchant token is used if there is no other."),
    ] = None,
    merchant: Annotated[
        str | None, typer.Option(help="The merchant in the credentials file, by its adapter, such as car_rental.")
    ] = None,
    forward: Annotated[str | None, typer.Option(help="The URL of your receiver, to which events are posted.")] = None,
    secret: Annotated[
        str | None,
        typer.Option(help="The receiver's secret, whsec_...; with - it is read from stdin. Default: a new one."),
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Begin with the events since this time, RFC 3339, at most 30 days ago.")
    ] = None,
    topic: Annotated[list[str] | None, typer.Option(help="Only this topic, decision.approved. Repeatable.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document for each event.")] = False,
) -> None:
    """Show a merchant's events as they happen, and forward them to a receiver on this machine.

    Needs no public URL and no tunnel. Forwarded events are signed as deliveries are. Each is sent once: to send events
    again, use --since. If the connection is lost, the command connects again and goes on with the next event.

    With --json: one line for each event, with position, id, topic, subject, sequence, created_at, body and forward."""
    if token == secret == _STDIN:
        fail("Only one of --token and --secret can be read from standard input.")
    topics, moment = [_require_topic(each) for each in topic or ()], _require_moment(since)
    forwarder = _forwarder(forward, secret)
    sandbox, used_token = _find_sandbox(url, token, credentials, merchant)
    settings = settings_for(None)
    context = None
    if settings.outgoing_ca_file is not None:
        context = httpx2.create_ssl_context(trust_env=False)
        context.load_verify_locations(cafile=settings.outgoing_ca_file)

    def greet() -> None:
        note(f"Listening to {sandbox}. Times are in UTC. Ctrl-C ends it.")
        if forwarder is not None and secret is None:
            note(f"Events go to {forwarder.shown_url}. Give your receiver this secret:\n  {forwarder.secret}")

    source = EventSource(sandbox, used_token, topics=topics, since=moment, context=context, greet=greet, notify=note)
    explained = ""
    signal.signal(signal.SIGINT, _end_at_once)
    with closing(source):
        try:
            for event in source.events():
                result = None if forwarder is None else forwarder.forward(event)
                if as_json:
                    _print_json(event, forwarder, result)
                    continue
                _print_event(event, result)
                reason = "" if forwarder is None or result is None or result.delivered else forwarder.explain(result)
                if reason and reason != explained:
                    console.print(
                        textwrap.fill(reason, WIDTH, initial_indent=_MARGIN, subsequent_indent=_MARGIN), style="yellow"
                    )
                explained = reason
        except StreamRefused as error:
            fail(str(error))


def _end_at_once(_: int, __: FrameType | None) -> None:
    """Ends the program at Ctrl-C. KeyboardInterrupt could be lost: Python ignores it in a destructor. Every line has
    been flushed, and nothing else is open."""
    os._exit(130)


def _find_sandbox(
    url: str | None, token: str | None, credentials: Path | None, merchant: str | None
) -> tuple[str, str]:
    """Returns the base URL of the sandbox and the token. Ends the program without one of them."""
    if token is not None and (credentials is not None or merchant is not None):
        fail("Give either --token or --credentials with --merchant.")
    entered = sys.stdin.readline().strip() if token == _STDIN else token
    if entered is None and credentials is None and merchant is None:
        entered = os.environ.get(VARIABLE)
    if entered is None:
        entered, issuer = _read_credentials(credentials, merchant)
        url = issuer if url is None else url
    if not _TOKEN.fullmatch(entered):
        fail("The token is not a bearer token: one word of letters, digits and -._~+/.")
    return _require_sandbox(DEFAULT_URL if url is None else url), entered


def _read_credentials(file: Path | None, adapter: str | None) -> tuple[str, str]:
    """Returns the merchant token and the issuer in a credentials file. Ends the program if they are not there."""
    path = file or settings_for(None).state_directory / "credentials.json"
    if not path.is_file():
        hint = "" if file else f" Give a token by --token or {VARIABLE}."
        fail(f"There is no credentials file {path}. It is written by gateway sandbox up.{hint}")
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        merchants = {each["adapter"]: str(each["merchant_token"]) for each in content["merchants"]}
        if adapter is not None and adapter not in merchants:
            fail(f"The file has no merchant with the adapter {adapter!r}. It has: {', '.join(merchants)}.")
        return merchants[adapter or demo_merchant(content)["adapter"]], str(content["issuer"])
    except (ValueError, LookupError, TypeError):
        fail(f"{path} is not a credentials file of a sandbox.")


def _require_sandbox(url: str) -> str:
    """Returns the URL without a slash at its end. Ends the program if it is no URL."""
    try:
        address = read_address(url)
    except Unreachable:
        address = None
    if address is None or "?" in address.path_and_query:
        fail(f"--url must be an http or https URL without user name, query and fragment, such as {DEFAULT_URL}.")
    if not address.encrypted and not _is_loopback(address.host):
        print_warning(f"The token is sent to {address.authority} without encryption.")
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _forwarder(url: str | None, secret: str | None) -> Forwarder | None:
    """Ends the program for a URL or a secret that cannot be used."""
    if url is None:
        if secret is not None:
            fail("--secret is for --forward.")
        return None
    used = new_secret() if secret is None else require_secret(secret)
    shown = require_address(url, "--forward", used)
    return Forwarder(receiver_client("Events are forwarded"), url, used, shown)


def _require_topic(name: str) -> str:
    try:
        topic_named(name)
    except ValueError:
        fail(f"No topic is named {name!r}. docs/reference/webhooks.md lists the topics.")
    return name


def _require_moment(text: str | None) -> str | None:
    """Returns the moment in UTC. Ends the program if it is none of the last 30 days."""
    if text is None:
        return None
    try:
        moment = parse_moment(text)
    except InvalidInput:
        fail("--since must be RFC 3339, such as 2026-11-28T10:00:00Z.")
    now = wall_clock()
    if not now - WEBHOOKS_KEPT_FOR <= moment <= now:
        fail("--since must be within the last 30 days.")
    return format_moment(moment)


def _print_event(event: StreamedEvent, result: Result | None) -> None:
    """Prints an event in one line of at most 80 characters."""
    subject, answer = f"{event.subject:<{_SUBJECT}}", Text("")
    if result is not None:
        shortened = f"{event.subject[:9]}...{event.subject[-10:]}"
        subject = f"{event.subject if len(event.subject) <= _SHORT_SUBJECT else shortened:<{_SHORT_SUBJECT}}"
        style = "green" if result.delivered else "bold red"
        answer = Text.assemble("  ", (str(result.row.response_status or "---"), style), f" {result.row.duration_ms} ms")
    line = f"{event.created_at[11:19]}  {event.topic:<{_TOPIC}}{subject} {event.sequence:>3}"
    console.print(Text.assemble(line, answer))


def _print_json(event: StreamedEvent, forwarder: Forwarder | None, result: Result | None) -> None:
    try:
        body: Any = json.loads(event.body)
    except ValueError:
        body = event.body
    forwarded = None
    if forwarder is not None and result is not None:
        forwarded = {
            "status": result.row.response_status,
            "milliseconds": result.row.duration_ms,
            "explanation": None if result.delivered else forwarder.explain(result),
        }
    print_json_line(
        {
            "position": event.position,
            "id": event.id,
            "topic": event.topic,
            "subject": event.subject,
            "sequence": event.sequence,
            "created_at": event.created_at,
            "body": body,
            "forward": forwarded,
        }
    )
