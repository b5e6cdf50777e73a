"""The first page."""

import pytest

from tests.support.oauth_world import OAuthWorld


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", ("Consented credit decisions", "For you", "For engineers of a merchant", "For the operator")),
        ("zh", ("经您授权的信用审核", "个人用户", "商家工程师", "平台运营方")),
    ],
)
def test_g3_first_page_says_what_this_is_and_where_to_go(
    world: OAuthWorld, language: str, expected: tuple[str, ...]
) -> None:
    page = world.browser().get(f"/?lang={language}")
    assert page.status_code == 200
    for text in (*expected, 'href="/account"', 'href="/.well-known/oauth-authorization-server"', 'href="/docs/errors"'):
        assert text in page.text
