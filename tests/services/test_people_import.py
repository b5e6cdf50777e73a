"""The import of people: all rows or none, repetition, updates, exchanged addresses, and the record log."""

import io
from collections.abc import Iterator
from contextlib import closing

import pytest

from gateway.audit.log_verification import verify_logs
from gateway.audit.records import compare_records
from gateway.domain.errors import InvalidInput
from gateway.services.identity import people_import
from gateway.services.identity.invitations import Problem, UnusableInvitation
from gateway.services.identity.people_import import PeopleImported
from gateway.services.imports.rows import Fault
from gateway.store.logs import record_log
from tests.support.clock import MovableClock
from tests.support.demo_world import DemoWorld
from tests.support.live_world import LiveWorld
from tests.support.people import import_rows, invite, person
from tests.support.units import reading

MEI = {"external_id": "1", "email": "mei@shop.example", "language": "zh", "name": "Mei"}
BO = {"external_id": "2", "email": "bo@shop.example"}


@pytest.fixture
def live(database_url: str, clock: MovableClock) -> Iterator[LiveWorld]:
    """A live deployment on each kind of database in turn."""
    with closing(LiveWorld(database_url, clock)) as opened:
        yield opened


def details(live: LiveWorld) -> list[tuple[str, ...]]:
    people = live.rows("SELECT external_id, username, email, language, display_name FROM users ORDER BY external_id")
    return [tuple(row) for row in people]


def find_mismatches(live: LiveWorld) -> list[object]:
    """What the logs and the records show as changed."""
    with reading(live.database) as unit:
        findings = [finding for _, finding in compare_records(unit, 100) if finding is not None]
        return [*findings, *([] if verify_logs(unit).intact else ["logs"])]


def test_repeated_import_changes_nothing(live: LiveWorld) -> None:
    assert import_rows(live.container, MEI, BO) == PeopleImported(created=2)
    before = live.contents()
    assert import_rows(live.container, MEI, BO) == PeopleImported(unchanged=2)
    assert live.contents() == before
    assert details(live) == [
        ("1", "mei@shop.example", "mei@shop.example", "zh", "Mei"),
        ("2", "bo@shop.example", "bo@shop.example", None, "bo@shop.example"),
    ]
    assert find_mismatches(live) == []


def test_changed_values_are_updated_and_absent_ones_stay(live: LiveWorld) -> None:
    import_rows(live.container, MEI, BO)
    changed = {"external_id": "1", "email": "Mei.Lin@shop.example"}
    assert import_rows(live.container, changed, {**BO, "language": "en"}) == PeopleImported(updated=2)
    assert details(live) == [
        ("1", "mei.lin@shop.example", "Mei.Lin@shop.example", "zh", "Mei"),
        ("2", "bo@shop.example", "bo@shop.example", "en", "bo@shop.example"),
    ]
    assert find_mismatches(live) == []


@pytest.mark.postgresql
def test_changed_address_ends_the_invitation_that_was_sent_to_the_earlier_one(live: LiveWorld) -> None:
    import_rows(live.container, MEI)
    token = invite(live.container, MEI["email"])
    import_rows(live.container, {**MEI, "name": "Mei Lin"})
    assert live.container.invitations.find_person(token, "192.0.2.1").display_name == "Mei Lin"
    import_rows(live.container, {**MEI, "email": "new@shop.example"})
    with pytest.raises(UnusableInvitation) as refused:
        live.container.invitations.find_person(token, "192.0.2.1")
    assert refused.value.problem is Problem.EXPIRED


@pytest.mark.postgresql
def test_invited_person_gets_the_external_id(live: LiveWorld) -> None:
    invite(live.container, MEI["email"])
    user = person(live.container, MEI["email"])
    assert import_rows(live.container, MEI) == PeopleImported(updated=1)
    assert person(live.container, "1").id == user.id


@pytest.mark.postgresql
@pytest.mark.parametrize("batch", [1, 2, 500])
def test_people_can_exchange_their_addresses(live: LiveWorld, monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    monkeypatch.setattr(people_import, "BATCH", batch)
    addresses = ["a@shop.example", "b@shop.example", "c@shop.example"]
    import_rows(live.container, *({"external_id": str(n), "email": email} for n, email in enumerate(addresses)))
    moved = [
        {"external_id": str((n + 1) % 4), "email": email} for n, email in enumerate([*addresses, "d@shop.example"])
    ]
    assert import_rows(live.container, *moved) == PeopleImported(created=1, updated=3)
    assert [row[:2] for row in details(live)] == [
        ("0", "d@shop.example"),
        ("1", "a@shop.example"),
        ("2", "b@shop.example"),
        ("3", "c@shop.example"),
    ]
    assert find_mismatches(live) == []


@pytest.mark.postgresql
def test_taken_addresses_are_refused_with_their_lines_and_nothing_is_written(live: LiveWorld) -> None:
    import_rows(live.container, MEI, BO)
    invite(live.container, "li@shop.example")
    before = live.contents()
    result = import_rows(
        live.container,
        {"external_id": "3", "email": "new@shop.example"},
        {"external_id": "4", "email": "MEI@shop.example"},
        {"external_id": "2", "email": "li@shop.example"},
    )
    taken = "The email address belongs to another person."
    assert result == PeopleImported(faults=[Fault(2, "email", taken), Fault(3, "email", taken)])
    assert live.contents() == before


def test_address_of_a_persona_is_refused(world: DemoWorld) -> None:
    result = import_rows(world.container, {"external_id": "1", "email": "excellent@demo"})
    assert result.faults == [Fault(1, "email", "This is the username of a persona.")]
    assert import_rows(world.container, MEI) == PeopleImported(created=1)


def test_one_fault_refuses_the_whole_file(live: LiveWorld) -> None:
    rows = [MEI, {**BO, "email": "bo"}, {**BO, "language": "fr"}, {**MEI, "external_id": "3"}, {**BO, "name": "\u202e"}]
    result = import_rows(live.container, *rows)
    assert [(fault.line, fault.field) for fault in result.faults] == [
        (2, "email"),
        (3, "language"),
        (4, "email"),
        (5, "name"),
    ]
    assert live.counts()["users"] == 0


@pytest.mark.parametrize("field", ["external_id", "email", "name"])
def test_white_space_around_a_value_is_named(live: LiveWorld, field: str) -> None:
    result = import_rows(live.container, {**MEI, field: f" {MEI[field]}"})
    assert result.faults == [Fault(1, field, "Must not begin or end with white space.")]


def test_file_that_changes_meanwhile_is_refused(live: LiveWorld) -> None:
    class Changing(io.BytesIO):
        """Has another content when it is read again."""

        def seek(self, offset: int, whence: int = 0) -> int:
            if self.tell():
                self.truncate(0)
                super().seek(0)
                self.write(b"external_id,email\n1,mei\n")
            return super().seek(offset, whence)

    with pytest.raises(InvalidInput, match="changed"):
        live.container.people_import.run(Changing(b"external_id,email\n1,mei@shop.example\n"))
    assert live.counts()["users"] == 0


@pytest.mark.postgresql
def test_large_import_is_logged_in_batches(live: LiveWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_log, "_BATCH", 7)
    monkeypatch.setattr(people_import, "BATCH", 5)
    rows = [{"external_id": str(number), "email": f"p{number}@shop.example"} for number in range(50)]
    assert import_rows(live.container, *rows) == PeopleImported(created=50)
    assert live.counts()["record_log"] == 50
    assert find_mismatches(live) == []
