"""`gateway clients`: register, invite, approve, list and disable OAuth clients."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.console import DatabaseUrl, console, container_for, fail
from gateway.cli.output import AsJson, Record, print_list, print_record
from gateway.domain.duration import parse_duration
from gateway.domain.identity.client_rights import Rights
from gateway.kit.client_key import private_jwk, public_jwks
from gateway.services.container import Container
from gateway.services.identity.client_keys import KeysRefused
from gateway.services.identity.registration import INVITED
from gateway.store.identity.clients import ClientRow
from gateway.store.unit import UnitOfWork

app = typer.Typer(no_args_is_help=True, help="Register, invite, approve, list and disable OAuth clients.")

ClientId = Annotated[str, typer.Argument(help="The client's id, cli_...")]

_LONGEST_FILE = 64 * 1024
"""Bytes of a key set that are read."""


@app.command()
def register(
    merchant: Annotated[str, typer.Argument(help="The merchant's id, mer_...")],
    name: Annotated[str, typer.Argument(help="What the client is, such as 'web shop'.")],
    profile: Annotated[str | None, typer.Option(help="baseline (a secret, sandbox only) or fapi2 (a key).")] = None,
    jwks: Annotated[
        str | None, typer.Option(help="File with the public key set of a fapi2 client; - reads it.")
    ] = None,
    jwks_uri: Annotated[
        str | None, typer.Option(help="Address of that key set instead; it is fetched, and again every 10 minutes.")
    ] = None,
    new_key: Annotated[Path | None, typer.Option(help="Make the key, and write its private half to this file.")] = None,
    redirect_uri: Annotated[list[str] | None, typer.Option(help="An exact redirect URI; repeat it.")] = None,
    scope: Annotated[list[str] | None, typer.Option(help="A scope it may use; repeat it. Default: all.")] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Register a client. The secret of a baseline client is printed once and not kept."""
    if sum(given is not None for given in (jwks, jwks_uri, new_key)) > 1:
        fail("Give one of --jwks, --jwks-uri and --new-key, not both.")
    private_key = private_jwk() if new_key is not None else None
    keys = public_jwks(private_key) if private_key else _read(jwks) if jwks is not None else None
    with container_for(database_url) as container:
        if jwks_uri is not None:
            _require_keys_at(container, jwks_uri)
        if private_key is not None and new_key is not None:
            _write_new(new_key, private_key)

        def register_client(unit: UnitOfWork) -> tuple[ClientRow, str | None]:
            return container.clients.register(
                unit,
                merchant,
                name,
                redirect_uri or [],
                profile=profile or container.clients.default_profile,
                jwks=keys,
                jwks_uri=jwks_uri,
                scopes=scope,
            )

        try:
            client, secret = container.database.write(register_client)
        except BaseException:
            if new_key is not None:
                new_key.unlink(missing_ok=True)  # the key of no client
            raise
    console.print(f"client_id     {client.id}")
    if secret is not None:
        console.print(f"client_secret {secret}")


@app.command()
def invite(
    merchant: Annotated[str, typer.Argument(help="The merchant's id, mer_...")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help=f"A scope it gets without approval; repeat it. Default: {' '.join(INVITED.scopes)}."),
    ] = None,
    detail_type: Annotated[
        list[str] | None,
        typer.Option(help=f"A type of authorization details likewise. Default: {' '.join(INVITED.types)}."),
    ] = None,
    expires_in: Annotated[str, typer.Option(help="How long the invitation is good, such as P7D or PT1H.")] = "P7D",
    database_url: DatabaseUrl = None,
) -> None:
    """Print an initial access token, with which one client of the merchant registers itself. It is not kept."""
    life = parse_duration(expires_in)
    with container_for(database_url) as container:

        def create_invitation(unit: UnitOfWork) -> str:
            return container.registrations.invite(unit, merchant, life, scopes=scope or (), types=detail_type or ())

        token = container.database.write(create_invitation)
    console.print(token)


