"""`gateway clients`: register, invite, approve, list, show and disable OAuth clients."""

import json
import os
import sys
from codecs import BOM_UTF8
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.console import DatabaseUrl, confirm, console, container_for, fail, note
from gateway.cli.output import AsJson, Record, print_list, print_record
from gateway.domain.duration import parse_duration
from gateway.domain.identity.client import FAPI2
from gateway.domain.identity.client_rights import Rights
from gateway.kit.client_key import private_jwk, public_jwks
from gateway.kit.json import decode_unique
from gateway.services.container import Container
from gateway.services.identity.client_keys import KeysRefused
from gateway.services.identity.registration import INVITED
from gateway.store.identity.clients import ClientRow
from gateway.store.unit import UnitOfWork

_HELP = """Register, invite, approve, list and disable OAuth clients.

To begin: gateway clients register MERCHANT NAME"""
app = typer.Typer(no_args_is_help=True, help=_HELP)

ClientId = Annotated[str, typer.Argument(help="The client's id, cli_...")]

_LONGEST_FILE = 64 * 1024
"""Bytes of a key set that are read."""


@app.command()
def register(
    merchant: Annotated[str, typer.Argument(help="The merchant's id, mer_...")],
    name: Annotated[str, typer.Argument(help="A name for the client, such as 'web shop'.")],
    profile: Annotated[
        str | None, typer.Option(help="baseline (with a secret, sandbox only) or fapi2 (with a key).")
    ] = None,
    jwks: Annotated[
        str | None, typer.Option(help="File with the public keys (JWKS) of a fapi2 client; - for standard input.")
    ] = None,
    jwks_uri: Annotated[
        str | None,
        typer.Option(
            help="Address of the public keys. They are fetched now, then when needed, and kept for 10 minutes at most."
        ),
    ] = None,
    new_key: Annotated[
        Path | None, typer.Option(help="Make a key pair and write the private key to this file.")
    ] = None,
    redirect_uri: Annotated[
        list[str] | None, typer.Option(help="A redirect URI, compared exactly. Repeat it for more.")
    ] = None,
    scope: Annotated[
        list[str] | None, typer.Option(help="A scope it may use. Repeat it for more. Default: all.")
    ] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Register a client and print its id. The secret of a baseline client is printed only once."""
    if sum(option is not None for option in (jwks, jwks_uri, new_key)) > 1:
        fail("Use only one of --jwks, --jwks-uri and --new-key.")
    private_key = private_jwk() if new_key is not None else None
    keys = public_jwks(private_key) if private_key else _read_keys(jwks) if jwks is not None else None
    with container_for(database_url) as container:
        if (profile or container.clients.default_profile) == FAPI2 and keys is None and jwks_uri is None:
            fail("A client of the profile fapi2 needs a key: use --new-key FILE, --jwks FILE or --jwks-uri URL.")
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
                new_key.unlink(missing_ok=True)  # the client was not registered
            raise
    console.print(f"client_id     {client.id}")
    if secret is not None:
        console.print(f"client_secret {secret}")
    if not client.redirect_uris:
        note(
            "It has no redirect URI, so it can ask for consents at a point of sale only. A later one: register another."
        )


@app.command()
def invite(
    merchant: Annotated[str, typer.Argument(help="The merchant's id, mer_...")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help=f"A scope that the client gets without approval. Repeat it. Default: {' '.join(INVITED.scopes)}."
        ),
    ] = None,
    detail_type: Annotated[
        list[str] | None,
        typer.Option(
            help=f"A type of authorization details that it gets without approval. Default: {' '.join(INVITED.types)}."
        ),
    ] = None,
    expires_in: Annotated[str, typer.Option(help="How long the token is valid, such as P7D or PT1H.")] = "P7D",
    database_url: DatabaseUrl = None,
) -> None:
    """Print an initial access token, with which one client can register itself. It is printed only once."""
    lifetime = parse_duration(expires_in)
    with container_for(database_url) as container:

        def create_invitation(unit: UnitOfWork) -> str:
            return container.registrations.invite(unit, merchant, lifetime, scopes=scope or (), types=detail_type or ())

        token = container.database.write(create_invitation)
    console.print(token)


@app.command()
def approve(
    client_id: ClientId,
    refuse: Annotated[
        bool, typer.Option("--refuse", help="Refuse the requested rights. The client keeps the rights it has.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Approve or refuse the rights that a client has requested beyond its invitation."""
    with container_for(database_url) as container:
        registrations = container.registrations
        awaited = container.database.read(lambda unit: registrations.load_awaiting(unit, client_id))
        console.print(f"{client_id} requests: {_rights_words(awaited)}")
        if not yes:
            confirm("Refuse these rights?" if refuse else "Approve these rights?")
        decide = registrations.refuse if refuse else registrations.approve
        client = container.database.write(lambda unit: decide(unit, client_id, awaited))
    rights = Rights.of(client.scopes, client.authorization_details_types or ())
    console.print(f"{'Refused' if refuse else 'Approved'}. {client_id} has: {_rights_words(rights)}")


@app.command("list")
def list_clients(as_json: AsJson = False, database_url: DatabaseUrl = None) -> None:
    """List the clients, disabled ones too.

    With --json: an array of objects with client_id, merchant_id, name, profile, is_enabled, created_at,
    disabled_at, scopes, authorization_details_types, awaits_approval, redirect_uris, grant_types and jwks_uri."""
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
    """Disable a client. Revokes its tokens and all consents to it at once. Decisions do not change."""
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
    return _rights_words(Rights(awaited["scopes"], awaited["authorization_details_types"])) if awaited else ""


def _rights_words(rights: Rights) -> str:
    return " ".join((*rights.scopes, *(f"details:{name}" for name in rights.types))) or "nothing"


def _read_keys(file: str) -> Any:
    """The JSON in the file, or in standard input if the file is "-". Ends the command if it cannot be read."""
    try:
        with sys.stdin.buffer if file == "-" else Path(file).open("rb") as stream:
            content = stream.read(_LONGEST_FILE + 1)
        if len(content) > _LONGEST_FILE:
            raise ValueError
        return decode_unique(content.removeprefix(BOM_UTF8))
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}.")
    except ValueError:  # not JSON, not text, or too long
        fail(f"{file} does not hold a JSON Web Key Set.")


def _require_keys_at(container: Container, uri: str) -> None:
    """Ends the command if the keys at the address cannot be fetched or used."""
    try:
        container.client_keys.fetch(uri)
    except KeysRefused as refused:
        fail(f"--jwks-uri: {refused.message}")


def _write_new(path: Path, key: dict[str, Any]) -> None:
    """Writes the private key to a new file, readable by its owner only. Ends the command if the file exists."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(json.dumps(key, indent=2) + "\n")
    except FileExistsError:
        fail(f"{path} exists already. A key file is never overwritten.")
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror}.")
