"""Each page has a case for the tests of how pages look, in tests/browser."""

import pytest

from tests.support.oauth_world import OAuthWorld
from tests.support.page_case import PageCase
from tests.support.page_cases import CASES, list_page_routes


def test_g1_every_page_has_a_case(world: OAuthWorld) -> None:
    assert list_page_routes(world) == {case.route for case in CASES} - {""}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_g1_case_opens_its_page(world: OAuthWorld, case: PageCase) -> None:
    response = case.open(world)
    assert "text/html" in response.headers["content-type"]
    assert "</html>" in response.text