@app.command()
def approve(
    client_id: ClientId,
    refuse: Annotated[bool, typer.Option("--refuse", help="Do not give it; the client keeps what it has.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Give a client, or refuse it, what it has asked for beyond its invitation."""
    with container_for(database_url) as container:
        registrations = container.registrations
        awaited = container.database.read(lambda unit: registrations.load_awaiting(unit, client_id))
        console.print(f"{client_id} asks for: {_words(awaited)}")
        if not yes:
            typer.confirm("Refuse it?" if refuse else "Approve it?", abort=True)
        settle = registrations.refuse if refuse else registrations.approve
        client = container.database.write(lambda unit: settle(unit, client_id, awaited))
    rights = Rights.of(client.scopes, client.authorization_details_types or ())
    console.print(f"{'Refused' if refuse else 'Approved'}. {client_id} has: {_words(rights)}")


@app.command("list")
def listed(as_json: AsJson = False, database_url: DatabaseUrl = None) -> None:
    """List the clients, disabled ones too.

    With --json: an array of objects with client_id, merchant_id, name, profile, is_enabled, created_at, disabled_at,
    scopes, authorization_details_types, awaits_approval, redirect_uris, grant_types and jwks_uri."""
    with container_for(database_url) as container:
        clients = container.database.read(lambda unit: unit.clients.list_clients())
    print_list(
        [describe_client(client) for client in clients],
        {
            "client": "client_id",
            "merchant": "merchant_id",
            "name": "name",
            "profile": "profile",
            "state": _state,
            "awaits approval": _awaited_words,
        },
        folded=("name", "awaits approval"),
        empty="There is no client. Register one: gateway clients register MERCHANT NAME",
        as_json=as_json,
    )


@app.command()
def show(client_id: ClientId, as_json: AsJson = False, database_url: DatabaseUrl = None) -> None:
    """Show a client: its scopes, redirect URIs and state.

    With --json: one object of `gateway clients list --json`."""
    with container_for(database_url) as container:
        clients = container.database.read(lambda unit: unit.clients.list_clients())
    record = next((describe_client(client) for client in clients if client.id == client_id), None)
    if record is None:
        fail(f"There is no client {client_id}.")
    print_record(
        record,
        {
            "client": "client_id",
            "merchant": "merchant_id",
            "name": "name",
            "profile": "profile",
            "state": _state,
            "registered": "created_at",
            "disabled": "disabled_at",
            "scopes": "scopes",
            "types of details": lambda client: client["authorization_details_types"] or "all that its scopes allow",
            "awaits approval": _awaited_words,
            "grant types": "grant_types",
            "redirect URIs": "redirect_uris",
            "keys at": "jwks_uri",
        },
        as_json=as_json,
    )


@app.command()
def disable(client_id: ClientId, database_url: DatabaseUrl = None) -> None:
    """Disable a client; its tokens die with it."""
    with container_for(database_url) as container:
        container.database.write(lambda unit: container.clients.disable(unit, client_id))
    console.print(f"{client_id} is disabled.")


def describe_client(client: ClientRow) -> Record:
    """The client without its secret and keys."""
    awaited = Rights.from_document(client.awaiting) if client.awaiting else None
    return {
        "client_id": client.id,
        "merchant_id": client.merchant_id,
        "name": client.name,
        "profile": client.profile,
        "is_enabled": client.disabled_at is None,
        "created_at": client.created_at,
        "disabled_at": client.disabled_at,
        "scopes": client.scopes,
        "authorization_details_types": client.authorization_details_types,
        "awaits_approval": awaited and {"scopes": awaited.scopes, "authorization_details_types": awaited.types},
        "redirect_uris": client.redirect_uris,
        "grant_types": client.grant_types,
        "jwks_uri": client.jwks_uri,
    }


def client_words(client: Record) -> str:
    """A client in one line."""
    return f"{client['client_id']}  {client['name']} ({client['profile']}, {_state(client)})"


def _state(client: Record) -> str:
    return "enabled" if client["is_enabled"] else "disabled"


def _awaited_words(client: Record) -> str:
    awaited = client["awaits_approval"]
    return _words(Rights(awaited["scopes"], awaited["authorization_details_types"])) if awaited else ""


def _words(rights: Rights) -> str:
    return " ".join((*rights.scopes, *(f"details:{name}" for name in rights.types))) or "nothing"


def _read(file: str) -> Any:
    """The JSON in the file, or in standard input where the file is "-"."""
    try:
        with sys.stdin.buffer if file == "-" else Path(file).open("rb") as opened:
            content = opened.read(_LONGEST_FILE + 1)
        if len(content) > _LONGEST_FILE:
            raise ValueError
        return json.loads(content)
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}.")
    except (ValueError, RecursionError):  # no JSON, no text, or too much of it
        fail(f"{file} does not hold a JSON Web Key Set.")


def _require_keys_at(container: Container, uri: str) -> None:
    """Ends the command unless the keys there can be fetched and used."""
    try:
        container.client_keys.fetch(uri)
    except KeysRefused as refused:
        fail(f"--jwks-uri: {refused.message}")


def _write_new(path: Path, key: dict[str, Any]) -> None:
    """Writes the private key into a file of its own, readable by its owner only; never over another."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(json.dumps(key, indent=2) + "\n")
    except FileExistsError:
        fail(f"{path} is there already. A key is never written over another.")
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror}.")
