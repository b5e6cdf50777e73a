"""The page of error codes."""

from gateway.domain.error_catalogue import ERRORS
from tests.support.oauth_world import OAuthWorld


def test_page_lists_every_code(world: OAuthWorld) -> None:
    page = world.http().get("/docs/errors")

    assert page.status_code == 200
    assert [code for code in ERRORS if f'id="{code}"' not in page.text] == []
    assert "<script" not in page.text
