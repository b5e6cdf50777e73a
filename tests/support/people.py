"""People of a deployment, their invitations, and files to import."""

import io
import json
from typing import Any

from gateway.domain.identity.person import PersonDetails
from gateway.services.container import Container
from gateway.services.identity.people_import import PeopleImported
from gateway.store.identity.users import UserRow
from gateway.store.unit import UnitOfWork

MAIL = "Mei@shop.example"


def invite(container: Container, email: str = MAIL, **details: str) -> str:
    """Invites a person, whom it creates if needed. Returns the token."""

    def make(unit: UnitOfWork) -> str:
        user = container.people.ensure(unit, PersonDetails(email, **details))
        return container.invitations.invite(unit, user.id).token

    return container.database.write(make)


def person(container: Container, reference: str = MAIL) -> UserRow:
    """Returns the person."""
    return container.database.read(lambda unit: container.people.require(unit, reference))


def import_rows(container: Container, *rows: dict[str, Any]) -> PeopleImported:
    """Imports these rows as JSON Lines."""
    return container.people_import.run(io.BytesIO("".join(f"{json.dumps(row)}\n" for row in rows).encode()))
