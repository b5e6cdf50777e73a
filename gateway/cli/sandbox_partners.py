"""`gateway sandbox partner`: partners of a sandbox, for example one for each run of a test suite."""

import json
from contextlib import closing
from secrets import token_hex
from typing import Annotated

import typer

from gateway.bootstrap import build
from gateway.cli.console import DatabaseUrl, console, fail, require_file, settings_for
from gateway.cli.credentials import describe_credentials
from gateway.cli.output import AsJson, print_json, print_list
from gateway.cli.sign_in_links import describe_link, print_link
from gateway.services.seeding import PARTNER
from gateway.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Make partners of a sandbox, and sign-in links for its pages.")


@app.command()
def new(
    name: Annotated[
        str | None,
        typer.Argument(help="Name of the partner: letters a to z, digits and hyphens. Without it, a random one."),
    ] = None,
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Make a partner of its own, with a merchant for each adapter, clients, personas and merchant tokens.

    So each run of a test suite has its own data and its own business time. Works beside a running server.

    With --json: the document of the credentials file of `gateway sandbox up`, with the name as partner."""
    settings = _with_issuer(settings_for(database_url))
    _require_sandbox(settings)
    require_file(settings.database_url)
    with closing(build(settings)) as container:
        partner = f"test-{token_hex(5)}" if name is None else name
        seed = container.seeding.seed_new(partner)
        credentials = {"partner": partner, **describe_credentials(container, settings.issuer, partner, seed)}
    if as_json:
        print_json(credentials)
        return
    console.print(f"Partner {partner} at {settings.issuer}\n")
    print_link(credentials)
    clients = [{**client, "merchant": each["name"]} for each in credentials["merchants"] for client in each["clients"]]
    print_list(
        clients,
        {"merchant": "merchant", "client": "client_id", "profile": "profile"},
        folded=("merchant",),
        empty="No adapter is loaded.",
        as_json=False,
    )
    console.print("\nSecrets, keys, merchant tokens and passwords are in the output of --json.")


@app.command()
def link(
    name: Annotated[str, typer.Argument(help="Name of the partner.")] = PARTNER,
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Print a new sign-in link for the pages of the sandbox.

    Opening it signs a browser in as the partner, once, within 12 hours. Earlier links stay valid. Works beside a
    running server.

    With --json: an object with partner, sign_in_link and sign_in_link_expires_in (seconds)."""
    settings = _with_issuer(settings_for(database_url))
    _require_sandbox(settings)
    require_file(settings.database_url)
    with closing(build(settings)) as container:
        described = describe_link(container, settings.issuer, name)
    if as_json:
        print_json({"partner": name, **described})
        return
    print_link(described)


def _require_sandbox(settings: Settings) -> None:
    if not settings.sandbox:
        fail("GATEWAY_ENVIRONMENT is live. Partners of a sandbox exist in a sandbox only.")


def _with_issuer(settings: Settings) -> Settings:
    """The settings with the issuer of the sandbox that has written its credentials file, unless they name one."""
    file = settings.state_directory / "credentials.json"
    if "issuer" in settings.model_fields_set or not file.is_file():
        return settings
    try:
        issuer = str(json.loads(file.read_text(encoding="utf-8"))["issuer"])
    except (ValueError, LookupError, TypeError):
        fail(f"{file} is not a credentials file of a sandbox.")
    return settings.model_copy(update={"issuer": issuer})
