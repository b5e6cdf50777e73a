"""Merging into a grant and replacing it, by a pushed request that names it (Grant Management for OAuth 2.0)."""

from typing import Any
from urllib.parse import parse_qsl

import httpx2
import pytest

from gateway.domain.consent_version import ConsentAction
from gateway.store import consent_versions
from tests.oauth.test_races import AT_ONCE, at_once, statuses
from tests.support.clock import MovableClock
from tests.support.oauth import Browser, PartnerApp, form_to, pkce, query_of
from tests.support.oauth_world import PASSWORD, World

TIER = {"type": "score", "level": "tier", "duration": "P30D"}
WAIVER = {
    "type": "decision",
    "products": ["DEPOSIT_WAIVER"],
    "maximum_amount": {"amount": "3000.00", "currency": "CNY"},
    "duration": "P60D",
}
EXACT = {"type": "score", "level": "exact", "optional": True}


def first(world: World, app: PartnerApp, *asked: Any) -> dict[str, Any]:
    """The token answer of a new grant."""
    return app.tokens(world.browser(), "mei", PASSWORD, scope=None, authorization_details=list(asked) or [TIER])


def push(app: PartnerApp, action: str, grant_id: str, *asked: Any, **changed: Any) -> httpx2.Response:
    whole = {"scope": None, "authorization_details": list(asked), **changed}
    return app.push(grant_management_action=action, grant_id=grant_id, **whole)


def opened(
    world: World, app: PartnerApp, action: str, grant_id: str, *asked: Any, who: str = "mei"
) -> tuple[Browser, httpx2.Response, str]:
    """A browser, the page that it shows, and the code_verifier."""
    verifier, challenge = pkce()
    pushed = push(app, action, grant_id, *asked, code_challenge=challenge)
    assert pushed.status_code == 201, pushed.text
    browser = world.browser()
    return browser, browser.open(app.address(pushed.json()["request_uri"]), who, PASSWORD), verifier


def changed(world: World, app: PartnerApp, action: str, grant_id: str, *asked: Any, **fields: str) -> dict[str, Any]:
    """The token answer after the person has allowed the change."""
    browser, page, verifier = opened(world, app, action, grant_id, *asked)
    answer = browser.submit(page, "/oauth/authorize", **{"decision": "allow", **fields})
    assert answer.status_code == 303, answer.text
    token = app.redeem(query_of(answer.headers["location"])["code"], verifier)
    assert token.status_code == 200, token.text
    whole: dict[str, Any] = token.json()
    return whole


def kinds(answer: dict[str, Any]) -> list[str]:
    return [one.get("level") or one["products"][0] for one in answer["authorization_details"]]


def actions(world: World, grant_id: str) -> list[str]:
    with world.database.read() as session:
        return [version.action for version in consent_versions.of_consent(session, grant_id)]


def test_a_merge_adds_to_the_grant(each_world: World, profile: str) -> None:
    world, app = each_world, each_world.own(profile)
    before = first(world, app, TIER)
    after = changed(world, app, "merge", before["grant_id"], WAIVER)
    assert after["grant_id"] == before["grant_id"]
    assert kinds(after) == ["tier", "DEPOSIT_WAIVER"]
    assert after["scope"] == "score:tier decisions:request"
    assert actions(world, before["grant_id"]) == [ConsentAction.CREATED, ConsentAction.MERGED]
    # It takes nothing away, so what was issued before goes on, within what it was issued for.
    assert app.call(before["access_token"]).json()["scopes"] == ["score:tier"]
    assert app.refresh(before["refresh_token"]).status_code == 200


def test_a_replacement_takes_the_grants_place(each_world: World, profile: str) -> None:
    world, app = each_world, each_world.own(profile)
    before = first(world, app, TIER)
    after = changed(world, app, "replace", before["grant_id"], WAIVER)
    assert after["grant_id"] == before["grant_id"]
    assert (kinds(after), after["scope"]) == (["DEPOSIT_WAIVER"], "decisions:request")
    assert actions(world, before["grant_id"]) == [ConsentAction.CREATED, ConsentAction.REPLACED]
    assert app.call(before["access_token"]).status_code == 401
    assert app.refresh(before["refresh_token"]).json()["error"] == "invalid_grant"
    assert app.call(after["access_token"]).json()["scopes"] == ["decisions:request"]


def test_a_grants_two_lives_are_each_as_long_as_allowed(world: World, clock: MovableClock) -> None:
    before = first(world, world.bank, TIER)
    clock.advance(days=10, seconds=7)
    after = changed(world, world.bank, "merge", before["grant_id"], WAIVER)
    assert [one["duration"] for one in after["authorization_details"]] == ["P19DT86393S", "P60D"]
    clock.advance(days=20)
    assert kinds(introspected(world.bank, refreshed(world.bank, after))) == ["tier", "DEPOSIT_WAIVER"]
    clock.advance(days=40)
    assert world.bank.refresh(after["refresh_token"]).json()["error"] == "invalid_grant"


