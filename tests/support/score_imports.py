"""Files with behaviour records, and people to import them for."""

import io
import json
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from gateway.domain.identity.person import PersonDetails
from gateway.kit.clock import business_time
from gateway.services.container import Container
from gateway.services.imports.rows import Fault
from gateway.services.scoring.computation import ScoreComputation
from gateway.services.scoring.record_import import RecordImport, RecordsImported
from gateway.store.scoring.records import BehaviourRecordRow
from gateway.store.scoring.scores import PersonScoreRow
from gateway.store.unit import UnitOfWork
from tests.support.units import reading, writing


def row(number: int = 1, **values: Any) -> dict[str, Any]:
    """A row of a file: a kept rental of the person "mei"."""
    return {
        "person": "mei",
        "source": "harbour",
        "id": f"r{number}",
        "dimension": "FULFILMENT",
        "kind": "KEPT",
        "partner": f"partner {number % 4}",
        "amount": "100.00",
        "currency": "CNY",
        "at": f"2026-{3 + number % 8:02}-02",
        **values,
    }


def history(count: int = 12, **values: Any) -> list[dict[str, Any]]:
    """Kept rentals at four partners in eight months."""
    return [row(number, **values) for number in range(count)]


def lines(rows: Sequence[dict[str, Any]]) -> io.BytesIO:
    """A file with these rows, as JSON Lines."""
    return io.BytesIO("".join(f"{json.dumps(each)}\n" for each in rows).encode())


def importer(container: Container) -> RecordImport:
    """The import of a deployment, as its command makes it."""
    return RecordImport(container.database, container.ids)


def computation(container: Container) -> ScoreComputation:
    """The computation of a deployment, as its command makes it."""
    return ScoreComputation(container.database, container.scorecard)


def make_people(container: Container, *external_ids: str) -> None:
    """Creates people with these external ids."""
    with writing(container.database) as unit:
        for each in external_ids:
            container.people.ensure(unit, PersonDetails(f"{each}@shop.example", each))


def import_records(container: Container, *rows: dict[str, Any]) -> RecordsImported:
    """Imports these rows, which must have no fault."""
    file = importer(container).read(lines(rows))
    with closing(file.spool):
        assert file.faults == []
        return importer(container).run(file)


def faults_of(container: Container, *rows: dict[str, Any]) -> list[Fault]:
    """The faults of a file with these rows."""
    file = importer(container).read(lines(rows))
    file.spool.close()
    return list(file.faults)


def user_id(unit: UnitOfWork, external_id: str) -> str:
    user = unit.users.load_by_external_id(external_id)
    assert user is not None
    return user.id


def records_of(container: Container, external_id: str = "mei") -> list[BehaviourRecordRow]:
    """The visible records of a person."""
    with reading(container.database) as unit:
        return unit.behaviour_records.list_of_user(user_id(unit, external_id))


def compute(container: Container, external_id: str = "mei") -> PersonScoreRow:
    """The score of a person, computed if it is due."""
    with writing(container.database) as unit:
        return container.scorecard.compute(unit, user_id(unit, external_id), business_time(unit.wall, 0))
