"""The page of error codes, and the door."""

from gateway.domain.error_catalogue import ERRORS
from tests.support.oauth_world import OAuthWorld


def test_every_code_has_a_place_on_the_page(world: OAuthWorld) -> None:
    page = world.http().get("/docs/errors")

    assert page.status_code == 200
    assert [code for code in ERRORS if f'id="{code}"' not in page.text] == []
    assert "<script" not in page.text


def test_the_door_leads_to_the_account(world: OAuthWorld) -> None:
    answer = world.http().get("/")

    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
