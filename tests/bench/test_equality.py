"""Responses of two servers are compared without ids, cursors and times."""

import pytest

from tools.bench.equality import first_difference, masked

PAGE = b"""{"data": {"merchant": {"decisions": {"nodes": [{"id": "%b", "status": "%b", "createdAt": "%b",
  "settlement": null}], "pageInfo": {"hasNextPage": true, "endCursor": "%b"}}}}}"""


def page(
    identifier: bytes = b"dec_1", status: bytes = b"APPROVED", at: bytes = b"2026-11-02T09:00:00Z", end: bytes = b"c1"
) -> bytes:
    return PAGE % (identifier, status, at, end)


def test_pages_that_differ_in_ids_cursors_and_times_are_equal() -> None:
    other = page(b"7", at=b"2026-11-03T10:11:12.123456+00:00", end=b"x")
    assert masked(page(), "page") == masked(other, "page")


@pytest.mark.parametrize("other", [page(b""), page(status=b"DECLINED"), page(at=b"yesterday"), page(at=b"2026-11-02")])
def test_page_with_another_content_is_not_equal(other: bytes) -> None:
    assert masked(page(), "page") != masked(other, "page")


def test_difference_names_its_place() -> None:
    difference = first_difference(masked(page(), "page"), masked(page(status=b"DECLINED"), "page"))
    assert difference == ".data.merchant.decisions.nodes[0].status is 'DECLINED' instead of 'APPROVED'"


def test_equal_responses_have_no_difference() -> None:
    assert first_difference(masked(page(), "page"), masked(page(b"other"), "page")) is None


@pytest.mark.parametrize(("expected", "actual"), [({"a": 1}, {"b": 1}), ([1], [1, 2]), (1, True), (None, []), ("1", 1)])
def test_difference_is_found(expected: object, actual: object) -> None:
    assert first_difference(expected, actual) is not None


def test_body_of_a_rest_operation_equals_the_response_of_graphql() -> None:
    tier = b'{"tier": "EXCELLENT", "rank": 5}'
    response = b'{"data": {"consentedUser": {"scoreTier": %b}}, "extensions": {"cost": {}}}' % tier
    assert masked(tier, "tier", rest=True) == masked(response, "tier")


def test_aliases_of_two_cold_documents_are_equal() -> None:
    one, other = (b'{"data": {"t%b": "EXCELLENT"}}' % alias for alias in (b"0123456789abcdef", b"0123456789abcde0"))
    assert masked(one, "cold") == masked(other, "cold")
