"""What a live deployment refuses: missing settings, and values that are unsafe."""

import base64

import pytest

from gateway.settings import Settings, SettingsError, read_settings
from tests.support.live_settings import KEY, LIVE, RANDOM, set_all


@pytest.fixture
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The process environment without GATEWAY_ variables. The test sets them."""
    assert settings.sandbox
    return monkeypatch


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        pytest.param("GATEWAY_ISSUER", "http://gateway.example", "issuer", id="http-issuer"),
        pytest.param("GATEWAY_SECRET_KEY", "", "secret_key", id="no-key"),
        pytest.param("GATEWAY_ADAPTERS", "", "adapters", id="no-adapters"),
    ],
)
def test_live_refuses_sandbox_settings(environment: pytest.MonkeyPatch, name: str, value: str, word: str) -> None:
    set_all(environment, {**LIVE, name: value})
    with pytest.raises(SettingsError) as error:
        read_settings()
    assert word in str(error.value).lower()
    assert KEY not in str(error.value)


def test_live_names_all_missing_settings_with_an_example(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("GATEWAY_ENVIRONMENT", "live")
    with pytest.raises(SettingsError) as error:
        read_settings()
    assert str(error.value).split("; ") == [
        "GATEWAY_ISSUER: must be https in live, such as https://gateway.example",
        "GATEWAY_SECRET_KEY: is required in live: openssl rand -base64 32",
        "GATEWAY_ADAPTERS: is required in live: the adapters to load, such as car_rental,online_shop",
        "GATEWAY_DATABASE_URL: is required in live, such as postgresql://USER@HOST/NAME",
    ]


def test_live_does_not_fall_back_to_the_database_of_a_sandbox(environment: pytest.MonkeyPatch) -> None:
    set_all(environment, {name: value for name, value in LIVE.items() if name != "GATEWAY_DATABASE_URL"})
    with pytest.raises(SettingsError, match="GATEWAY_DATABASE_URL"):
        read_settings()
    assert read_settings(database_url="sqlite:///gateway.db").database_url == "sqlite:///gateway.db"


def key(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("GATEWAY_SECRET_KEY", key(bytes(32)), id="F5-zero-key"),
        pytest.param("GATEWAY_SECRET_KEY", key(b"\xaa" * 32), id="F5-one-byte-repeated"),
        pytest.param("GATEWAY_SECRET_KEY", key(RANDOM[:16] * 2), id="F5-half-a-key-twice"),
        pytest.param("GATEWAY_SECRET_KEY", key(RANDOM[:12] * 2 + RANDOM[:8]), id="F5-pattern-repeated"),
        pytest.param("GATEWAY_SECRET_KEY", key(bytes(range(32))), id="F5-sequence"),
        pytest.param("GATEWAY_SECRET_KEY", key(bytes(range(255, 223, -1))), id="F5-falling-sequence"),
        pytest.param("GATEWAY_SECRET_KEY", key(b"my own secret key of 32 letters."), id="F5-text"),
        pytest.param("GATEWAY_SECRET_KEY", key(bytes(24) + RANDOM[:8]), id="F5-mostly-zero"),
        pytest.param("GATEWAY_TRUSTED_PROXIES", "0.0.0.0/0", id="F5-any-proxy"),
        pytest.param("GATEWAY_TRUSTED_PROXIES", "10.0.0.1,::/0", id="F5-any-ipv6-proxy"),
        pytest.param("GATEWAY_TRUSTED_PROXIES", "64.0.0.0/7", id="F5-wide-proxies"),
        pytest.param("GATEWAY_TRUSTED_PROXIES", "0.0.0.0/1,128.0.0.0/1", id="F5-two-halves"),
        pytest.param("GATEWAY_TRUSTED_PROXIES", "2000::/3", id="F5-every-public-ipv6-proxy"),
        pytest.param("GATEWAY_TRUSTED_PROXIES", "::ffff:0:0/96", id="F5-ipv4-within-ipv6"),
        pytest.param("GATEWAY_OUTGOING_NETWORKS", "0.0.0.0/0", id="F5-any-network"),
        pytest.param("GATEWAY_OUTGOING_NETWORKS", "::/0", id="F5-any-ipv6-network"),
        pytest.param("GATEWAY_OUTGOING_NETWORKS", "169.254.169.254/32", id="F5-metadata-of-the-cloud"),
        pytest.param("GATEWAY_OUTGOING_NETWORKS", "fe80::/64", id="F5-link-local"),
        pytest.param("GATEWAY_LOGIN_ATTEMPTS", "10000", id="F5-login-attempts"),
        pytest.param("GATEWAY_LOGIN_ATTEMPTS_PER_ADDRESS", "1000000", id="F5-login-attempts-per-address"),
        pytest.param("GATEWAY_LOGIN_WINDOW", "PT1S", id="F5-login-window"),
        pytest.param("GATEWAY_INQUIRIES_PER_HOUR", "100000", id="F5-inquiries"),
        pytest.param("GATEWAY_VALKEY_URL", "valkey://:hidden-word@8.8.8.8:6379/0", id="F5-valkey-in-the-open"),
    ],
)
def test_live_refuses_unsafe_values_that_a_sandbox_accepts(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    environment.setenv(name, value)
    assert read_settings().sandbox
    set_all(environment, {**LIVE, name: value})
    with pytest.raises(SettingsError) as error:
        read_settings()
    assert str(error.value).startswith(f"{name}: ")
    assert "; " not in str(error.value)
    assert "hidden-word" not in str(error.value)
    assert name != "GATEWAY_SECRET_KEY" or value not in str(error.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("GATEWAY_TRUSTED_PROXIES", "10.0.0.0/8,fc00::/7,104.16.0.0/13,2400:cb00::/32", id="F5-proxies"),
        pytest.param("GATEWAY_OUTGOING_NETWORKS", "10.0.0.0/8,192.168.0.0/16,127.0.0.1/32", id="F5-networks"),
        pytest.param("GATEWAY_VALKEY_URL", "valkey://10.0.0.7:6379/0", id="F5-private-valkey"),
        pytest.param("GATEWAY_VALKEY_URL", "valkeys://8.8.8.8:6379/0", id="F5-valkey-over-tls"),
    ],
)
def test_live_accepts_an_operators_own_networks(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    set_all(environment, {**LIVE, name: value})
    assert not read_settings().sandbox
