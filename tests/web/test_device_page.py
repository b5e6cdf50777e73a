"""The device page (RFC 8628 sections 3.3 and 5): typed by the person, shown in full, answered once."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from gateway.store.clients import ClientRow
from gateway.store.consents import ConsentRow
from gateway.store.device_codes import DeviceCodeRow
from gateway.store.merchants import MerchantRow
from gateway.store.outbox import OutboxRow
from gateway.web.pages.device import WRONG_CODES, WRONG_CODES_FROM_ADDRESS
from tests.support.clock import MovableClock
from tests.support.oauth import Browser, form_to
from tests.support.oauth_world import PASSWORD, World
from tests.support.till import SALE, asked, decide, poll, shown

TIER = {"type": "score", "level": "tier"}


@pytest.fixture
def told(world: World) -> dict[str, Any]:
    return asked(world.bank)


def undecided(world: World) -> bool:
    with world.database.read() as session:
        rows = session.exec(select(DeviceCodeRow)).all()
        nothing = session.exec(select(ConsentRow)).all() == []
        return nothing and all(row.decided_at is None and row.consent_id is None for row in rows)


def granted(world: World) -> ConsentRow:
    with world.database.read() as session:
        return session.exec(select(ConsentRow)).one()


def plain(browser: Browser, page: Any) -> str:
    """What the page says, without what is this session's."""
    token = form_to(page.text, "/device").fields["csrf_token"]
    return str(page.text.replace(token, "TOKEN"))


def test_70_a_visitor_signs_in_first(world: World, told: dict[str, Any]) -> None:
    browser = world.browser()
    address = f"/device?user_code={told['user_code']}"
    answer = browser.get(address)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login?return_to=%2Fdevice")
    page = browser.open(address, "mei", PASSWORD)
    assert form_to(page.text, "/device").fields["user_code"] == told["user_code"]


def test_70_the_complete_address_only_fills_in(world: World, told: dict[str, Any]) -> None:
    page = world.browser().open(told["verification_uri_complete"], "mei", PASSWORD)
    form = form_to(page.text, "/device")
    assert form.fields["user_code"] == told["user_code"]
    assert form.buttons == []
    assert "Green Cars" not in page.text
    assert undecided(world)


@pytest.mark.parametrize("query", ["", "?user_code=", "?user_code=%00", "?user_code=<b>", "?user_code=A&user_code=B"])
def test_70_an_address_with_junk_fills_in_nothing(world: World, query: str) -> None:
    page = world.browser().open(f"/device{query}", "mei", PASSWORD)
    assert page.status_code == 200
    assert form_to(page.text, "/device").fields["user_code"] == ""


def test_70_the_page_says_who_what_where_how_much_and_how_long(world: World) -> None:
    told = asked(world.bank, {**SALE, "purpose": "STORE_PURCHASE"}, TIER)
    page = shown(world.browser(), told["user_code"])
    assert page.status_code == 200
    for said in (
        "Green Cars asks for your permission",
        "Backend",
        told["user_code"],
        "Store 17",
        "T-3",
        "CN¥268",
        "receiving goods first and paying later",
        "See your credit tier, not the number",
        "A decision hints at your tier",
        "For 15 minutes from the moment you allow it.",
        "Look at the till before you allow this.",
        "You should be standing in this store",
        "one decision",
        "Mei Lin",
    ):
        assert said in page.text, said
    assert undecided(world)


def test_70_the_page_keeps_to_itself(world: World, told: dict[str, Any]) -> None:
    page = shown(world.browser(), told["user_code"])
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["cache-control"] == "no-store"
    for never in ("<script", 'style="', 'src="http'):
        assert never not in page.text


def test_70_what_the_till_names_is_escaped(world: World) -> None:
    told = asked(world.bank, {**SALE, "store_id": "<script>alert(1)</script>", "terminal_id": "%(n)s"})
    text = shown(world.browser(), told["user_code"]).text
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "%(n)s" in text


