"""Imports people from a file: all rows in one unit of work, or none."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import BinaryIO

from gateway.domain.errors import InvalidInput
from gateway.domain.identity.person import (
    PersonDetails,
    parse_email,
    parse_external_id,
    parse_language,
    parse_name,
)
from gateway.services.identity.people import PeopleService, apply_details
from gateway.services.imports.rows import Column, Fault, Layout, Row, UniqueKey, read_rows
from gateway.store.database import Database
from gateway.store.identity.users import UserRow
from gateway.store.unit import UnitOfWork

MOST_ROWS = 100_000
"""The most rows of one file. Other writers wait for the unit of work that writes them."""

LAYOUT = Layout(
    (
        Column("external_id", parse_external_id),
        Column("email", parse_email),
        Column("language", parse_language, required=False),
        Column("name", parse_name, required=False),
    ),
    (UniqueKey(("external_id",)), UniqueKey(("email",), ignores_case=True)),
    MOST_ROWS,
)
_CHECKED = replace(LAYOUT, unique=())
"""The layout of a file that has been checked for repetitions."""

BATCH = 500
_TAKEN = "The email address belongs to another person."
_PERSONA = "This is the username of a persona."


@dataclass(frozen=True, slots=True)
class PeopleImported:
    """How many people were created, updated and left unchanged. With faults, nothing was written."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    faults: Sequence[Fault] = ()


class _Refused(Exception):
    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("The import is refused.")
        self.faults = faults


class PeopleImport:
    """Runs its own unit of work. The memory that it takes hardly depends on the length of the file."""

    def __init__(self, database: Database, people: PeopleService) -> None:
        self._database, self._people = database, people

    def run(self, stream: BinaryIO, advance: Callable[[int], None] = lambda _: None) -> PeopleImported:
        """Reads the file twice: to check it, and to write its people. `advance` is called with the number of bytes of
        each line that was read. A person is known by the external id, or by the email address if they have no external
        id yet. Raises InvalidInput if the file changes meanwhile, and OSError."""
        stream.seek(0)
        faults = [each for each in read_rows(stream, LAYOUT, advance) if isinstance(each, Fault)]
        if faults:
            return PeopleImported(faults=faults)

        def write(unit: UnitOfWork) -> PeopleImported:
            stream.seek(0)
            writer, rows = _Writer(unit, self._people), read_rows(stream, _CHECKED, advance)
            while batch := list(islice(rows, BATCH)):
                writer.write(batch)
            return writer.finish()

        try:
            return self._database.write(write)
        except _Refused as refused:
            return PeopleImported(faults=refused.faults)


class _Writer:
    """Writes the rows of one file in batches.

    Rows can exchange email addresses. So a person whose new address still belongs to somebody else gets a
    temporary username, and the right one after the last row, if it is free then."""

    def __init__(self, unit: UnitOfWork, people: PeopleService) -> None:
        self._unit, self._people = unit, people
        self._created = self._updated = self._unchanged = 0
        self._waiting, self._faults = list[tuple[int, UserRow]](), list[Fault]()

    def write(self, rows: Iterable[Row | Fault]) -> None:
        """Writes a batch. Raises InvalidInput for a row with a fault, because the file was checked before."""
        batch = []
        for row in rows:
            if isinstance(row, Fault):
                raise InvalidInput("INVALID", "The file has changed while it was read. Nothing was imported.")
            batch.append((row.line, PersonDetails(**row.values)))
        users = self._unit.users
        known = {
            user.external_id: user
            for user in users.list_by_external_ids([str(details.external_id) for _, details in batch])
        }
        owners = {user.username: user for user in users.list_by_usernames([details.username for _, details in batch])}
        created, updated = list[UserRow](), list[UserRow]()
        for line, details in batch:
            user, owner = known.get(details.external_id), owners.get(details.username)
            if owner is not None and owner.partner_id is not None:
                self._faults.append(Fault(line, "email", _PERSONA))
            elif owner is not None and owner.external_id is None and user is None:
                apply_details(owner, details)
                updated.append(owner)
            elif owner is not None and owner.external_id is None:
                self._faults.append(Fault(line, "email", _TAKEN))
            else:
                is_taken = owner is not None and (user is None or owner.id != user.id)
                self._write_one(line, details, user, created, updated, is_taken=is_taken)
        users.insert_all(created)
        users.update_all(updated)
        self._created += len(created)
        self._updated += len(updated)

    def _write_one(
        self,
        line: int,
        details: PersonDetails,
        user: UserRow | None,
        created: list[UserRow],
        updated: list[UserRow],
        *,
        is_taken: bool,
    ) -> None:
        if user is None:
            user = self._people.make_row(details, self._unit.wall)
            created.append(user)
        else:
            username = user.username
            if not apply_details(user, details):
                self._unchanged += 1
                return
            updated.append(user)
            if user.username != username:  # the earlier address must not set a password
                self._unit.invitations.end_of_user(user.id, self._unit.wall)
        if is_taken:
            user.username = f"#{user.id}"
            self._waiting.append((line, user))

    def finish(self) -> PeopleImported:
        """Gives the waiting people their usernames. Returns the counts. Raises _Refused."""
        while self._waiting:
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            for _, user in batch:
                user.username = PersonDetails(str(user.email)).username
            taken = {user.username for user in self._unit.users.list_by_usernames([user.username for _, user in batch])}
            self._faults += [Fault(line, "email", _TAKEN) for line, user in batch if user.username in taken]
            self._unit.users.update_all([user for _, user in batch if user.username not in taken])
        if self._faults:
            raise _Refused(sorted(self._faults, key=lambda fault: fault.line))
        return PeopleImported(self._created, self._updated, self._unchanged)
