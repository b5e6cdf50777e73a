"""People: creation, search, disabling, and who can sign in."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from gateway.domain.errors import InvalidInput, NotFound
from gateway.domain.identity.person import PersonDetails
from gateway.kit.crypto import digest
from gateway.services.identity.invitations import Problem, UnusableInvitation
from gateway.services.identity.logins import Attempt
from tests.support.clock import MovableClock
from tests.support.demo_world import DemoWorld
from tests.support.factories import make_client, make_consent, make_merchant, make_partner
from tests.support.live_world import LiveWorld
from tests.support.people import MAIL, invite, person
from tests.support.units import reading, writing

PASSWORD = "open sesame, please"


@pytest.fixture
def live(database_url: str, clock: MovableClock) -> Iterator[LiveWorld]:
    """A live deployment on each kind of database in turn."""
    with closing(LiveWorld(database_url, clock)) as opened:
        yield opened


def test_person_is_created_once_and_keeps_what_is_not_stated(live: LiveWorld) -> None:
    invite(live.container, external_id="c-1", language="zh")
    invite(live.container, MAIL.lower(), name="Mei Lin")
    user = person(live.container)
    assert (user.username, user.email, user.external_id) == (MAIL.lower(), MAIL.lower(), "c-1")
    assert (user.language, user.display_name, user.password_hash, user.partner_id) == ("zh", "Mei Lin", None, None)
    assert person(live.container, "c-1") == person(live.container, user.id) == user


def test_name_is_the_email_address_until_there_is_one(live: LiveWorld) -> None:
    invite(live.container)
    assert person(live.container).display_name == MAIL


@pytest.mark.parametrize(
    "details",
    [
        pytest.param(PersonDetails(MAIL, "c-2"), id="other external id"),
        pytest.param(PersonDetails("bo@shop.example", "c-1"), id="other email address"),
    ],
)
def test_email_and_external_id_of_different_people_are_refused(live: LiveWorld, details: PersonDetails) -> None:
    """A wrong email address must not get a link for the password of somebody else."""
    invite(live.container, external_id="c-1")
    with pytest.raises(InvalidInput, match="another e"):
        live.database.write(lambda unit: live.container.people.ensure(unit, details))


def test_ambiguous_and_unknown_references_are_refused(live: LiveWorld) -> None:
    invite(live.container)
    invite(live.container, "bo@shop.example", external_id=MAIL)
    with pytest.raises(InvalidInput, match="Two people match"):
        person(live.container)
    for unknown in ("nobody", "", "\0"):
        with pytest.raises(NotFound):
            person(live.container, unknown)


def test_personas_are_not_people(world: DemoWorld) -> None:
    with pytest.raises(NotFound):
        person(world.container, "excellent@demo")
    with pytest.raises(InvalidInput, match="persona"):
        invite(world.container, "excellent@demo")
    assert world.database.read(lambda unit: unit.users.list_people("", 10)) == []


def test_disabling_ends_everything_at_once_and_enabling_brings_nothing_back(live: LiveWorld) -> None:
    accounts, token = live.container.accounts, invite(live.container)
    user = person(live.container)
    with writing(live.database) as unit:
        client = make_client(unit, make_merchant(unit, make_partner(unit)))
        consent = make_consent(unit, client, user.id)
        session = accounts.sign_in(unit, None, user.id)
    live.database.write(lambda unit: live.container.people.disable(unit, MAIL))
    with pytest.raises(UnusableInvitation) as refused:
        live.container.invitations.find_person(token, "192.0.2.1")
    assert refused.value.problem is Problem.DISABLED
    live.database.write(lambda unit: live.container.people.enable(unit, MAIL))
    with reading(live.database) as unit:
        stored, row = unit.consents.load(consent.id), unit.sessions.load(digest(session.secret))
        assert stored is not None
        assert stored.revoked_at is not None
        assert row is not None
        assert row.ended_at is not None
        assert unit.invitations.load_open(user.id, unit.wall) is None
    assert person(live.container).disabled_at is None


def test_disabled_person_is_not_invited(live: LiveWorld) -> None:
    invite(live.container)
    live.database.write(lambda unit: live.container.people.disable(unit, MAIL))
    with pytest.raises(InvalidInput, match="gateway users enable"):
        invite(live.container)


def test_person_without_a_password_cannot_sign_in(live: LiveWorld) -> None:
    invite(live.container)
    for password in ("", "None", PASSWORD):
        assert live.container.logins.sign_in(None, Attempt(MAIL, password, "192.0.2.1")) is None


def test_email_address_signs_in_in_any_case(live: LiveWorld) -> None:
    live.container.invitations.accept(None, invite(live.container), PASSWORD, "192.0.2.1")
    for username in (MAIL, MAIL.lower(), MAIL.upper()):
        assert live.container.logins.sign_in(None, Attempt(username, PASSWORD, "192.0.2.1")) is not None


def test_session_has_the_language_of_the_person(live: LiveWorld) -> None:
    token = invite(live.container, language="zh")
    secret = live.container.invitations.accept(None, token, PASSWORD, "192.0.2.1").session.secret
    found = live.database.read(lambda unit: live.container.accounts.find_session(unit, secret))
    assert found is not None
    assert found.language == "zh"
