"""The pages of the error codes."""

import pytest

from gateway.domain.error_catalogue import ERRORS, documentation_address
from tests.support.oauth_world import OAuthWorld


def test_page_lists_every_code(world: OAuthWorld) -> None:
    page = world.http().get("/docs/errors")

    assert page.status_code == 200
    assert [code for code in ERRORS if f'id="{code}"' not in page.text] == []
    assert "<script" not in page.text


RESERVED = {"LIMIT_EXCEEDED", "UNREACHABLE_URL"}


@pytest.mark.parametrize("code", ERRORS)
def test_every_code_has_a_page_with_remedy_and_example(world: OAuthWorld, code: str) -> None:
    page = world.http().get(documentation_address(world.container.settings.issuer, code))
    assert page.status_code == 200
    assert f"<h1><code>{code}</code></h1>" in page.text
    has_example = f"&#34;code&#34;: &#34;{code}&#34;" in page.text
    assert has_example == (code not in RESERVED)


@pytest.mark.parametrize("code", ["NOPE", "invalid", "INVALID/", "%2e%2e"])
def test_unknown_code_is_not_found(world: OAuthWorld, code: str) -> None:
    assert world.http().get(f"/docs/errors/{code}").status_code == 404
