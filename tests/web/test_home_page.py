"""The first page: of every deployment, and of a sandbox."""

import pytest
from starlette.testclient import TestClient

from gateway.web.application import build_application
from gateway.web.site.site import build_site
from tests.support.oauth_world import OAuthWorld
from tests.support.partner_pages import signed_in_partner

LINKS = ('href="/account"', 'href="/.well-known/oauth-authorization-server"', 'href="/docs/errors"')
COMMAND = "gateway sandbox partner link"


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
    page = TestClient(build_application(build_site(world.container))).get(f"/?lang={language}")
    assert page.status_code == 200
    for text in (*expected, *LINKS):
        assert text in page.text
    assert COMMAND not in page.text


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", ("This is a sandbox", "Begin here", "For engineers of a merchant", "What a person sees")),
        ("zh", ("这里是沙箱", "从这里开始", "商家工程师", "用户看到的内容")),
    ],
)
def test_first_page_of_a_sandbox_says_how_to_begin(world: OAuthWorld, language: str, expected: tuple[str, ...]) -> None:
    page = world.browser().get(f"/?lang={language}").text
    for text in (*expected, *LINKS, COMMAND):
        assert text in page


def test_first_page_names_the_partner_of_the_session(world: OAuthWorld) -> None:
    name = world.rows(f"SELECT name FROM partners WHERE id = '{world.partner_id}'")[0][0]
    page = signed_in_partner(world).get("/").text
    assert f"<strong>{name}</strong>" in page
    assert COMMAND not in page
