"""`gateway database`: migrate and check the database."""

import sys
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from itertools import islice
from typing import Annotated

import typer
from rich.text import Text

from gateway.cli.console import (
    DatabaseUrl,
    confirm,
    console,
    fail,
    note,
    require_migrated,
    require_upgradable,
    settings_for,
)
from gateway.cli.output import AsJson, print_json
from gateway.domain.identity.redirect_uri import is_redirect_uri
from gateway.kit.ids import Ids
from gateway.kit.key_file import KEY_FILE, load_key
from gateway.services.purge import PurgeService
from gateway.services.scoring.purge import ScorePurge
from gateway.settings import Settings
from gateway.sources.scorecard.card_files import load_cards
from gateway.store.database import Database
from gateway.store.deployment import key_check
from gateway.store.logs.keys import Keyring
from gateway.store.unit import UnitOfWork

MOST_MISMATCHES = 50
_ALL_AGREE = "Decisions, totals, disputes, behaviour records, scores, logs and messages agree with each other."
"""Mismatches that are reported."""

app = typer.Typer(no_args_is_help=True, help="Migrate and check the database.\n\nTo begin: gateway database upgrade")


@app.command()
def upgrade(database_url: DatabaseUrl = None) -> None:
    """Create the tables, or migrate them to the newest revision.

    A SQLite file that does not exist is created."""
    from migrations import runner  # alembic takes most of a second to import; only this command pays

    url = settings_for(database_url).database_url
    require_upgradable(url)
    runner.upgrade(url)
    console.print(f"The database is at revision {runner.current(url)}.")


@app.command()
def check(
    deep: Annotated[bool, typer.Option("--deep", help="Also compare decisions, totals, logs and messages.")] = False,
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Check that the database can be reached and is at the newest revision.

    Also lists redirect URIs that could not be registered any more. They keep working; ask their merchants to change
    them. Runs beside a live server. Needs no secret, except to compare the signing keys with their sealed halves. Exit
    code 1 if the database is not current or, with --deep, if its records do not agree.

    Also lists names of merchants and clients that could not be registered any more. They keep working too. And it lists
    keys of clients that could not be registered any more. They do not work; ask their merchants for new ones.

    With --json: an object with revision, mismatches, which is null without --deep, unclear_names and unusable_keys,
    arrays of sentences, and outdated_redirect_uris, an array of objects with client_id and redirect_uri."""
    from migrations import runner

    settings = settings_for(database_url)
    url = settings.database_url
    require_migrated(url)
    master = _find_master_key(settings) if deep else None
    with closing(Database(url, size=1, keyring=Keyring(master, Ids()))) as database:
        mismatches = database.read(partial(_find_mismatches, master=master)) if deep else None
        outdated = database.read(_list_outdated_uris)
        names, keys = database.read(_find_unclear_names_and_keys)
    if as_json:
        uris = [{"client_id": client_id, "redirect_uri": uri} for client_id, uri in outdated]
        found = {"mismatches": mismatches, "unclear_names": names, "unusable_keys": keys}
        print_json({"revision": runner.current(url), **found, "outdated_redirect_uris": uris})
    else:
        _print_check([*names, *keys], mismatches)
        for client_id, uri in outdated:
            console.print(f"! {client_id} has a redirect URI that could not be registered any more: {uri}")
    if mismatches:
        fail("The reconciliation found mismatches. Nothing was changed.")


@app.command()
def purge(as_json: AsJson = False, database_url: DatabaseUrl = None) -> None:
    """Delete all rows that have expired: requests, codes, tokens, sessions, used assertions, idempotency records, and
    old records of behaviour and scores.

    A server does this by itself. Runs beside a live server, in small units of work.

    With --json: an object with the number of deleted rows by table."""
    settings = settings_for(database_url)
    require_migrated(settings.database_url)
    with closing(Database(settings.database_url, size=1)) as database:
        scores = ScorePurge(database, load_cards(settings.scorecards))
        deleted = PurgeService(database, settings, scores=scores).purge(sys.maxsize)
    if as_json:
        print_json(deleted)
        return
    for table, rows in deleted.items():
        console.print(f"{table}: {rows} {'row' if rows == 1 else 'rows'} deleted.")


@app.command()
def restored(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """End all tokens, codes and sessions after a backup was restored, before a server is started.

    The backup revives what ended after it was made. This command ends everything that clients and browsers hold, and
    refuses assertions and proofs from before now. Persons sign in again, and merchants ask them again.

    With --json: an object with the number of ended rows by table."""
    settings = settings_for(database_url)
    require_migrated(settings.database_url)
    if not yes:
        confirm("End all tokens, codes and sessions of this database?")

    def end_all(unit: UnitOfWork) -> Mapping[str, int]:
        unit.deployment.set_restored(unit.wall)
        return unit.endings.end_all(unit.wall)

    with closing(Database(settings.database_url, size=1)) as database:
        ended = database.write(end_all)
    if as_json:
        print_json(ended)
        return
    for table, rows in ended.items():
        console.print(f"{table}: {rows} ended.")
    console.print("Next: docs/operating.md, After a restored backup")


def _find_master_key(settings: Settings) -> bytes | None:
    """The master key of the settings, or of the sandbox's key file, if there is one."""
    try:
        return settings.master_key() or load_key(settings.state_directory / KEY_FILE)
    except (OSError, ValueError):
        return None


def _print_check(outdated: list[str], mismatches: list[str] | None) -> None:
    console.print("The database can be reached and is at the newest revision.")
    for sentence in (*outdated, *(mismatches or ())):
        console.print(Text.assemble(("!", "bold red"), f" {sentence}"))
    if mismatches == []:
        console.print(
            "Decisions, totals, disputes, behaviour records, scores, logs and messages agree with each other."
        )


def _list_outdated_uris(unit: UnitOfWork) -> list[tuple[str, str]]:
    """The id of each enabled client with each of its redirect URIs that the rule for new ones does not allow."""
    enabled = (client for client in unit.clients.list_clients() if client.disabled_at is None)
    return [(client.id, uri) for client in enabled for uri in client.redirect_uris if not is_redirect_uri(uri)]


def _find_unclear_names_and_keys(unit: UnitOfWork) -> tuple[list[str], list[str]]:
    """A sentence for each of the first names, and of the first keys, that could not be registered any more."""
    from gateway.audit.client_keys import find_unusable_keys
    from gateway.audit.display_names import find_unclear_names

    names, keys = find_unclear_names(unit), find_unusable_keys(unit)
    return list(islice(names, MOST_MISMATCHES)), list(islice(keys, MOST_MISMATCHES))


def _find_mismatches(unit: UnitOfWork, *, master: bytes | None) -> list[str]:
    """A sentence for each of the first mismatches between the records, for the first finding in the logs, and with the
    deployment's master key for each foreign signing key."""
    from gateway.audit import signing_keys
    from gateway.audit.log_verification import verify_logs
    from gateway.audit.reconciliation import find_mismatches

    mismatches = list(islice(find_mismatches(unit), MOST_MISMATCHES))
    deployment = unit.deployment.load()
    if master is not None and deployment is not None and deployment.key_check == key_check(master):
        mismatches += signing_keys.find_mismatches(unit)
    else:
        note("The signing keys were not checked, because GATEWAY_SECRET_KEY is not that of the database.")
    finding = verify_logs(unit).finding
    if finding is None or finding.sentence in mismatches:
        return mismatches
    return [*mismatches, finding.with_place]
