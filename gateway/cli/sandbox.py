"""`gateway sandbox`: run a sandbox, run the demos, make test users."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn
from rich.text import Text

from gateway.bootstrap import build
from gateway.cli.addresses import HOST, local_issuer, warn_about_issuer
from gateway.cli.console import DatabaseUrl, confirm, console, container_for, fail, require_upgradable
from gateway.cli.credentials import demo_merchant, describe_credentials
from gateway.cli.output import AsJson, print_list
from gateway.cli.serve import listen, metrics_for, server_for
from gateway.cli.sign_in_links import print_link
from gateway.demo.demo import Demo, DemoFailed
from gateway.demo.narrator import Narrator
from gateway.demo.point_of_sale import PointOfSaleDemo
from gateway.demo.website import WebsiteDemo
from gateway.domain.identity.client import BASELINE, FAPI2
from gateway.kit.outage import Outage
from gateway.kit.private_files import write_whole
from gateway.services.container import Container
from gateway.services.seeding import DEMO_PERSONA, PARTNER, Seed, SeededPersona
from gateway.settings import Settings, read_settings
from gateway.store.database import temporary_database

app = typer.Typer(
    no_args_is_help=True,
    help="Run a sandbox with demo merchants and test users.\n\nTo begin: gateway sandbox up --demo",
)

LOOPBACK = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
"""Networks of a developer's own servers. A sandbox may connect to them."""

START_WITHIN = 60
"""Seconds until a sandbox must have started."""


@app.command()
def up(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.", min=0, max=65535)] = 8000,
    credentials: Annotated[
        Path | None, typer.Option(help="File for the credentials as JSON, readable by you only.")
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Run and print the demo of a website first.")] = False,
) -> None:
    """Start a sandbox with demo merchants, clients and personas, and print their credentials.

    Creates and migrates the database, adds what is missing, and serves until Ctrl-C. The credentials are also written
    to --credentials, by default .sandbox/credentials.json. At the next start only the merchant tokens are new."""
    from migrations import runner

    listener = listen(HOST, port)
    settings = _sandbox_settings(listener)
    warn_about_issuer(listener, settings)
    require_upgradable(settings.database_url)
    runner.upgrade(settings.database_url)
    metrics = metrics_for(settings)
    container = build(settings)
    seed = container.seeding.seed_demo()
    server = server_for(container, metrics=metrics)
    path = credentials or settings.state_directory / "credentials.json"
    failures: list[str] = []
    spare = container.seeding.seed_spare() if demo else None
    watcher = threading.Thread(
        target=_announce, args=(server, container, seed, path, demo, spare, failures), daemon=True
    )
    watcher.start()
    server.run(sockets=[listener])
    if failures:
        fail(failures[0])


@app.command()
def demo(
    quiet: Annotated[bool, typer.Option("--quiet", help="Print the result only.")] = False,
) -> None:
    """Run the demos: a website with each client profile, and a point of sale.

    They run against a sandbox of their own with a free port and a temporary database. Exit code 0 if every response was
    as expected."""
    with tempfile.TemporaryDirectory(prefix="sesame-") as directory, ExitStack() as stack:
        file, url = Path(directory) / "credentials.json", f"sqlite:///{directory}/gateway.db"
        configured = read_settings().database_url
        if configured.startswith("postgresql"):
            url = stack.enter_context(temporary_database(configured))
        environment = {**os.environ, "GATEWAY_STATE_DIRECTORY": directory, "GATEWAY_DATABASE_URL": url}
        environment.pop("GATEWAY_ISSUER", None)  # it contains the port, which is not known yet
        command = [sys.executable, "-m", "gateway", "sandbox", "up", "--port", "0", "--credentials", str(file)]
        server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)  # noqa: S603 (our own command)
        try:
            credentials = _wait_for_credentials(file, server)
            began = time.monotonic()
            _run_demos(credentials, quiet)
            console.print(
                Text("\nEvery response was as expected", "bold green"), f"({time.monotonic() - began:.1f} s)."
            )
        finally:
            server.terminate()
            server.wait(timeout=15)


def _run_demos(credentials: dict[str, Any], quiet: bool) -> None:
    """Runs the demo of a website with each client profile, and the demo of a point of sale."""
    output = None if quiet else console
    demos: dict[str, Callable[[Narrator], Demo]] = {
        "A client with a secret (profile baseline, sandbox only)": lambda narrator: WebsiteDemo(
            credentials, narrator, BASELINE
        ),
        "A client with a key of its own (profile fapi2)": lambda out: WebsiteDemo(credentials, out, FAPI2),
        "At the point of sale, with the device grant (profile fapi2)": lambda narrator: PointOfSaleDemo(
            credentials, narrator
        ),
    }
    for title, make_demo in demos.items():
        if output is not None:
            output.rule(Text(title, "bold"))
        try:
            make_demo(Narrator(output)).run()
        except DemoFailed as error:
            fail(f"{title}: {error}")


