"""The addresses that the outgoing client may connect to, in every Python version."""

from ipaddress import ip_address, ip_network

import pytest

from gateway.kit.addresses import is_public, may_connect

NOT_PUBLIC = [
    "0.0.0.0",  # noqa: S104  # nothing is bound to it
    *("0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254"),
    *("172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.0.9", "192.0.2.1", "192.88.99.1", "192.168.1.1"),
    *("198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1"),
    *("255.255.255.255", "::", "::1", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "::8.8.8.8", "64:ff9b::808:808"),
    *("64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:20::1"),
    *("2001:db8::1", "2002:7f00:1::", "2002:808:808::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254"),
    *("fe80::1", "fe80::1%1", "fec0::1", "ff02::1", "ff0e::1", "4000::1"),
]


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_not_public(text: str) -> None:
    address = ip_address(text)
    assert not is_public(address)
    assert not may_connect(address, (), encrypted=True)
    assert may_connect(address, [ip_network((int(address), 128 if address.version == 6 else 32))], encrypted=True)


@pytest.mark.parametrize("text", ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"])
def test_public(text: str) -> None:
    assert is_public(ip_address(text))
    assert may_connect(ip_address(text), (), encrypted=True)
    assert not may_connect(ip_address(text), [ip_network(f"{text}")], encrypted=False)


def test_plain_http_needs_loopback_that_is_listed() -> None:
    listed = [ip_network("127.0.0.0/8"), ip_network("10.0.0.0/8")]
    assert may_connect(ip_address("127.0.0.1"), listed, encrypted=False)
    assert not may_connect(ip_address("10.0.0.1"), listed, encrypted=False)
    assert not may_connect(ip_address("::1"), listed, encrypted=False)
    assert not may_connect(ip_address("127.0.0.1"), (), encrypted=False)
