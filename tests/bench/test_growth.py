"""A grown database is one in which the gateway's services can go on, and growth is compared with the aim."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.services.container import Container
from gateway.store.unit import UnitOfWork
from tools.bench import gateway_data, grown_data
from tools.bench.dataset import Dataset
from tools.bench.growth import Growth, Operations, compare, markdown
from tools.bench.token_requests import ClientKeys

DATA = Dataset(users=20, merchants=2, decisions=40)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database of 40 decisions."""
    folder = tmp_path_factory.mktemp("written")
    gateway_data.write(folder, DATA, ClientKeys().jwks)
    return folder


@pytest.fixture
def grown(written: Path, tmp_path: Path) -> Path:
    """A folder with the same database, grown to 400 decisions."""
    folder = tmp_path / "grown"
    shutil.copytree(written, folder)
    grown_data.grow(folder / gateway_data.FILE, 400)
    return folder


@pytest.fixture
def services(grown: Path) -> Iterator[Container]:
    with gateway_data.running_services(gateway_data.url_of(grown), grown) as container:
        yield container


def test_each_table_of_a_decision_grows(grown: Path) -> None:
    rows = gateway_data.count(grown / gateway_data.FILE)
    names = ("decisions", "events", "outbox", "idempotency", "decision")
    assert {name: rows[name] for name in names} == dict.fromkeys(names, 400)


def test_copies_are_older_than_their_originals_and_have_ended(grown: Path) -> None:
    statement = "SELECT merchant_reference NOT LIKE 'stored-%-%', status FROM decisions ORDER BY "
    with closing(sqlite3.connect(grown / gateway_data.FILE)) as database:
        by_id, by_time = (database.execute(statement + order).fetchall() for order in ("id", "created_at"))
    for rows in (by_id, by_time):
        assert [is_original for is_original, _ in rows] == [0] * 360 + [1] * 40
        assert {status for is_original, status in rows if not is_original} == {"EXPIRED", "DECLINED"}


def test_trees_of_a_grown_database_have_all_entries(services: Container) -> None:
    def check(unit: UnitOfWork) -> None:
        for log in (unit.access_log, unit.decision_log):
            tree = log.load_tree()
            assert (tree.size, tree.root()) == (400, log.root_at(400))

    services.database.read(check)


def test_append_only_triggers_stay(grown: Path, written: Path) -> None:
    triggers = []
    for folder in (grown, written):
        with closing(sqlite3.connect(folder / gateway_data.FILE)) as database:
            names = database.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger' ORDER BY name")
            triggers.append(names.fetchall())
    assert triggers[0] == triggers[1] != []


def test_services_read_and_append_in_a_grown_database(services: Container) -> None:
    operations = Operations(services, DATA)
    for operation in operations.by_name.values():
        operation()
    sizes = services.database.read(lambda unit: [log.load_tree().size for log in (unit.access_log, unit.decision_log)])
    assert sizes == [402, 401]


@pytest.mark.parametrize("decisions", [30, 0])
def test_number_that_is_not_a_multiple_is_refused(written: Path, decisions: int) -> None:
    with pytest.raises(ValueError):
        grown_data.grow(written / gateway_data.FILE, decisions)


def test_each_operation_is_measured_in_both_databases_in_each_round(services: Container) -> None:
    operations = Operations(services, DATA)
    operations.by_name = {"access": operations.log_access}
    (growth,) = compare(operations, operations, rounds=2)
    assert len(growth.small) == len(growth.large) == 2
    assert min(*growth.small, *growth.large) > 0


def test_ratio_of_growth_is_the_median_of_the_rounds() -> None:
    assert Growth("access", [100, 100, 200], [110, 300, 240]).ratio == pytest.approx(1.2)


@pytest.mark.parametrize(("large", "reached"), [(125.0, "yes"), (126.0, "no")])
def test_report_says_whether_the_growth_is_within_the_aim(large: float, reached: str) -> None:
    text = markdown([Growth("access", [100.0], [large])], (10, 1_000), "On a machine.")
    assert f"| access | 100 | {large:.0f} | {large / 100:.2f} | at most 1.25 | {reached} |" in text