@app.command()
def personas(
    partner: Annotated[str, typer.Argument(help="The partner's name, as in `gateway merchants register --partner`.")],
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """List a partner's personas (test users) with their passwords. Creates those that are missing.

    With --json: an array of objects with handle, username, password, tier, score and summary."""
    with container_for(database_url) as container:
        _require_sandbox(container)
        seeded = container.seeding.seed_personas(partner)
    _print_personas(seeded, as_json=as_json)


@app.command()
def reset(
    partner: Annotated[str, typer.Argument(help="The partner's name.")] = PARTNER,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Replace a partner's personas (test users) by new ones without a past.

    The new personas have the same usernames and passwords. Nobody can sign in as the old ones any more, and their
    consents end. Their decisions stay with the merchants. Works beside a running server.

    With --json: as `gateway sandbox personas --json`."""
    with container_for(database_url) as container:
        _require_sandbox(container)
        container.database.read(lambda unit: container.merchants.require_partner(unit, partner))
        if not yes:
            confirm(f"Replace all personas of the partner {partner}, and end their consents?")
        seeded = container.seeding.reset_personas(partner)
    _print_personas(seeded, as_json=as_json)


def _require_sandbox(container: Container) -> None:
    if not container.settings.sandbox:
        fail("GATEWAY_ENVIRONMENT is live. Personas exist in a sandbox only.")


def _sandbox_settings(listener: socket.socket) -> Settings:
    """The environment's settings with defaults for a sandbox at this address. Settings of the environment take
    precedence."""
    settings = read_settings()
    if not settings.sandbox:
        fail("GATEWAY_ENVIRONMENT is live. A sandbox runs in a deployment of its own.")
    defaults = {
        "issuer": local_issuer(listener),
        "outgoing_networks": LOOPBACK,
        "jwks_uri_hosts": (f"{HOST}:*", "localhost:*", "[::1]:*"),
    }
    return settings.model_copy(update={name: defaults[name] for name in defaults.keys() - settings.model_fields_set})


def _wait_for_credentials(file: Path, server: "subprocess.Popen[bytes]") -> dict[str, Any]:
    """The content of the credentials file, once the sandbox has written it. Ends the command if it does not."""
    deadline = time.monotonic() + START_WITHIN
    while not file.exists():
        if server.poll() is not None:
            fail("The sandbox did not start. Its error is in the line above.")
        if time.monotonic() > deadline:
            fail(f"The sandbox did not start within {START_WITHIN} seconds.")
        time.sleep(0.05)
    credentials: dict[str, Any] = json.loads(file.read_text())
    return credentials


def _announce(
    server: uvicorn.Server,
    container: Container,
    seed: Seed,
    path: Path,
    demo: bool,
    spare: tuple[str, Seed] | None,
    failures: list[str],
) -> None:
    """Runs in a thread beside the server: waits until it has started, writes and prints the credentials. Stops the
    server and adds to `failures` if they cannot be written, since the sandbox could not be used."""
    deadline = time.monotonic() + START_WITHIN
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.02)
    try:
        credentials = describe_credentials(container, container.settings.issuer, PARTNER, seed)
        write_whole(path, json.dumps(credentials, indent=2, ensure_ascii=False) + "\n")
    except (Outage, OSError) as error:
        failures.append(f"The credentials could not be written to {path}: {error}")
        server.should_exit = True
        return
    if demo:
        try:
            _run_demo(container, credentials, spare)
            console.print(Text("\nEvery response was as expected.", "bold green"))
        except DemoFailed as error:
            console.print(Text("\nThe demo failed:", "bold red"), str(error))
    _print_sandbox(container.settings, seed, path, credentials)


def _run_demo(container: Container, credentials: dict[str, Any], spare: tuple[str, Seed] | None) -> None:
    """Runs the demo of a website, with the spare partner if there is one."""
    if spare is not None:
        name, seed = spare
        console.print(
            f"{DEMO_PERSONA}@{PARTNER} has open agreements, or the merchant of the demo was changed.\n"
            f"So the demo runs with the partner {name}. For new personas: gateway sandbox reset"
        )
        credentials = describe_credentials(container, container.settings.issuer, name, seed)
    WebsiteDemo(credentials, Narrator(console)).run()


def _print_sandbox(settings: Settings, seed: Seed, path: Path, credentials: dict[str, Any]) -> None:
    """Prints the credentials, and at the end, where a terminal shows it, what to open."""
    example = demo_merchant(credentials)
    issuer, token = settings.issuer, example["merchant_token"]
    console.print()
    for merchant in seed.merchants:
        console.print(f"  {merchant.name}: client_id {merchant.client.client_id}")
        console.print(f"    client_secret {merchant.client.client_secret}")
        console.print(f"    client_id with a private key {merchant.backend.client_id}")
    console.print("  The private keys are in the credentials file.\n")
    _print_personas(seed.personas)
    hours = example["merchant_token_expires_in"] // 3600
    console.print(f"\n  Merchant token of {example['name']}, valid for {hours} hours:")
    console.print(f"    {token}\n")
    console.print("  Try it:")
    console.print(f"    curl {issuer}/graphql -H 'Content-Type: application/json' \\")
    console.print(f"      -H 'Authorization: Bearer {token}' \\")
    console.print("""      -d '{"query": "{ merchant { name decisions { totalCount nodes { id status } } } }"}'\n""")
    console.print(f"  GraphQL       {issuer}/graphql")
    console.print(f"  OAuth         {issuer}/.well-known/oauth-authorization-server")
    console.print(f"  Your account  {issuer}/account   (sign in as a persona)")
    console.print(f"  Documentation {issuer}/docs")
    console.print(f"  Credentials   {path}")
    console.print(Text("\nThe sandbox is running.", "bold"), "Ctrl-C stops it.\n")
    print_link(credentials)


def _print_personas(personas: tuple[SeededPersona, ...], *, as_json: bool = False) -> None:
    print_list(
        [asdict(persona) for persona in personas],
        {"persona": "username", "password": "password", "tier": "tier", "summary": "summary"},
        folded=("summary",),
        empty="The partner has no persona.",
        as_json=as_json,
    )