def test_70_allowed(world: World, told: dict[str, Any]) -> None:
    browser = world.browser()
    answer = decide(browser, told["user_code"])
    assert told["user_code"] not in answer.headers["location"]
    assert "Allowed" in browser.get(answer.headers["location"]).text
    consent = granted(world)
    assert consent.single_use
    assert consent.scopes == ["decisions:request"]
    with world.database.read() as session:
        assert session.exec(select(DeviceCodeRow)).one().consent_id == consent.id
        assert session.exec(select(OutboxRow)).one().topic == "CONSENT_GRANTED"


def test_70_denied(world: World, told: dict[str, Any]) -> None:
    browser = world.browser()
    answer = decide(browser, told["user_code"], "deny")
    assert "Not allowed" in browser.get(answer.headers["location"]).text
    with world.database.read() as session:
        assert session.exec(select(ConsentRow)).all() == []
        assert session.exec(select(DeviceCodeRow)).one().decided_at is not None


@pytest.mark.parametrize(
    "form", ["{lower}", "{first} {second}", " {first}-{second} ", "{first}{second}", "{wide}", "{dash}"]
)
def test_70_however_the_code_is_typed(world: World, told: dict[str, Any], form: str) -> None:
    code = told["user_code"]
    first, second = code.split("-")
    wide = "".join(chr(ord(c) + 0xFEE0) for c in first + second)
    typed = form.format(lower=code.lower(), first=first, second=second, wide=wide, dash=f"{first}–{second}")
    page = shown(world.browser(), typed)
    assert page.status_code == 200
    assert form_to(page.text, "/device").fields["user_code"] == code


def test_70_unknown_used_denied_and_expired_are_one_answer(world: World, clock: MovableClock) -> None:
    browser, pages = world.browser(), []
    allowed, denied, expired = (asked(world.bank)["user_code"] for _ in range(3))
    decide(browser, allowed)
    decide(browser, denied, "deny")
    clock.advance(minutes=10)
    for code in ("BCDF-GHJK", allowed, denied, expired):
        page = shown(browser, code)
        assert page.status_code == 400
        pages.append(plain(browser, page).replace(code, "CODE"))
    assert len(set(pages)) == 1
    assert "unknown, has expired, or has been answered" in pages[0]


def test_70_a_code_of_a_disabled_client(world: World, told: dict[str, Any], clock: MovableClock) -> None:
    with world.database.write() as session:
        session.get_one(ClientRow, world.bank.client_id).disabled_at = clock()
    assert shown(world.browser(), told["user_code"]).status_code == 400


def test_70_a_client_that_lost_the_grant(world: World, told: dict[str, Any]) -> None:
    with world.database.write() as session:
        session.get_one(ClientRow, world.bank.client_id).grant_types = ["client_credentials"]
    assert shown(world.browser(), told["user_code"]).status_code == 400


@pytest.mark.parametrize("code", ["", "A", "é" * 8, "\x1f", "X" * 500, "AEIO-UAEI", "BCDF-GHJ", "BCDF-GHJKL", "ß" * 4])
def test_70_what_cannot_be_a_code(world: World, code: str) -> None:
    assert shown(world.browser(), code).status_code == 400


def test_70_wrong_codes_are_limited_for_a_person(world: World, told: dict[str, Any], clock: MovableClock) -> None:
    browser = world.browser()
    for _ in range(WRONG_CODES.amount):
        assert shown(browser, "BCDF-GHJK").status_code == 400
    refused = shown(browser, told["user_code"])
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) == WRONG_CODES.per.total_seconds()
    assert "Green Cars" not in refused.text
    assert shown(world.browser(), told["user_code"], "bo").status_code == 200
    clock.advance(minutes=1)
    assert shown(browser, asked(world.bank)["user_code"]).status_code == 200


def test_70_a_guess_with_a_decision_counts_too(world: World, told: dict[str, Any]) -> None:
    browser = world.browser()
    page = shown(browser, told["user_code"])
    for _ in range(WRONG_CODES.amount):
        assert browser.submit(page, "/device", user_code="BCDF-GHJK", decision="allow").status_code == 400
    assert browser.submit(page, "/device", decision="allow").status_code == 429
    assert undecided(world)


def test_70_wrong_codes_are_limited_for_an_address(world: World, told: dict[str, Any]) -> None:
    for _ in range(WRONG_CODES_FROM_ADDRESS.amount - 1):
        world.parts.limits.hit(WRONG_CODES_FROM_ADDRESS, "testclient")
    assert shown(world.browser(), "BCDF-GHJK", "bo").status_code == 400
    assert shown(world.browser(), told["user_code"]).status_code == 429


