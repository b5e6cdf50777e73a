"""Concurrent changes of a grant, and changes during its end: one change is made, and an ended grant stays ended."""

from typing import Any

import httpx2
import pytest

from gateway.domain.consents.version import ConsentAction
from tests.oauth.test_races import AT_ONCE, at_once, sort_statuses
from tests.support.grants import TIER, WAIVER, actions, new_grant, open_change, push
from tests.support.oauth import PartnerApp, form_to
from tests.support.oauth_world import PASSWORD, OAuthWorld

pytestmark = pytest.mark.postgresql


def test_one_of_eight_concurrent_changes_is_made(racing_world: OAuthWorld) -> None:
    world = racing_world
    before = new_grant(world, world.cars, TIER)
    browser = world.browser()
    pages = []
    for _ in range(AT_ONCE):
        pushed = push(world.cars, "merge", before["grant_id"], WAIVER)
        pages.append(browser.open(world.cars.address(pushed.json()["request_uri"]), "mei", PASSWORD))
    forms = [form_to(page.text, "/oauth/authorize") for page in pages]
    cookies = dict(browser.http.cookies)

    def decide(app: PartnerApp) -> httpx2.Response:
        app.http.cookies.update(cookies)
        form = forms.pop()
        return app.http.post(form.action, data={**form.fields, "decision": "allow"})

    assert sort_statuses(at_once(world.cars, world, decide)) == [303] + [400] * (AT_ONCE - 1)
    assert actions(world, before["grant_id"]) == [ConsentAction.CREATED, ConsentAction.MERGED]


def test_concurrent_end_and_replacement_are_consistent(racing_world: OAuthWorld) -> None:
    world = racing_world
    for _ in range(4):
        before = new_grant(world, world.cars, TIER)
        browser, page, _ = open_change(world, world.cars, "replace", before["grant_id"], WAIVER)
        form, cookies = form_to(page.text, "/oauth/authorize"), dict(browser.http.cookies)
        account = form_to(browser.get("/account").text, f"/account/consents/{before['grant_id']}/revoke")
        jobs = [
            (form.action, {**form.fields, "decision": "allow"}),
            (account.action, {**account.fields, "confirmed": "yes"}),
        ] * (AT_ONCE // 2)

        def send(app: PartnerApp, jobs: Any = jobs, cookies: Any = cookies) -> httpx2.Response:
            app.http.cookies.update(cookies)
            action, data = jobs.pop()
            return app.http.post(action, data=data)

        at_once(world.cars, world, send)
        ended = actions(world, before["grant_id"])
        assert ended[-1] == ConsentAction.REVOKED
        assert ended.count(ConsentAction.REVOKED) == 1
        assert world.cars.call(before["access_token"]).status_code == 401
