"""The addresses that a login and a sign-out lead to. They are never an open redirector."""

import re

import pytest

from gateway.web.site.redirects import local_address
from tests.support.oauth_world import PASSWORD, OAuthWorld

FOREIGN = [
    *("///account", "//account", "////account", "//evil.example/account", "///evil.example/account"),
    *("/\\account", "\\/account", "/\\/evil.example", "\\\\evil.example", "/\\\\evil.example/account"),
    *("/%2f/account", "/%2Faccount", "/%5caccount", "/./account", "/x/../account", "/%2e%2e/account", "/account/.."),
    *("/account/../..//evil.example", "/account//evil.example", "/account/", "/account/x/", "/Account", "/accounts"),
    *(
        "/\taccount",
        "\t/account",
        "/\t/evil.example",
        "/\n/evil.example",
        "/account\r\nX: y",
        "/account\n",
        " /account",
    ),
    *("/account?\n", "/account?\x00", "/account?\x7f", "/account#x", "/account?x#y", "/account;x", "/account?\u3000"),
    *("https:account", "https:/account", "https:///account", "http://127.0.0.1:8000/account", "account", "?x", ""),
    *("javascript:alert(1)", "data:,x", "/\u2215account", "/account\u202e", "/acc\u00f6unt", "@evil.example/account"),
    *("/graphql", "/logout", "/login", "/login?return_to=/account", "/oauth/token", "/static/x", "/"),
]


@pytest.mark.parametrize("address", [pytest.param(text, id=f"D14-{text!r}") for text in FOREIGN])
def test_foreign_return_address_becomes_the_account_page(address: str) -> None:
    assert local_address(address) == "/account"


@pytest.mark.parametrize(
    "address",
    [
        pytest.param(text, id=f"D14-{text}")
        for text in (
            "/account",
            "/account/x",
            "/device?user_code=ABCD-EFGH",
            "/oauth/authorize?client_id=c",
        )
    ],
)
def test_own_return_address_is_kept(address: str) -> None:
    assert local_address(address) == address


@pytest.mark.parametrize("address", [pytest.param(text, id=f"D14-{text}") for text in FOREIGN[:5]])
def test_login_and_logout_never_lead_elsewhere(world: OAuthWorld, address: str) -> None:
    browser = world.browser()
    page = browser.http.get("/login", params={"return_to": address})
    assert re.findall(r'name="return_to" value="([^"]*)"', page.text) == ["/account"]
    signed_in = browser.sign_in("mei", PASSWORD, f"/login?return_to={address}")
    assert signed_in.headers["location"] == "/account"
    token = browser.get("/account").text.split('name="csrf_token" value="')[1].split('"')[0]
    signed_out = browser.http.post("/logout", data={"csrf_token": token, "return_to": address})
    assert signed_out.headers["location"] == "/login?return_to=%2Faccount"
