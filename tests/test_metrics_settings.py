"""The address of the metrics: on this machine, unless a second setting says otherwise."""

import pytest

from gateway.settings import Settings, SettingsError, read_settings


@pytest.fixture
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The process environment without GATEWAY_ variables. The test sets them."""
    assert settings.sandbox
    return monkeypatch


@pytest.mark.parametrize(
    ("value", "endpoint"),
    [("127.0.0.1:9464", ("127.0.0.1", 9464)), ("127.1.2.3:1", ("127.1.2.3", 1)), ("[::1]:65535", ("::1", 65535))],
)
def test_metrics_are_served_on_this_machine(
    environment: pytest.MonkeyPatch, value: str, endpoint: tuple[str, int]
) -> None:
    assert read_settings().metrics_endpoint is None
    environment.setenv("GATEWAY_METRICS_ADDRESS", value)
    assert read_settings().metrics_endpoint == endpoint


@pytest.mark.parametrize("value", ["0.0.0.0:9464", "10.0.0.5:9464", "[::]:9464", "[2001:db8::1]:9464"])
def test_metrics_are_served_elsewhere_only_if_a_second_setting_says_so(
    environment: pytest.MonkeyPatch, value: str
) -> None:
    environment.setenv("GATEWAY_METRICS_ADDRESS", value)
    with pytest.raises(SettingsError, match=r"^GATEWAY_METRICS_ADDRESS: .*GATEWAY_METRICS_BEYOND_LOOPBACK=true"):
        read_settings()
    environment.setenv("GATEWAY_METRICS_BEYOND_LOOPBACK", "true")
    assert read_settings().metrics_endpoint is not None


@pytest.mark.parametrize(
    "value", ["9464", "127.0.0.1", "localhost:9464", "127.0.0.1:0", "127.0.0.1:65536", "::1:9464", "[127.0.0.1]:1x"]
)
def test_address_of_metrics_that_cannot_be_read_is_refused(environment: pytest.MonkeyPatch, value: str) -> None:
    environment.setenv("GATEWAY_METRICS_ADDRESS", value)
    with pytest.raises(SettingsError, match=r"^GATEWAY_METRICS_ADDRESS: must "):
        read_settings()
