"""The issuer is written as browsers write an origin, or the server does not start."""

import pytest

from gateway.settings import SettingsError, read_settings


@pytest.mark.parametrize(
    "issuer",
    [
        "https://gateway.example",
        "https://gateway.example:8443",
        "http://127.0.0.1:8000",
        "http://localhost",
        "https://[2001:db8::1]:8443",
        "https://xn--gtv-qla.example",
        "https://my_app.internal",
    ],
)
def test_d9_canonical_issuer_is_kept(issuer: str) -> None:
    assert read_settings(issuer=issuer).issuer == issuer


@pytest.mark.parametrize(
    ("issuer", "part"),
    [
        pytest.param("https://gw.example:443", "written as https://gw.example,", id="D9-default-port"),
        pytest.param("http://gw.example:80", "written as http://gw.example,", id="D9-default-port-of-http"),
        pytest.param("https://GW.example", "written as https://gw.example,", id="D9-capital-host"),
        pytest.param("HTTPS://gw.example", "written as https://gw.example,", id="D9-capital-scheme"),
        pytest.param("https://gw.example:08443", "written as https://gw.example:8443,", id="D9-zero-before-the-port"),
        pytest.param("https://[2001:DB8:0::1]", r"written as https://\[2001:db8::1\],", id="D9-long-ipv6"),
        pytest.param("https://gw.example.", "ends with a dot", id="D9-trailing-dot"),
        pytest.param("https://gätv.example", "xn--", id="D9-international-name"),
        pytest.param("https://user:hidden@gw.example", "scheme and host only", id="D9-user-information"),
        pytest.param("https://gw.example:0", "no valid port", id="D9-port-0"),
        pytest.param("https://gw.example:65536", "no valid port", id="D9-large-port"),
        pytest.param("https://gw.example:", "no valid port", id="D9-empty-port"),
        pytest.param("https://gw.example:４４３", "no valid port", id="D9-fullwidth-port"),
        pytest.param("https://[fe80::1%25eth0]", "no IPv6 address", id="D9-ipv6-zone"),
        pytest.param("https://[::ffff:192.0.2.1]", "contains an IPv4 address", id="D9-mapped-ipv4"),
        pytest.param("https://2001:db8::1", "no valid port|scheme and host only", id="D9-ipv6-without-brackets"),
        pytest.param("https://127.1", "no IPv4 address", id="D9-short-ipv4"),
        pytest.param("https://0x7f000001", "no IPv4 address", id="D9-hexadecimal-ipv4"),
        pytest.param("https://127.0.0.01", "no IPv4 address", id="D9-octal-ipv4"),
        pytest.param(" https://gw.example", "scheme and host only", id="D9-white-space-before"),
        pytest.param("https://gw.example\n", "scheme and host only", id="D9-white-space-after"),
        pytest.param("https://gw..example", "scheme and host only", id="D9-empty-label"),
        pytest.param("https://gw%2eexample", "scheme and host only", id="D9-percent-encoding"),
        pytest.param("https://gw.example?", "scheme and host only", id="D9-empty-query"),
        pytest.param("https://", "scheme and host only", id="D9-no-host"),
    ],
)
def test_other_issuer_is_refused_with_what_to_write(issuer: str, part: str) -> None:
    with pytest.raises(SettingsError, match=part) as refused:
        read_settings(issuer=issuer)
    assert str(refused.value).startswith("GATEWAY_ISSUER: ")
    assert "hidden" not in str(refused.value)
