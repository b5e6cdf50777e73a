"""Building a deployment, and its errors for a foreign database, key or package."""

import base64
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import structlog
from pydantic import SecretStr

from gateway.app import create_app
from gateway.bootstrap import build
from gateway.domain.errors import Misconfigured
from gateway.kit.limits import RateLimit, TooManyAttempts
from gateway.services.container import Container
from gateway.settings import EnvironmentName, Settings, SettingsError
from gateway.sources.scorecard.card_files import SHIPPED
from merchants.car_rental import CarRental
from merchants.policies.tables import read_table
from tests.support.at_once import at_once
from tests.support.clock import MovableClock
from tests.support.deployments import changed, container_of, refusal
from tests.support.factories import make_client, make_merchant, make_partner
from tests.support.units import writing

pytestmark = pytest.mark.postgresql

CAR_RENTAL_POLICY = Path(__file__).parent.parent / "merchants" / "car_rental" / "policy.toml"


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_deployment_can_be_built_again_over_its_database(deployment: Settings, clock: MovableClock) -> None:
    with closing(build(deployment, clock=clock)) as first:
        assert first.clock is clock
        assert {"car_rental", "online_shop"} <= set(first.registry)
        seed = first.seeding.seed_demo()
    with closing(build(deployment, clock=clock)) as second:
        assert second.seeding.seed_demo() == seed


def test_concurrent_builds_share_a_new_database(deployment: Settings) -> None:
    started = at_once([partial(build, changed(deployment, worker_threads=2))] * 6)
    containers = [each for each in started if isinstance(each, Container)]
    for container in containers:
        container.close()
    assert len(containers) == 6, started


def test_live_is_not_served_with_a_baseline_client(deployment: Settings) -> None:
    live = changed(
        deployment, environment=EnvironmentName.LIVE, issuer="https://gateway.example", adapters=("car_rental",)
    )
    with container_of(live) as container:
        with writing(container.database) as unit:
            client_id = make_client(unit, make_merchant(unit, make_partner(unit)), profile="baseline")
        with pytest.raises(SettingsError, match=f"gateway clients disable {client_id}"):
            create_app(container)
        with writing(container.database) as unit:
            container.clients.disable(unit, client_id)
        create_app(container)


@pytest.mark.parametrize("url", ["valkey://:hidden-word@host:port", "valkey://:hidden-word/@host:1:2/0"])
def test_invalid_valkey_url_is_rejected_without_its_password(deployment: Settings, url: str) -> None:
    message = refusal(changed(deployment, valkey_url=SecretStr(url)))
    assert message.startswith("GATEWAY_VALKEY_URL: ")
    assert "hidden-word" not in message


@pytest.mark.parametrize("amounts", ["much", "1.00 XXX", "1.00 CNY, 2.00 CNY"])
def test_invalid_step_up_amount_is_rejected(deployment: Settings, amounts: str) -> None:
    assert refusal(changed(deployment, step_up_amount=amounts)).startswith("GATEWAY_STEP_UP_AMOUNT: ")


def test_processes_share_limits_and_replays_in_valkey(deployment: Settings, valkey_url: str) -> None:
    shared, once = changed(deployment, valkey_url=SecretStr(valkey_url)), RateLimit("test", 1, timedelta(minutes=1))
    with container_of(shared) as one, container_of(shared) as other:
        assert [each.replays.record_use("one", 60).first for each in (one, other)] == [True, False]
        one.rate_limiter.hit(once, "mei")
        with pytest.raises(TooManyAttempts):
            other.rate_limiter.hit(once, "mei")


def test_adapter_that_is_not_installed_is_rejected(deployment: Settings) -> None:
    with pytest.raises(Misconfigured, match="space_travel"):
        build(changed(deployment, adapters=("car_rental", "space_travel")))


def test_only_adapters_of_the_setting_are_loaded(deployment: Settings) -> None:
    with container_of(changed(deployment, adapters=("online_shop",))) as container:
        assert list(container.registry) == ["online_shop"]


