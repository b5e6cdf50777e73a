"""A family of tokens, and every way in which it ends, as requests that tests send at the same moment."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import httpx2

from gateway.domain.errors import NotFound
from gateway.store.identity.clients import CLIENTS
from tests.support.grants import TIER, WAIVER, open_change
from tests.support.oauth import Form, PartnerApp, form_to
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.units import writing

Send = Callable[[], httpx2.Response | None]

ENDINGS = ("reuse", "revoked", "replayed_code", "replaced", "ended_by_person", "deleted_grant", "disabled_client")


@dataclass(frozen=True, slots=True)
class Family:
    """A family after two refreshes: r0, r1 and r2, the newest. `replacement` and `end` are forms of pages that mei has
    opened, `cookies` those of her browser."""

    world: OAuthWorld
    app: PartnerApp
    code: str
    verifier: str
    tokens: tuple[dict[str, Any], ...]
    merchant_token: str
    replacement: Form
    end: Form
    cookies: dict[str, str]

    @classmethod
    def start(cls, world: OAuthWorld, app: PartnerApp) -> "Family":
        """Starts a family of a client that rotates its refresh tokens, with mei's consent."""
        back, verifier = app.ask(world.browser(), "mei", PASSWORD, scope=None, authorization_details=[TIER])
        tokens = [app.redeem(back["code"], verifier).json()]
        for _ in range(2):
            tokens.append(app.refresh(tokens[-1]["refresh_token"]).json())
        grant_id = tokens[0]["grant_id"]
        browser, page, _ = open_change(world, app, "replace", grant_id, WAIVER)
        action = f"/account/consents/{grant_id}/revoke"
        end = form_to(browser.submit(browser.get("/account"), action).text, action)
        merchant_token = app.merchant_token(scope="grant_management_revoke").json()["access_token"]
        replacement = form_to(page.text, "/oauth/authorize")
        cookies = dict(browser.http.cookies)
        return cls(world, app, back["code"], verifier, tuple(tokens), merchant_token, replacement, end, cookies)

    def refresh(self) -> httpx2.Response:
        """Refreshes with the newest token."""
        return self._own().refresh(self.tokens[-1]["refresh_token"])

    def ending(self, name: str) -> Send:
        """Returns the request that ends the family in this way. None is the response of a command."""
        sends: dict[str, Send] = {
            "reuse": lambda: self._own().refresh(self.tokens[0]["refresh_token"]),
            "revoked": lambda: self._own().revoke(self.tokens[-1]["refresh_token"]),
            "replayed_code": lambda: self._own().redeem(self.code, self.verifier),
            "replaced": lambda: self._submit(self.replacement, decision="allow"),
            "ended_by_person": lambda: self._submit(self.end),
            "deleted_grant": lambda: self._own().call(
                self.merchant_token, f"/oauth/grants/{self.tokens[0]['grant_id']}", "DELETE"
            ),
            "disabled_client": self._disable,
        }
        return sends[name]

    def find_working(self, *responses: httpx2.Response | None) -> list[str]:
        """Returns the kinds of the tokens of the family that work, in these responses or from before."""
        later = [each.json() for each in responses if each is not None and "access_token" in each.text]
        working = []
        for tokens in (*self.tokens, *later):
            if self._own().call(tokens["access_token"]).status_code == 200:
                working.append("access token")
        for tokens in reversed((*self.tokens, *later)):  # the newest first, because an older one would end the family
            if self._own().refresh(tokens["refresh_token"]).status_code == 200:
                working.append("refresh token")
        if self._own().redeem(self.code, self.verifier).status_code == 200:  # last, because it would end the family
            working.append("code")
        return working

    def _own(self) -> PartnerApp:
        return replace(self.app, http=self.world.http())

    def _submit(self, form: Form, **fields: str) -> httpx2.Response:
        http = self.world.http()
        http.cookies.update(self.cookies)
        return http.post(form.action, data={**form.fields, **fields})

    def _disable(self) -> None:
        container = self.world.container
        with suppress(NotFound):  # another thread was first
            container.database.write(lambda unit: container.clients.disable(unit, self.app.client_id))


def enable_again(world: OAuthWorld, client_id: str) -> None:
    """Enables a disabled client in the database. No command does this."""
    with writing(world.database) as unit:
        unit.connection.execute(CLIENTS.update().where(CLIENTS.c.id == client_id).values(disabled_at=None))
