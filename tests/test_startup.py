"""The checks at the start of a process: a database or a Valkey that cannot be used is an error with a sentence."""

import base64
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from gateway.app import create_app
from gateway.bootstrap import build
from gateway.kit.valkey import connect
from gateway.settings import EnvironmentName, Settings, SettingsError
from gateway.startup import prepare_to_serve
from gateway.store.database import Database
from migrations import revisions, runner
from tests.support.deployments import changed, container_of, refusal
from tests.support.units import writing
from tests.support.valkey import ValkeyServer, unreachable_url

pytestmark = pytest.mark.postgresql

OTHER_KEY = SecretStr(base64.b64encode(bytes(32)).decode())


def test_unmigrated_database_is_rejected(settings: Settings, empty_database_url: str) -> None:
    message = refusal(changed(settings, database_url=empty_database_url))
    assert "not migrated" in message
    assert "gateway database upgrade" in message


@pytest.mark.parametrize("environment", EnvironmentName, ids=lambda each: f"F4-{each}")
def test_start_protects_files_of_a_sandbox_and_names_those_of_live(
    settings: Settings,
    sqlite_url: str,
    tmp_path: Path,
    environment: EnvironmentName,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "secret.key").write_text(base64.b64encode(settings.master_key() or b"").decode())
    values = {"environment": environment, "issuer": "https://gateway.example", "adapters": ("car_rental",)}
    started = changed(settings, database_url=sqlite_url, state_directory=tmp_path, **values)
    with container_of(started) as container:
        files = [tmp_path / name for name in ("secret.key", "gateway.db", "gateway.db-wal", "gateway.db-shm")]
        for file in files:
            file.chmod(0o644)
        prepare_to_serve(container)
        modes = {stat.S_IMODE(file.stat().st_mode) for file in files}
    named = [line for line in capsys.readouterr().err.splitlines() if "file_not_private" in line]
    if environment is EnvironmentName.SANDBOX:
        assert (modes, named) == ({0o600}, [])
    else:
        assert (modes, len(named)) == ({0o644}, len(files))


@pytest.mark.parametrize("valkey", ["dead", "evicting", "full", "refusing"])
def test_h1_h3_valkey_that_cannot_be_used_is_not_served(
    deployment: Settings, own_valkey: ValkeyServer, valkey: str
) -> None:
    options: dict[str, tuple[str, Any]] = {
        "evicting": ("maxmemory-policy", "allkeys-lru"),
        "full": ("maxmemory", 1),
    }
    sentences = {
        "dead": "does not respond at this address",
        "evicting": "Set maxmemory-policy to noeviction",
        "full": "the memory of Valkey is full",
        "refusing": "refuses the user name or the password",
    }
    with connect(own_valkey.url) as client:
        if valkey in options:
            name, value = options[valkey]
            client.config_set(name, value)
    url = {"dead": unreachable_url(), "refusing": f"{own_valkey.url}?password=hidden-word"}.get(valkey, own_valkey.url)
    with (
        container_of(changed(deployment, valkey_url=SecretStr(url))) as container,
        pytest.raises(SettingsError) as refused,
    ):
        create_app(container)
    message = str(refused.value)
    assert message.startswith("GATEWAY_VALKEY_URL: ")
    assert sentences[valkey] in message
    assert "hidden-word" not in message


def test_f2_database_one_revision_behind_is_rejected(deployment: Settings) -> None:
    runner.downgrade(deployment.database_url, "-1")
    message = refusal(deployment)
    assert "behind this version" in message
    assert "gateway database upgrade" in message
    runner.upgrade(deployment.database_url)
    build(deployment).close()


def test_f2_database_of_an_unknown_revision_is_rejected(deployment: Settings) -> None:
    with closing(Database(deployment.database_url)) as database, writing(database) as unit:
        unit.connection.exec_driver_sql("UPDATE alembic_version SET version_num = '2099_01_01_1200'")
    message = refusal(deployment)
    assert "2099_01_01_1200, which this version of the gateway does not know" in message


def test_f2_revisions_are_those_of_alembic() -> None:
    assert revisions.newest() == runner.head()


def test_f2_names_of_revisions_sort_in_the_order_of_the_chain() -> None:
    names = sorted(revisions.known())
    assert [revisions.known()[name] for name in names] == [None, *names[:-1]]


@pytest.mark.parametrize(
    ("revision", "expected"),
    [
        pytest.param(revisions.newest(), True, id="own"),
        pytest.param("2099_01_01_1200", True, id="newer"),
        pytest.param(revisions.known()[revisions.newest()], False, id="before"),
        pytest.param("2026_11_29_0000", False, id="unknown-and-older"),
        pytest.param("zzzz", False, id="of-another-program"),
        pytest.param(None, False, id="none"),
    ],
)
def test_h3_running_process_serves_its_own_revision_and_newer_ones(revision: str | None, expected: bool) -> None:
    assert revisions.can_serve(revision) is expected


def test_unreachable_database_is_rejected_without_its_password(settings: Settings, tmp_path: Path) -> None:
    url = f"postgresql://gateway:hunter2@/gateway?host={tmp_path}"
    assert "hunter2" not in refusal(changed(settings, database_url=url))


def test_database_of_another_environment_is_rejected(deployment: Settings) -> None:
    with container_of(deployment):
        pass
    live = changed(
        deployment, environment=EnvironmentName.LIVE, issuer="https://gateway.example", adapters=("car_rental",)
    )
    assert refusal(live) == "This database belongs to a sandbox deployment."


def test_database_of_another_key_is_rejected(deployment: Settings) -> None:
    with container_of(deployment):
        pass
    assert "secret key" in refusal(changed(deployment, secret_key=OTHER_KEY))
    with container_of(deployment):
        pass
