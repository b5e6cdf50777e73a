"""The page of error codes, and the root address."""

from gateway.domain.error_catalogue import ERRORS
from tests.support.oauth_world import OAuthWorld


def test_page_lists_every_code(world: OAuthWorld) -> None:
    page = world.http().get("/docs/errors")

    assert page.status_code == 200
    assert [code for code in ERRORS if f'id="{code}"' not in page.text] == []
    assert "<script" not in page.text


def test_root_redirects_to_account(world: OAuthWorld) -> None:
    response = world.http().get("/")

    assert (response.status_code, response.headers["location"]) == (303, "/account")
