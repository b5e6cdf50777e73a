"""Byte order marks before JSON are ignored, once, also in requests of other endpoints."""

import pytest

from gateway.kit.json import without_mark
from gateway.oauth.request_parsing import UnreadableRequest, parse_members

MARK = b"\xef\xbb\xbf"


def test_e14_one_mark_is_removed() -> None:
    assert without_mark(MARK + b"{}") == b"{}"
    assert without_mark(b"{}") == b"{}"
    assert without_mark(MARK + MARK + b"{}") == MARK + b"{}"


def test_e14_mark_before_a_registration_is_ignored() -> None:
    assert parse_members(MARK + b'{"client_name": "Web"}') == {"client_name": "Web"}
    with pytest.raises(UnreadableRequest):
        parse_members(MARK + MARK + b"{}")
