"""Settings are read from the environment. An invalid one is refused with the name of its variable."""

import base64
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.setting_names import RETIRED, unread_variables
from gateway.settings import EnvironmentName, Settings, SettingsError, read_settings
from tests.support.live_settings import KEY, LIVE, RANDOM, set_all


@pytest.fixture
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The process environment without GATEWAY_ variables. The test sets them."""
    assert settings.sandbox
    return monkeypatch


def test_empty_environment_is_a_sandbox(environment: pytest.MonkeyPatch) -> None:
    settings = read_settings()
    assert settings.sandbox
    assert settings.master_key() is None
    assert (settings.issuer, settings.adapters) == ("http://127.0.0.1:8000", None)
    assert settings.access_token_life == timedelta(minutes=5)


def test_each_setting_is_read_from_its_variable(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    set_all(environment, LIVE)
    environment.setenv("GATEWAY_STATE_DIRECTORY", str(tmp_path))
    environment.setenv("GATEWAY_WORKER_THREADS", "8")
    environment.setenv("GATEWAY_LOG_LEVEL", "INFO")
    environment.setenv("GATEWAY_SESSION_LIFE", "PT2H")
    environment.setenv("GATEWAY_ADAPTERS", " car_rental, online_shop ,")
    settings = read_settings()
    assert settings.environment is EnvironmentName.LIVE
    assert not settings.sandbox
    assert settings.master_key() == RANDOM
    assert settings.adapters == ("car_rental", "online_shop")
    assert (settings.state_directory, settings.worker_threads, settings.log_level) == (tmp_path, 8, "INFO")
    assert settings.session_life == timedelta(hours=2)


def test_scorecards_are_paths(environment: pytest.MonkeyPatch) -> None:
    assert read_settings().scorecards == ()
    environment.setenv("GATEWAY_SCORECARDS", "/cards/2026.toml, next.toml,")
    assert read_settings().scorecards == (Path("/cards/2026.toml"), Path("next.toml"))


def test_shadow_policies_are_paths_by_adapter(environment: pytest.MonkeyPatch) -> None:
    assert read_settings().shadow_policies == ()
    environment.setenv("GATEWAY_SHADOW_POLICIES", " car_rental = /a/b=c.toml, online_shop=next.toml ,")
    assert read_settings().shadow_policies == (
        ("car_rental", Path("/a/b=c.toml")),
        ("online_shop", Path("next.toml")),
    )
    for wrong in ("car_rental", "car_rental=", "=next.toml", "car_rental=a.toml,car_rental=b.toml"):
        environment.setenv("GATEWAY_SHADOW_POLICIES", wrong)
        with pytest.raises(SettingsError, match=r"^GATEWAY_SHADOW_POLICIES: "):
            read_settings()


def test_networks_and_hosts_are_lists(environment: pytest.MonkeyPatch) -> None:
    assert (read_settings().outgoing_networks, read_settings().jwks_uri_hosts) == ((), ())
    environment.setenv("GATEWAY_OUTGOING_NETWORKS", "10.20.0.0/16, ::1/128,")
    environment.setenv("GATEWAY_JWKS_URI_HOSTS", "Keys.example, keys.example:8443, [::1]:*")
    settings = read_settings()
    assert [str(network) for network in settings.outgoing_networks] == ["10.20.0.0/16", "::1/128"]
    assert settings.jwks_uri_hosts == ("keys.example", "keys.example:8443", "[::1]:*")


def test_argument_overrides_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("GATEWAY_ISSUER", "https://one.example")
    assert read_settings(issuer="https://other.example").issuer == "https://other.example"


def test_empty_variable_counts_as_unset(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("GATEWAY_SECRET_KEY", "")
    environment.setenv("GATEWAY_ADAPTERS", "")
    settings = read_settings()
    assert (settings.secret_key, settings.adapters) == (None, None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("GATEWAY_ENVIRONMENT", "staging", id="environment"),
        pytest.param("GATEWAY_DATABASE_URL", "mysql://db/gateway", id="other-database"),
        pytest.param("GATEWAY_DATABASE_URL", "gateway.db", id="database-path"),
        pytest.param("GATEWAY_ISSUER", "gateway.example", id="issuer-without-scheme"),
        pytest.param("GATEWAY_ISSUER", "https://gateway.example/", id="issuer-with-slash"),
        pytest.param("GATEWAY_ISSUER", "https://gateway.example/path", id="issuer-with-path"),
        pytest.param("GATEWAY_ISSUER", "https://gateway.example?x=1", id="issuer-with-query"),
        pytest.param("GATEWAY_ISSUER", "ftp://gateway.example", id="issuer-of-other-scheme"),
        pytest.param("GATEWAY_SECRET_KEY", "not base64!", id="key-not-base64"),
        pytest.param("GATEWAY_SECRET_KEY", base64.b64encode(bytes(31)).decode(), id="key-too-short"),
        pytest.param("GATEWAY_SECRET_KEY", base64.b64encode(bytes(33)).decode(), id="key-too-long"),
        pytest.param("GATEWAY_WORKER_THREADS", "5", id="too-few-threads"),
        pytest.param("GATEWAY_DOCUMENTS_AT_ONCE", "0", id="A1-no-documents"),
        pytest.param("GATEWAY_DOCUMENTS_WAITING", "0", id="A1-no-queue"),
        pytest.param("GATEWAY_DOCUMENTS_WAITING_PER_CLIENT", "0", id="A1-no-queue-of-a-client"),
        pytest.param("GATEWAY_PASSWORD_HASHES_AT_ONCE", "13", id="A6-no-thread-for-other-requests"),
        pytest.param("GATEWAY_WORKER_THREADS", "201", id="too-many-threads"),
        pytest.param("GATEWAY_WORKER_THREADS", "many", id="threads-not-a-number"),
        pytest.param("GATEWAY_LOG_LEVEL", "LOUD", id="log-level"),
        pytest.param("GATEWAY_ACCESS_TOKEN_LIFE", "five minutes", id="access-token-life"),
        pytest.param("GATEWAY_BASELINE_TOKEN_LIFE", "x", id="baseline-token-life"),
        pytest.param("GATEWAY_REFRESH_TOKEN_LIFE", "x", id="refresh-token-life"),
        pytest.param("GATEWAY_SESSION_IDLE_LIFE", "x", id="session-idle-life"),
        pytest.param("GATEWAY_SESSION_LIFE", "x", id="session-life"),
        pytest.param("GATEWAY_STEP_UP_LIFE", "PT0S", id="step-up-life"),
        pytest.param("GATEWAY_LOGIN_ATTEMPTS", "0", id="login-attempts"),
        pytest.param("GATEWAY_LOGIN_ATTEMPTS_PER_ADDRESS", "0", id="login-attempts-per-address"),
        pytest.param("GATEWAY_LOGIN_WINDOW", "PT0.5S", id="login-window"),
        pytest.param("GATEWAY_VALKEY_URL", "redis://:hidden-word@host", id="valkey-of-other-scheme"),
        pytest.param("GATEWAY_OUTGOING_NETWORKS", "10.0.0.0/8, loopback", id="network-by-name"),
        pytest.param("GATEWAY_OUTGOING_NETWORKS", "10.0.0.1/8", id="network-with-host-bits"),
        pytest.param("GATEWAY_JWKS_URI_HOSTS", "https://keys.example", id="host-with-scheme"),
        pytest.param("GATEWAY_JWKS_URI_HOSTS", "keys.example/path", id="host-with-path"),
        pytest.param("GATEWAY_JWKS_URI_HOSTS", "keys.example:port", id="host-with-a-word-for-a-port"),
    ],
)
def test_invalid_setting_is_refused_with_its_variable(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    environment.setenv(name, value)
    with pytest.raises(SettingsError) as error:
        read_settings()
    assert str(error.value).startswith(f"{name}: ")


def test_all_invalid_settings_are_named(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("GATEWAY_ISSUER", "x")
    environment.setenv("GATEWAY_LOG_LEVEL", "x")
    with pytest.raises(SettingsError) as error:
        read_settings()
    assert {line.partition(":")[0] for line in str(error.value).split("; ")} == {
        "GATEWAY_ISSUER",
        "GATEWAY_LOG_LEVEL",
    }


def test_valkey_address_is_not_shown(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("GATEWAY_VALKEY_URL", "redis://:hidden-word@host")
    with pytest.raises(SettingsError) as error:
        read_settings()
    environment.setenv("GATEWAY_VALKEY_URL", "valkey://:hidden-word@host")
    assert "hidden-word" not in f"{error.value}{read_settings()!r}"


def test_message_about_an_invalid_key_does_not_show_it(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("GATEWAY_SECRET_KEY", "hunter2hunter2")
    with pytest.raises(SettingsError) as error:
        read_settings()
    assert "hunter2" not in str(error.value)
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        pytest.param("ACCESS_TOKEN_LIFE", "P365D", "must be at most 1 hour", id="F5-access-token-life"),
        pytest.param("BASELINE_TOKEN_LIFE", "P365D", "must be at most 30 days", id="F5-baseline-token-life"),
        pytest.param("REFRESH_TOKEN_LIFE", "P4000D", "must be at most 400 days", id="F5-refresh-token-life"),
        pytest.param("SESSION_LIFE", "P365D", "must be at most 30 days", id="F5-session-life"),
        pytest.param("SESSION_IDLE_LIFE", "P2D", "must be at most 1 day", id="F5-session-idle-life"),
        pytest.param("STEP_UP_LIFE", "P1D", "must be at most 1 hour", id="F5-step-up-life"),
        pytest.param("RETIRED_KEY_LIFE", "P9999D", "must be at most 3660 days", id="F5-retired-key-life"),
        pytest.param("ACCESS_TOKEN_LIFE", "PT0.5S", "must be at least 1 second", id="F5-shortest-life"),
        pytest.param("SESSION_LIFE", "-P1D", "must be at least 1 second", id="F5-negative-life"),
        pytest.param("SESSION_LIFE", "x", 'must be a duration, such as "PT10M" or "P30D"', id="F7-duration"),
        pytest.param("WORKER_THREADS", "many", "must be a whole number", id="F7-number"),
        pytest.param("WORKER_THREADS", "9" * 5000, "must be a whole number", id="F7-huge-number"),
        pytest.param("WORKER_THREADS", "1.5", "must be a whole number", id="F7-fraction"),
        pytest.param("WORKER_THREADS", "500", "must be at most 200", id="F7-too-large"),
        pytest.param("ENVIRONMENT", "prod", "must be sandbox or live", id="F7-environment"),
        pytest.param("LOG_LEVEL", "LOUD", "must be DEBUG, INFO, WARNING or ERROR", id="F7-log-level"),
    ],
)
def test_invalid_value_gets_a_sentence_of_our_own(
    environment: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    environment.setenv(f"GATEWAY_{name}", value)
    with pytest.raises(SettingsError) as error:
        read_settings()
    assert str(error.value) == f"GATEWAY_{name}: {sentence}"


def test_f4_state_directory_moves_the_sqlite_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert read_settings().database_url == "sqlite:///.sandbox/gateway.db"
    environment.setenv("GATEWAY_STATE_DIRECTORY", str(tmp_path))
    assert read_settings().database_url == f"sqlite:///{tmp_path}/gateway.db"
    environment.setenv("GATEWAY_DATABASE_URL", "sqlite:///elsewhere.db")
    assert read_settings().database_url == "sqlite:///elsewhere.db"


def test_trusted_proxies_are_addresses_and_networks(environment: pytest.MonkeyPatch) -> None:
    assert read_settings().trusted_proxies == ()
    environment.setenv("GATEWAY_TRUSTED_PROXIES", "10.1.0.0/16, ::1,192.0.2.1")
    assert read_settings().trusted_proxies == ("10.1.0.0/16", "::1/128", "192.0.2.1/32")


@pytest.mark.parametrize("value", ["*", "proxy.example", "10.0.0.1/8", "10.0.0.0/8;10.1.0.0/16", "300.1.1.1"])
def test_invalid_proxy_address_is_refused(environment: pytest.MonkeyPatch, value: str) -> None:
    environment.setenv("GATEWAY_TRUSTED_PROXIES", value)
    with pytest.raises(SettingsError) as error:
        read_settings()
    assert "GATEWAY_TRUSTED_PROXIES" in str(error.value)


def test_settings_cannot_be_changed_and_do_not_show_the_key(environment: pytest.MonkeyPatch) -> None:
    set_all(environment, LIVE)
    settings = read_settings()
    assert KEY not in repr(settings)
    with pytest.raises(ValidationError):
        settings.issuer = "https://evil.example"  # type: ignore[misc]


@pytest.mark.parametrize("name", sorted(RETIRED))
def test_retired_variable_is_named_with_its_replacement(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.setenv(name, "1")
    assert unread_variables() == [f"{name} is no longer read. Its new name is {RETIRED[name]}."]


def test_replacements_of_retired_variables_are_settings() -> None:
    assert {name.removeprefix("GATEWAY_").lower() for name in RETIRED.values()} <= set(Settings.model_fields)


def test_misspelled_variable_gets_a_suggestion(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("GATEWAY_ISUER", "x")
    assert unread_variables() == ["GATEWAY_ISUER is not a setting and is ignored. Did you mean GATEWAY_ISSUER?"]


def test_unknown_variable_without_a_similar_setting_is_named(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("GATEWAY_COLOUR", "x")
    (sentence,) = unread_variables()
    assert sentence.startswith("GATEWAY_COLOUR is not a setting and is ignored.")
    assert "Did you mean" not in sentence


def test_warning_about_a_variable_contains_no_value(environment: pytest.MonkeyPatch) -> None:
    set_all(environment, dict.fromkeys(("GATEWAY_SECRETKEY", "GATEWAY_X", *RETIRED), "hunter2"))
    assert len(unread_variables()) == 2 + len(RETIRED)
    assert "hunter2" not in "".join(unread_variables())


def test_settings_in_any_case_are_read_without_a_warning(environment: pytest.MonkeyPatch) -> None:
    set_all(environment, {"GATEWAY_ISSUER": "https://a.example", "gateway_log_level": "INFO"})
    assert read_settings().log_level == "INFO"
    assert unread_variables() == []


@pytest.mark.parametrize(
    "name",
    [
        "GATEWAY_TEST_DATABASE_URL",
        "GATEWAY_SERVICE_HOST",
        "GATEWAY_SERVICE_PORT_HTTP",
        "GATEWAY_PORT",
        "GATEWAY_PORT_8000_TCP_ADDR",
        "GATEWAY_API_SERVICE_PORT",
    ],
)
def test_variables_of_tests_and_container_platforms_cause_no_warning(
    environment: pytest.MonkeyPatch, name: str
) -> None:
    environment.setenv(name, "tcp://10.0.0.1:8000")
    assert unread_variables() == []


def test_f4_port_that_a_person_has_set_causes_a_warning(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("GATEWAY_PORT", "8220")
    (sentence,) = unread_variables()
    assert sentence.startswith("GATEWAY_PORT is not a setting and is ignored.")
