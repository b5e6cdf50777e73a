"""People: persons that an operator has invited or imported. They belong to no partner. A reference to one is an id of
the gateway, the external id, or the email address."""

from gateway.domain.errors import InvalidInput, NotFound
from gateway.domain.events import Actor
from gateway.domain.identity.person import PersonDetails, username_of
from gateway.kit.clock import WallTime
from gateway.kit.ids import Ids
from gateway.services.consents.service import ConsentService
from gateway.store.identity.users import UserRow, new_log_subject
from gateway.store.unit import UnitOfWork


class PeopleService:
    """Creates, finds, disables and enables people, in the caller's unit of work."""

    def __init__(self, ids: Ids, consents: ConsentService) -> None:
        self._ids, self._consents = ids, consents

    def make_row(self, details: PersonDetails, now: WallTime) -> UserRow:
        """Returns the row of a new person without a password. Writes nothing."""
        return UserRow(
            id=self._ids.new("usr"),
            username=details.username,
            display_name=details.name or details.email,
            log_subject=new_log_subject(),
            created_at=now,
            external_id=details.external_id,
            email=details.email,
            language=details.language,
        )

    def ensure(self, unit: UnitOfWork, details: PersonDetails) -> UserRow:
        """Returns the person with this email address, locked, after the other stated details are changed.
        Creates the person if there is none. Raises InvalidInput if the email address or the external id belongs to
        somebody else."""
        user = unit.users.load_by_username(details.username)
        if user is not None and user.partner_id is not None:
            raise InvalidInput("INVALID", "This is the username of a persona.", ("email",))
        external_id = details.external_id
        owner = unit.users.load_by_external_id(external_id) if external_id is not None else None
        if owner is not None and (user is None or owner.id != user.id):
            raise InvalidInput(
                "INVALID", "The person with this external id has another email address.", ("external_id",)
            )
        if user is None:
            user = self.make_row(details, unit.wall)
            unit.users.insert(user)
            return user
        if external_id is not None and user.external_id not in (None, external_id):
            raise InvalidInput("INVALID", "The person has another external id.", ("external_id",))
        user = unit.users.lock(user.id) or user
        if apply_details(user, details):
            unit.users.update_all([user])
        return user

    def require(self, unit: UnitOfWork, reference: str) -> UserRow:
        """Returns the person with this id, external id or email address. Raises NotFound, and InvalidInput if two
        people match."""
        if not reference.isprintable():  # PostgreSQL rejects a NUL in a query
            raise NotFound("There is no such person.")
        matches = (
            unit.users.load(reference),
            unit.users.load_by_external_id(reference),
            unit.users.load_by_username(username_of(reference)),
        )
        people = {user.id: user for user in matches if user is not None and user.partner_id is None}
        if len(people) > 1:
            raise InvalidInput("INVALID", f"Two people match {reference}. Use one of the ids: {', '.join(people)}.")
        if not people:
            raise NotFound(f"There is no person {reference}.")
        return next(iter(people.values()))

    def disable(self, unit: UnitOfWork, reference: str) -> UserRow:
        """Disables a person, ends their sessions and invitations, and revokes their active consents. Does nothing if
        the person is disabled. Raises as `require` does."""
        user = self.require(unit, reference)
        if user.disabled_at is None:
            unit.users.disable(user.id, unit.wall)  # first: then no other consent can be given
            self._consents.revoke_of_user(unit, user.id, Actor.OPERATOR)
            unit.invitations.end_of_user(user.id, unit.wall)
            unit.sessions.end_all(user.id, unit.wall)
        return user

    def enable(self, unit: UnitOfWork, reference: str) -> UserRow:
        """Enables a disabled person. What had ended does not come back. Raises as `require` does."""
        user = self.require(unit, reference)
        if user.disabled_at is not None:
            unit.users.enable(user.id)
        return user


def apply_details(user: UserRow, details: PersonDetails) -> bool:
    """Changes the row by the details that are stated. Returns whether the row has changed. Writes nothing."""
    before = (user.username, user.external_id, user.email, user.language, user.display_name)
    if details.name is not None:
        user.display_name = details.name
    elif user.display_name == user.email:
        user.display_name = details.email
    user.username, user.email = details.username, details.email
    user.external_id = details.external_id or user.external_id
    user.language = details.language or user.language
    return before != (user.username, user.external_id, user.email, user.language, user.display_name)