def test_policy_without_a_version_in_force_is_rejected(
    deployment: Settings, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = CAR_RENTAL_POLICY.read_text(encoding="utf-8").replace("effective = 2026-11-01", "effective = 2026-11-24")
    monkeypatch.setattr(CarRental, "policy", read_table(later, CarRental.columns, "car_rental/policy.toml"))

    with pytest.raises(Misconfigured, match=r"effective from 2026-11-24, and there is no earlier version"):
        build(deployment, clock=clock)
    clock.advance(hours=12)
    build(deployment, clock=clock).close()


@pytest.mark.parametrize(
    ("key", "old", "new", "problem"),
    [
        ("moon_travel", "", "", "no adapter moon_travel is loaded"),
        ("lender", "", "", "next.toml: rule 'starter': every approval"),
        ("car_rental", "share = 70", "share = 700", "next.toml: rule 'very-good': share"),
        ("car_rental", "when.open_overdue", "when.weather", "next.toml: rule 'overdue', column 'weather'"),
        ("car_rental", '"CNY"', '"EUR"', "next.toml: the currency of car_rental is CNY, not EUR"),
    ],
)
def test_invalid_shadow_policy_is_rejected(
    deployment: Settings, tmp_path: Path, key: str, old: str, new: str, problem: str
) -> None:
    text = CAR_RENTAL_POLICY.read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "next.toml"
    file.write_text(text.replace(old, new) if old else text, encoding="utf-8")

    message = refusal(changed(deployment, shadow_policies=((key, file),)))
    assert message.startswith("GATEWAY_SHADOW_POLICIES: ")
    assert problem in message


def test_missing_shadow_policy_is_rejected(deployment: Settings, tmp_path: Path) -> None:
    message = refusal(changed(deployment, shadow_policies=(("car_rental", tmp_path / "none.toml"),)))
    assert "none.toml: cannot be read" in message


@pytest.fixture
def keyless(settings: Settings, sqlite_url: str, tmp_path: Path) -> Settings:
    """The settings of a sandbox without a secret key, whose state directory does not exist yet."""
    return changed(settings, database_url=sqlite_url, secret_key=None, state_directory=tmp_path / "a" / "state")


def test_sandbox_key_file_is_readable_by_its_owner_only(keyless: Settings) -> None:
    path = keyless.state_directory / "secret.key"
    before = os.umask(0)
    try:
        with container_of(keyless):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    assert len(base64.b64decode(text, validate=True)) == 32
    with container_of(keyless):
        pass
    assert path.read_text() == text


def test_configured_key_writes_no_key_file(deployment: Settings) -> None:
    with container_of(deployment):
        assert not (deployment.state_directory / "secret.key").exists()


def test_database_is_rejected_after_a_lost_key_file(keyless: Settings) -> None:
    with container_of(keyless):
        pass
    (keyless.state_directory / "secret.key").unlink()
    assert "secret key" in refusal(keyless)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(base64.b64encode(bytes(31)), id="short"),
        pytest.param(b"not a key", id="not-base64"),
        pytest.param(b"!" + base64.b64encode(bytes(32)), id="more-than-base64"),
        pytest.param(b"\xff\xfe\x00", id="binary"),
    ],
)
def test_invalid_key_file_is_rejected_and_kept(keyless: Settings, content: bytes) -> None:
    path = keyless.state_directory / "secret.key"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    message = refusal(keyless)
    assert message.startswith(f"{path} does not hold a key.")
    assert path.read_bytes() == content


def test_unreadable_key_file_is_rejected_with_its_path(keyless: Settings) -> None:
    path = keyless.state_directory / "secret.key"
    path.mkdir(parents=True)
    assert str(path) in refusal(keyless)


def test_key_file_can_end_in_a_newline(keyless: Settings) -> None:
    path = keyless.state_directory / "secret.key"
    path.parent.mkdir(parents=True)
    path.write_bytes(base64.b64encode(bytes(32)) + b"\n")
    with container_of(keyless):
        pass


@pytest.mark.parametrize("content", [None, "", "no certificate"], ids=["absent", "empty", "junk"])
def test_invalid_ca_file_is_rejected(settings: Settings, tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "authorities.crt"
    if content is not None:
        file.write_text(content)
    assert refusal(changed(settings, outgoing_ca_file=file)).startswith("GATEWAY_OUTGOING_CA_FILE: ")


def test_foreign_package_of_the_same_name_is_rejected(settings: Settings, tmp_path: Path) -> None:
    foreign = tmp_path / "elsewhere" / "schema"
    foreign.mkdir(parents=True)
    (foreign / "__init__.py").write_text('"""Another package named `schema`."""\n')
    program = (
        "from gateway.bootstrap import build\nfrom gateway.settings import SettingsError, read_settings\n"
        "try:\n    build(read_settings())\nexcept SettingsError as error:\n    print(error)\n"
    )
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{foreign.parent}{os.pathsep}{root}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"Another package named schema shadows ours. Uninstall it: {foreign / '__init__.py'}\n"
    assert not (tmp_path / ".sandbox").exists(), "the error is raised before anything is written"


def test_scorecards_of_the_setting_are_used(deployment: Settings, tmp_path: Path) -> None:
    card, broken = tmp_path / "card.toml", tmp_path / "broken.toml"
    card.write_text(SHIPPED.read_text(encoding="utf-8").replace("2026-11-29", "of the setting"), encoding="utf-8")
    broken.write_text(SHIPPED.read_text(encoding="utf-8").replace("base = 400", "base = 4"), encoding="utf-8")
    with container_of(changed(deployment, scorecards=(card,))) as container:
        assert [each.version for each in container.scorecard.cards] == ["of the setting"]
    for files, problem in (((broken,), "reach"), ((card, SHIPPED), "same effective date"), ((tmp_path / "x",), "read")):
        message = refusal(changed(deployment, scorecards=files))
        assert message.startswith("GATEWAY_SCORECARDS: ")
        assert problem in message


def test_scorecard_that_is_not_yet_in_force_is_refused(deployment: Settings, tmp_path: Path) -> None:
    later = tmp_path / "later.toml"
    later.write_text(SHIPPED.read_text(encoding="utf-8").replace("2026-11-01", "2099-01-01"), encoding="utf-8")
    assert "effective from 2099-01-01" in refusal(changed(deployment, scorecards=(later,)))