def refreshed(app: PartnerApp, tokens: dict[str, Any]) -> str:
    return str(app.refresh(tokens["refresh_token"]).json()["access_token"])


def introspected(app: PartnerApp, token: str) -> dict[str, Any]:
    whole: dict[str, Any] = app.post("/oauth/introspect", {"token": token}).json()
    return whole


@pytest.mark.parametrize("action", ["merge", "replace"])
def test_a_denied_change_changes_nothing(world: World, action: str) -> None:
    before = first(world, world.cars, TIER)
    browser, page, _ = opened(world, world.cars, action, before["grant_id"], WAIVER)
    answer = browser.submit(page, "/oauth/authorize", decision="deny")
    assert query_of(answer.headers["location"])["error"] == "access_denied"
    assert world.cars.call(before["access_token"]).status_code == 200
    assert introspected(world.cars, before["access_token"])["authorization_details"] == before["authorization_details"]
    assert actions(world, before["grant_id"]) == [ConsentAction.CREATED]


@pytest.mark.parametrize("action", ["merge", "replace"])
def test_a_change_is_narrowed_like_any_request(world: World, action: str) -> None:
    before = first(world, world.cars, TIER)
    after = changed(world, world.cars, action, before["grant_id"], WAIVER, EXACT, amount_0="1000.00", duration="P7D")
    granted = after["authorization_details"][-1]
    assert (granted["maximum_amount"]["amount"], granted["duration"]) == ("1000.00", "P7D")
    assert "exact" not in kinds(after)
    with world.database.read() as session:
        assert [v.narrowed for v in consent_versions.of_consent(session, before["grant_id"])] == [False, True]


def test_a_merge_may_fill_the_grant_to_its_brim(world: World) -> None:
    several = [
        {**WAIVER, "maximum_amount": {"amount": f"{n}.00", "currency": "CNY"}, "duration": f"P{9 - n}D"}
        for n in (1, 2, 3, 4)
    ]
    more = [{**one, "products": ["PAY_LATER"]} for one in several]
    before = first(world, world.cars, *several)
    after = changed(world, world.cars, "merge", before["grant_id"], *more)
    assert len(after["authorization_details"]) == 8
    refused = push(world.cars, "merge", before["grant_id"], TIER)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    assert push(world.cars, "replace", before["grant_id"], TIER).status_code == 201


def test_previews_never_become_requests(world: World) -> None:
    before = world.tokens(scope="decisions:preview")
    refused = push(world.cars, "merge", str(before["grant_id"]), WAIVER)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    assert "Replace" in refused.json()["error_description"]


@pytest.mark.parametrize(
    "sent",
    [
        {"grant_management_action": "merge"},
        {"grant_management_action": "replace"},
        {"grant_id": "con_test_x"},
        {"grant_management_action": "create", "grant_id": "con_test_x"},
        {"grant_management_action": "update", "grant_id": "con_test_x"},
        {"grant_management_action": "", "grant_id": "con_test_x"},
        {"grant_management_action": "MERGE", "grant_id": "con_test_x"},
    ],
)
def test_what_does_not_belong_together_is_refused(world: World, sent: dict[str, str]) -> None:
    answer = world.cars.push(**sent)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_create_makes_a_grant_of_its_own(world: World) -> None:
    one, two = world.tokens(grant_management_action="create"), world.tokens()
    assert one["grant_id"] != two["grant_id"]


@pytest.mark.parametrize("action", ["merge", "replace"])
def test_only_a_living_grant_of_the_client_can_be_changed(each_world: World, action: str) -> None:
    world = each_world
    own = first(world, world.bank, TIER)["grant_id"]
    others = [first(world, app, TIER)["grant_id"] for app in (world.cars, world.rival)]
    ended = first(world, world.bank, TIER)["grant_id"]
    with world.database.write() as session:
        world.parts.consents.revoke(session, ended, None, world.parts.clock())
    answers = [push(world.bank, action, g, WAIVER) for g in (*others, ended, "con_test_x", "x" * 3000, "a\x00b")]
    assert {(a.status_code, a.json()["error"]) for a in answers[:-1]} == {(400, "invalid_grant_id")}
    assert len({a.text for a in answers[:-1]}) == 1  # nobody learns whether there is such a grant
    assert answers[-1].status_code == 400
    assert push(world.bank, action, own, WAIVER).status_code == 201


def test_an_expired_grant_cannot_be_changed(world: World, clock: MovableClock) -> None:
    own = first(world, world.bank, TIER)["grant_id"]
    clock.advance(days=30)
    assert push(world.bank, "merge", own, WAIVER).json()["error"] == "invalid_grant_id"