def test_70_right_codes_do_not_count(world: World, told: dict[str, Any]) -> None:
    browser = world.browser()
    for _ in range(WRONG_CODES.amount + 2):
        assert shown(browser, told["user_code"]).status_code == 200
    assert browser.submit(shown(browser, told["user_code"]), "/device", decision="allow").status_code == 303


def test_70_decided_once(world: World, told: dict[str, Any]) -> None:
    browser = world.browser()
    first, second = shown(browser, told["user_code"]), shown(browser, told["user_code"])
    assert browser.submit(first, "/device", decision="deny").status_code == 303
    assert browser.submit(second, "/device", decision="allow").status_code == 400
    assert poll(world.bank, told["device_code"]).json()["error"] == "access_denied"


def test_70_two_people_one_code(world: World, told: dict[str, Any]) -> None:
    mei, bo = world.browser(), world.browser()
    one, other = shown(mei, told["user_code"]), shown(bo, told["user_code"], "bo")
    assert mei.submit(one, "/device", decision="allow").status_code == 303
    assert bo.submit(other, "/device", decision="allow").status_code == 400
    granted(world)


def test_70_a_decision_too_late(world: World, told: dict[str, Any], clock: MovableClock) -> None:
    browser = world.browser()
    page = shown(browser, told["user_code"])
    clock.advance(minutes=10)
    assert browser.submit(page, "/device", decision="allow").status_code == 400
    assert undecided(world)


@pytest.mark.parametrize("decision", ["ALLOW", "maybe", "allow "])
def test_70_a_decision_is_one_of_two(world: World, told: dict[str, Any], decision: str) -> None:
    browser = world.browser()
    page = shown(browser, told["user_code"])
    assert browser.submit(page, "/device", decision=decision).status_code == 400
    assert undecided(world)


@pytest.mark.parametrize("token", ["", "wrong", "é"])
def test_70_the_csrf_token(world: World, told: dict[str, Any], token: str) -> None:
    browser = world.browser()
    page = shown(browser, told["user_code"])
    assert browser.submit(page, "/device", decision="allow", csrf_token=token).status_code == 403
    assert browser.submit(page, "/device", csrf_token=token).status_code == 403
    assert undecided(world)


def test_70_a_form_of_another_origin(world: World, told: dict[str, Any]) -> None:
    browser = world.browser()
    form = form_to(shown(browser, told["user_code"]).text, "/device")
    headers = {"Origin": "https://evil.example"}
    assert browser.http.post("/device", data={**form.fields, "decision": "allow"}, headers=headers).status_code == 403
    assert undecided(world)


def test_70_a_visitor_cannot_decide(world: World, told: dict[str, Any]) -> None:
    browser = world.browser()
    token = form_to(browser.get("/login").text, "/login").fields["csrf_token"]
    data = {"csrf_token": token, "user_code": told["user_code"], "decision": "allow"}
    assert browser.http.post("/device", data=data).status_code == 403
    assert undecided(world)


def test_70_a_user_of_another_partner(world: World, told: dict[str, Any]) -> None:
    browser = world.browser()
    page = shown(browser, told["user_code"], "otto")
    assert page.status_code == 403
    assert "Green Cars" not in page.text
    token = form_to(page.text, "/logout").fields["csrf_token"]
    data = {"csrf_token": token, "user_code": told["user_code"], "decision": "allow"}
    assert browser.http.post("/device", data=data).status_code == 403
    assert undecided(world)


def test_70_what_is_shown_is_what_is_granted(world: World, told: dict[str, Any]) -> None:
    browser = world.browser()
    page = shown(browser, told["user_code"])
    with world.database.write() as session:
        session.get_one(MerchantRow, world.cars_id).ceiling_minor = 100
    assert browser.submit(page, "/device", decision="allow").status_code == 400
    assert undecided(world)


