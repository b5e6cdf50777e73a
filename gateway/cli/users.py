"""`gateway users`: import, invite, list, show, disable and enable people."""

import csv
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

import typer

from gateway.cli.console import PERSON_HELP, DatabaseUrl, console, container_for, fail, note
from gateway.cli.import_files import fail_with_faults, open_rows, show_progress
from gateway.cli.output import AsJson, Record, print_json, print_json_line, print_list, print_record
from gateway.domain.identity.person import PersonDetails, parse_email, parse_external_id, parse_language, parse_name
from gateway.kit.clock import rfc3339
from gateway.services.container import Container
from gateway.services.identity.invitations import NewInvitation
from gateway.store.identity.users import UserRow
from gateway.store.unit import UnitOfWork

_HELP = """Import and invite people, list and disable them.

To begin: gateway users invite EMAIL"""
app = typer.Typer(no_args_is_help=True, help=_HELP)

MOST_LISTED = 10_000
_BATCH = 200
Person = Annotated[str, typer.Argument(help=PERSON_HELP)]


@app.command("import")
def import_people(
    file: Annotated[str, typer.Argument(help="CSV with a header, or JSON Lines, in UTF-8; - for standard input.")],
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Import people with the columns external_id, email, language and name. The last two are optional.

    All people of FILE are imported, or none if one line has a fault. A person with a known external_id is updated; an
    empty value changes nothing. Nobody is deleted. People have no password until they use an invitation: gateway users
    invite --all-new

    With --json: an object with created, updated and unchanged (numbers) and faults (objects with line, field and
    message)."""
    with container_for(database_url) as container, open_rows(file) as stream:
        with show_progress("Importing people", stream, passes=2) as advance:
            result = container.people_import.run(stream, advance)
        if as_json:
            print_json({**asdict(result), "faults": [asdict(fault) for fault in result.faults]})
        if result.faults:
            fail_with_faults(result.faults, as_json=as_json)
        if not as_json:
            console.print(f"created    {result.created}")
            console.print(f"updated    {result.updated}")
            console.print(f"unchanged  {result.unchanged}")


@app.command()
def invite(
    person: Annotated[
        str | None,
        typer.Argument(
            help="The email address, with which the person signs in. Of a known person also the external id."
        ),
    ] = None,
    external_id: Annotated[str | None, typer.Option(help="Your own id of the person.")] = None,
    name: Annotated[str | None, typer.Option(help="The name with which pages address the person.")] = None,
    language: Annotated[str | None, typer.Option(help="The language of the person's pages: en or zh.")] = None,
    all_new: Annotated[bool, typer.Option("--all-new", help="Invite all people who have no password.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, or with --all-new one in each line (JSON Lines).")
    ] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Print a link with which a person sets a password, once. Creates the person of a new email address.

    For a person who has a password it is a password reset. A new invitation ends earlier ones. Links are valid for
    GATEWAY_INVITATION_LIFE. Send them yourself; anybody who has a link can use it.

    With --all-new: CSV with a line for each person.

    With --json: objects with user_id, external_id, email, name, language, link, expires_at and resets_password."""
    if all_new == (person is not None):
        fail("Use either PERSON or --all-new.")
    if all_new and not (external_id is name is language is None):
        fail("--all-new has no other options than --json.")
    with container_for(database_url) as container:
        if person is None:
            _print_invitations(container, as_json=as_json)
            return
        reference = person

        def make(unit: UnitOfWork) -> tuple[NewInvitation, bool]:
            email = reference if "@" in reference else container.people.require(unit, reference).email or reference
            details = PersonDetails(
                parse_email(email),
                external_id if external_id is None else parse_external_id(external_id),
                language if language is None else parse_language(language),
                name if name is None else parse_name(name),
            )
            is_new = unit.users.load_by_username(details.username) is None
            return container.invitations.invite(unit, container.people.ensure(unit, details).id), is_new

        invitation, is_new = container.database.write(make)
        record = _describe_invitation(container, invitation)
    if as_json:
        print_json(record)
        return
    if is_new:
        note(f"{invitation.user.id} is a new person: nobody had this email address.")
    what = "Resets the password" if invitation.resets_password else "Sets the first password"
    note(f"{what} of {invitation.user.email}, once, until {invitation.expires_at:%Y-%m-%d %H:%M}Z.")
    console.print(record["link"])


@app.command("list")
def list_people(
    after: Annotated[str, typer.Option(metavar="ID", help="Only people after this id, usr_...")] = "",
    limit: Annotated[int, typer.Option(min=1, max=MOST_LISTED, help="The largest number of people.")] = 50,
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """List people, oldest first, disabled ones too. The personas of a sandbox are not listed.

    With --json: an array of objects with user_id, external_id, email, name, language, is_enabled, has_password,
    created_at and disabled_at."""
    if not after.isprintable():
        fail("--after must be an id of a person.")
    with container_for(database_url) as container:
        people = container.database.read(lambda unit: unit.users.list_people(after, limit + 1))
    print_list(
        [_describe(user) for user in people[:limit]],
        {"person": "user_id", "external id": "external_id", "email": "email", "name": "name", "state": _state},
        folded=("external id", "email", "name"),
        empty="There are no more people." if after else "There are no people. Invite one: gateway users invite EMAIL",
        as_json=as_json,
    )
    if len(people) > limit:
        note(f"There are more: --after {people[limit - 1].id}")


@app.command()
def show(person: Person, as_json: AsJson = False, database_url: DatabaseUrl = None) -> None:
    """Show a person.

    With --json: an object of `gateway users list --json` with invited_until, the end of an invitation that was not
    used."""

    def load(unit: UnitOfWork) -> Record:
        user = container.people.require(unit, person)
        invitation = unit.invitations.load_open(user.id, unit.wall)
        return {**_describe(user), "invited_until": invitation.expires_at if invitation else None}

    with container_for(database_url) as container:
        record = container.database.read(load)
    print_record(
        record,
        {
            "person": "user_id",
            "external id": "external_id",
            "email": "email",
            "name": "name",
            "language": "language",
            "state": _state,
            "created": "created_at",
            "disabled": "disabled_at",
            "invited until": "invited_until",
        },
        as_json=as_json,
    )


@app.command()
def disable(person: Person, database_url: DatabaseUrl = None) -> None:
    """Disable a person. Ends their sessions and invitations and revokes their active consents at once. Decisions do
    not change."""
    with container_for(database_url) as container:
        user = container.database.write(lambda unit: container.people.disable(unit, person))
    console.print(f"{user.id} is disabled.")


@app.command()
def enable(person: Person, database_url: DatabaseUrl = None) -> None:
    """Enable a disabled person. Consents and sessions that have ended do not come back."""
    with container_for(database_url) as container:
        user = container.database.write(lambda unit: container.people.enable(unit, person))
    console.print(f"{user.id} is enabled.")


def _print_invitations(container: Container, *, as_json: bool) -> None:
    """Prints the invitations of all new people, each batch after it was committed."""
    lines, writer = 0, csv.writer(sys.stdout, lineterminator="\n")
    for record in _invite_new(container):
        if as_json:
            print_json_line(record)
        else:
            if not lines:
                writer.writerow(record)
            writer.writerow(rfc3339(value) if name == "expires_at" else value for name, value in record.items())
        lines += 1
    if not lines:
        note("There are no people without a password.")


def _invite_new(container: Container) -> Iterator[Record]:
    after = ""
    while True:

        def make(unit: UnitOfWork, after: str = after) -> list[NewInvitation]:
            people = unit.users.list_people(after, _BATCH, only_new=True)
            return [container.invitations.invite(unit, user.id) for user in people]

        invitations = container.database.write(make)
        yield from (_describe_invitation(container, invitation) for invitation in invitations)
        if len(invitations) < _BATCH:
            return
        after = invitations[-1].user.id


def _describe_invitation(container: Container, invitation: NewInvitation) -> Record:
    return {
        **_identify(invitation.user),
        "link": f"{container.settings.issuer}/invitation?token={invitation.token}",
        "expires_at": invitation.expires_at,
        "resets_password": invitation.resets_password,
    }


def _describe(user: UserRow) -> Record:
    return {
        **_identify(user),
        "is_enabled": user.disabled_at is None,
        "has_password": user.password_hash is not None,
        "created_at": user.created_at,
        "disabled_at": user.disabled_at,
    }


def _identify(user: UserRow) -> Record:
    return {
        "user_id": user.id,
        "external_id": user.external_id,
        "email": user.email,
        "name": user.display_name,
        "language": user.language,
    }


def _state(person: Record) -> str:
    if not person["is_enabled"]:
        return "disabled"
    return "active" if person["has_password"] else "no password"