@pytest.mark.parametrize("sent", [{"grant_management_action": "merge"}, {"grant_id": "con_test_x"}])
def test_a_till_changes_no_grant(world: World, sent: dict[str, str]) -> None:
    answer = world.cars.post("/oauth/device_authorization", {"scope": "score:tier", **sent})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_another_person_cannot_change_it(world: World) -> None:
    before = first(world, world.cars, TIER)
    browser, page, _ = opened(world, world.cars, "merge", before["grant_id"], WAIVER, who="bo")
    assert page.status_code == 403
    assert "another account" in page.text
    assert 'action="/logout"' in page.text
    # Nor by sending the form that the page did not show.
    own = browser.get("/account")
    form = form_to(own.text, "/logout").fields
    address = dict(parse_qsl(page.url.query.decode()))
    answer = browser.http.post("/oauth/authorize", data={**form, **address, "decision": "allow"})
    assert answer.status_code == 403
    assert actions(world, before["grant_id"]) == [ConsentAction.CREATED]


def test_what_changed_meanwhile_is_not_decided(world: World) -> None:
    before = first(world, world.cars, TIER)
    browser, page, _ = opened(world, world.cars, "merge", before["grant_id"], WAIVER)
    changed(world, world.cars, "replace", before["grant_id"], EXACT | {"optional": False})
    answer = browser.submit(page, "/oauth/authorize", decision="allow")
    assert answer.status_code == 400
    assert "has changed meanwhile" in answer.text
    assert actions(world, before["grant_id"]) == [ConsentAction.CREATED, ConsentAction.REPLACED]


def test_what_ended_meanwhile_is_not_revived(world: World) -> None:
    before = first(world, world.cars, TIER)
    browser, page, _ = opened(world, world.cars, "replace", before["grant_id"], WAIVER)
    with world.database.write() as session:
        world.parts.consents.revoke(session, before["grant_id"], None, world.parts.clock())
    assert browser.submit(page, "/oauth/authorize", decision="allow").status_code == 400
    assert actions(world, before["grant_id"]) == [ConsentAction.CREATED, ConsentAction.REVOKED]


def test_34_the_page_shows_what_stays_and_what_ends(world: World) -> None:
    before = first(world, world.cars, TIER)
    for action, words in (("merge", "It stays as it is"), ("replace", "it ends, and only the new applies")):
        _, page, _ = opened(world, world.cars, action, before["grant_id"], WAIVER)
        assert "What you have allowed" in page.text
        assert "See your credit tier" in page.text
        assert words in page.text
    assert (
        "What you have allowed"
        not in world.browser().open(world.cars.address(world.cars.push().json()["request_uri"]), "mei", PASSWORD).text
    )


def test_the_account_page_tells_the_whole_history(world: World) -> None:
    before = first(world, world.cars, TIER)
    changed(world, world.cars, "merge", before["grant_id"], WAIVER)
    changed(world, world.cars, "replace", before["grant_id"], TIER)
    page = world.browser().open("/account", "mei", PASSWORD)
    assert "You added to it on" in page.text
    assert "You changed it on" in page.text
    assert page.text.count("It then held:") == 2


def test_a_code_from_before_gets_what_holds_now(world: World) -> None:
    before = first(world, world.cars, TIER, WAIVER)
    browser, page, verifier = opened(world, world.cars, "merge", before["grant_id"], EXACT | {"optional": False})
    code = query_of(browser.submit(page, "/oauth/authorize", decision="allow").headers["location"])["code"]
    changed(world, world.cars, "replace", before["grant_id"], TIER)
    late = world.cars.redeem(code, verifier)
    assert (late.status_code, late.json()["scope"]) == (200, "score:tier")


def test_of_eight_changes_at_once_one_is_made(racing_world: World) -> None:
    world = racing_world
    before = first(world, world.cars, TIER)
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

    assert statuses(at_once(world.cars, world, decide)) == [303] + [400] * (AT_ONCE - 1)
    assert actions(world, before["grant_id"]) == [ConsentAction.CREATED, ConsentAction.MERGED]


def test_an_end_and_a_replacement_at_once_agree(racing_world: World) -> None:
    world = racing_world
    for _ in range(4):
        before = first(world, world.cars, TIER)
        browser, page, _ = opened(world, world.cars, "replace", before["grant_id"], WAIVER)
        form, cookies = form_to(page.text, "/oauth/authorize"), dict(browser.http.cookies)
        account = form_to(browser.get("/account").text, f"/account/consents/{before['grant_id']}/revoke")
        jobs = [(form.action, {**form.fields, "decision": "allow"}), (account.action, account.fields)] * (AT_ONCE // 2)

        def send(app: PartnerApp, jobs: Any = jobs, cookies: Any = cookies) -> httpx2.Response:
            app.http.cookies.update(cookies)
            action, data = jobs.pop()
            return app.http.post(action, data=data)

        at_once(world.cars, world, send)
        ended = actions(world, before["grant_id"])
        assert ended[-1] == ConsentAction.REVOKED
        assert ended.count(ConsentAction.REVOKED) == 1
        assert world.cars.call(before["access_token"]).status_code == 401


def test_durations_of_a_day_and_more_are_shown_in_days(world: World, clock: MovableClock) -> None:
    before = first(world, world.cars, TIER)
    clock.advance(hours=7, seconds=3)
    _, page, _ = opened(world, world.cars, "merge", before["grant_id"], WAIVER)
    assert "29 days" in page.text
    assert "seconds" not in page.text