@pytest.mark.parametrize("tick", [True, False])
def test_70_optional_parts_start_unticked(world: World, tick: bool) -> None:
    told = asked(world.bank, SALE, {**TIER, "optional": True})
    browser = world.browser()
    page = shown(browser, told["user_code"])
    assert 'name="include_1"' in page.text
    assert "checked" not in page.text
    form = form_to(page.text, "/device")
    fields = {name: value for name, value in form.fields.items() if name != "include_1"}
    more = {"include_1": "yes"} if tick else {}
    assert browser.http.post("/device", data={**fields, **more, "decision": "allow"}).status_code == 303
    consent = granted(world)
    assert [detail["type"] for detail in consent.details] == (["decision", "score"] if tick else ["decision"])
    assert consent.scopes == (["score:tier", "decisions:request"] if tick else ["decisions:request"])
    answer = poll(world.bank, told["device_code"]).json()
    assert [detail["type"] for detail in answer["authorization_details"]] == [d["type"] for d in consent.details]


def test_70_nothing_ticked(world: World) -> None:
    told = asked(world.bank, {**SALE, "optional": True})
    browser = world.browser()
    form = form_to(shown(browser, told["user_code"]).text, "/device")
    fields = {name: value for name, value in form.fields.items() if not name.startswith("include_")}
    page = browser.http.post("/device", data={**fields, "decision": "allow"})
    assert page.status_code == 422
    assert "Please tick at least one part" in page.text
    assert undecided(world)
    assert browser.submit(page, "/device", decision="deny").status_code == 303


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("include_0", "yes"),
        ("include_1", "yes"),
        ("include_" + "9" * 5000, "yes"),
        ("include_x", "yes"),
        ("amount_0", "1.00"),
        ("duration", "P1D"),
        ("duration", "junk"),
    ],
)
def test_70_what_cannot_be_changed_at_a_till(world: World, told: dict[str, Any], field: str, value: str) -> None:
    browser = world.browser()
    page = shown(browser, told["user_code"])
    assert form_to(page.text, "/device").fields.keys() == {"csrf_token", "user_code"}
    assert browser.submit(page, "/device", decision="allow", **{field: value}).status_code == 422
    assert undecided(world)
    assert browser.submit(page, "/device", decision="allow").status_code == 303


def large(world: World) -> dict[str, Any]:
    """A sale above the amount from which on a fresh login is needed."""
    with world.database.write() as session:
        session.get_one(MerchantRow, world.cars_id).ceiling_minor = 15_000_000
    return asked(world.bank, {**SALE, "maximum_amount": {"amount": "120000.00", "currency": "CNY"}})


def test_70_a_large_sale_needs_a_fresh_login(world: World, clock: MovableClock) -> None:
    browser = world.browser()
    told = large(world)
    page = shown(browser, told["user_code"])
    clock.advance(minutes=6)
    for answer in (browser.submit(page, "/device", decision="allow"), shown(browser, told["user_code"])):
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login?")
        assert told["user_code"] not in answer.headers["location"]
    assert undecided(world)
    again = browser.sign_in("mei", PASSWORD, answer.headers["location"])
    assert again.headers["location"] == "/device"
    assert decide(browser, told["user_code"]).status_code == 303


def test_70_a_refusal_needs_no_fresh_login(world: World, clock: MovableClock) -> None:
    browser = world.browser()
    page = shown(browser, large(world)["user_code"])
    clock.advance(minutes=6)
    assert browser.submit(page, "/device", decision="deny").status_code == 303


def test_the_pages_speak_chinese(world: World, told: dict[str, Any]) -> None:
    browser = world.browser()
    page = browser.open("/device", "mei", PASSWORD)
    assert "收银台代码" in browser.get("/device?lang=zh").text
    page = shown(browser, told["user_code"])
    assert "允许之前，请先看一眼收银台" in page.text
    assert told["user_code"] not in page.text.split("</header>")[0]
    assert "已允许" in browser.get("/device/done?decision=allow").text
    assert "未允许" in browser.get("/device/done").text


def test_the_consent_stands_on_the_account_page(world: World, told: dict[str, Any]) -> None:
    browser = world.browser()
    decide(browser, told["user_code"])
    consent = granted(world)
    assert consent.expires_at - consent.granted_at == timedelta(minutes=15)
    assert f"/account/consents/{consent.id}/revoke" in browser.get("/account").text
